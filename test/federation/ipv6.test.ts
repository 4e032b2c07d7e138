// A SuperLink with IPv4 and IPv6 and a SuperNode with IPv6 alone, each on a machine of its own: real Flower, real routes.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/host/process.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';
import { FlowerSetup, pki } from '../support/flower-setup.ts';
import { noNamespaces } from '../support/netns/silent-path.ts';
import { DUAL, makeTwoFamilies, type TwoFamilies } from '../support/netns/two-families.ts';
import { NODE } from '../support/zone/vm.ts';

const refused = await noNamespaces();
if (refused !== undefined) console.warn(`the tests of IPv6 are skipped: ${refused}`);

const V4 = `${DUAL.v4}:9092`;
const NO_ROUTE = 'no route to the network';

describe.skipIf(refused !== undefined).each([
  ['1.39.0', '0.0.0.0'],
  ['1.39.0', '::'],
  ['1.31.0', '0.0.0.0'],
])('Flower %s that listens on %s', (version, host) => {
  let machines: TwoFamilies;
  let environment: string;
  const setups: FlowerSetup[] = [];
  beforeAll(async () => {
    environment = await flowerEnvironment(version);
    machines = await makeTwoFamilies();
  }, FLOWER_ENV_TIMEOUT_MS);
  afterAll(async () => {
    for (const setup of setups) await setup.clear();
    await machines?.remove();
  });

  /** What the agent would dial there. */
  async function reached(prefix: readonly string[], ...addresses: string[]): Promise<unknown> {
    const script = join(import.meta.dirname, '../support/netns/reach.ts');
    const { stdout, stderr } = await run(prefix[0]!, [...prefix.slice(1), NODE, script, ...addresses]);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  }

  it('is found by a node without IPv4, and accepts it', async () => {
    const [link, node] = [new FlowerSetup(version, environment), new FlowerSetup(version, environment)];
    setups.push(link, node);
    const both = [DUAL.v4, '9092', DUAL.v6, '9092'];
    const tried = [`${V4}: ${NO_ROUTE}`];
    // Also while it is down: there is a route to one address only.
    expect(await reached(machines.only6, ...both)).toMatchObject({
      endpoint: { host: DUAL.v6 },
      open: false,
      others: tried,
    });

    const keys = pki({ ip: [DUAL.v4, DUAL.v6, '127.0.0.1'] });
    const own = link.credentials('server', keys.server, keys.ca.certPem);
    const fleet = { host, port: 9092 };
    const plan = link.superlink({ loopback: '127.0.0.1', fleet, tls: { own, operator: null } });
    await link.phase(link.launch(plan, { prefix: machines.dual }), 'serving', 60_000);

    expect(await reached(machines.dual, ...both)).toMatchObject({ endpoint: { host: DUAL.v4 }, open: true });
    expect(await reached(machines.only6, ...both)).toEqual({
      endpoint: { host: DUAL.v6, port: 9092 },
      open: true,
      others: tried,
    });
    const superlink = { host: DUAL.v6, port: 9092 };
    const launched = node.launch(node.supernode({ loopback: '127.0.0.1', superlink, ca: keys.ca.certPem }), {
      prefix: machines.only6,
    });
    expect(await node.phase(launched, 'accepted', 60_000)).toMatchObject({
      detail: expect.stringContaining(`[${DUAL.v6}]:9092`),
    });
  }, 300_000);
});

// What Flower does when FL_MAX_RETRIES or FL_MAX_WAIT_TIME is reached, before and after it was accepted, and that the
// launcher ends with a status of its own then. Both of the oldest and the newest Flower: its class for retries has moved.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LaunchPlan } from '../../src/flower/plan.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';
import { FlowerSetup, type Launched } from '../support/flower-setup.ts';
import { NET } from '../support/zone/test-zone.ts';

const EXIT_LIMIT = 69;
const HOST = `${NET}.241.2`;

const limited = (plan: LaunchPlan, ...argv: string[]): LaunchPlan => ({
  ...plan,
  argv: [...plan.argv, ...argv],
});

describe.each(['1.39.0', '1.31.0'])('Flower %s', (version) => {
  let environment: string;
  const setups: FlowerSetup[] = [];
  beforeAll(async () => {
    environment = await flowerEnvironment(version);
  }, FLOWER_ENV_TIMEOUT_MS);
  afterAll(() => Promise.all(setups.map((setup) => setup.clear())));
  const setup = (): FlowerSetup => {
    const made = new FlowerSetup(version, environment);
    setups.push(made);
    return made;
  };
  const supernode = (port: number, ...argv: string[]): { node: FlowerSetup; launched: Launched } => {
    const node = setup();
    const plan = node.supernode({ loopback: `${NET}.241.3`, superlink: { host: HOST, port } });
    return { node, launched: node.launch(limited(plan, ...argv)) };
  };

  it.each([
    ['FL_MAX_RETRIES', '--max-retries', '2'],
    ['FL_MAX_WAIT_TIME', '--max-wait-time', '3'],
  ])(
    'that is never accepted ends for good at %s',
    async (variable, flag, value) => {
      const { node, launched } = supernode(9192, flag, value);
      expect(await launched.ended).toEqual({ code: EXIT_LIMIT, signal: null });
      expect(node.link()).toMatchObject({
        phase: 'ended',
        detail: expect.stringContaining(`(${variable}=${value}): nothing listens at ${HOST}:9192`),
      });
    },
    120_000,
  );

  it('that was accepted ends for good at FL_MAX_RETRIES, also while its heartbeat is repeated', async () => {
    const link = setup();
    const fleet = { host: HOST, port: 9092 };
    const server = link.launch(link.superlink({ loopback: `${NET}.241.4`, fleet }));
    await link.phase(server, 'serving', 60_000);
    const { node, launched } = supernode(9092, '--max-retries', '2');
    await node.phase(launched, 'accepted', 60_000);
    server.process.kill('SIGKILL');
    expect(await launched.ended).toEqual({ code: EXIT_LIMIT, signal: null });
    expect(node.link()?.detail).toContain('(FL_MAX_RETRIES=2)');
  }, 180_000);

  it('that is stopped before its limit is reached ends as requested', async () => {
    const { node, launched } = supernode(9192, '--max-retries', '1000');
    await node.phase(launched, 'lost', 60_000);
    launched.process.kill('SIGTERM');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
  }, 120_000);
});

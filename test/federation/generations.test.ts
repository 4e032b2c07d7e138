// Flower up to 1.39 (gRPC) and Flower from 1.40 on (HTTP) do not understand each other, and neither names the cause. Real
// Flower of both: the upgrade of a federation, and nodes that have another version than their SuperLink.
import { existsSync, readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import type { Status } from '../../src/report/status.ts';
import type { Context } from '../support/zone/context.ts';
import type { Federation } from '../support/zone/federation.ts';
import { NET, temporaryFolder, zone } from '../support/zone/test-zone.ts';
import { roundsOf } from '../support/zone/training.ts';
import { createVm, type Vm } from '../support/zone/vm.ts';

const UP_WITHIN_MS = 120_000;
/** From the start of a node to the problem that names the cause. */
const NAMED_WITHIN_MS = 15_000;
/** From the end of the upgrade of the SuperLink, for a node that it had accepted. */
const LOST_WITHIN_MS = 60_000;

const CODE = 'flower_generation_differs';
const COPY = 'state/state.db.flower-1.39.0';

const differs = ({ problems }: Status) => problems.filter(({ code }) => code === CODE);

/** The one problem, while the node waits: with both names and the remedy. */
async function named(vm: Vm, both: readonly string[], withinMs: number): Promise<void> {
  const status = await vm.waitFor(
    `${CODE} with ${both.join(' and ')}`,
    (now) => differs(now).some(({ found }) => both.every((one) => found.includes(one))),
    withinMs,
  );
  expect(differs(status)).toHaveLength(1);
  expect(differs(status)[0]!.remedy).toMatch(/same FLOWER_VERSION or image; the node then joins by itself/);
  expect(status.phase).toBe('booting');
  expect(await vm.unit('flower-context')).toMatchObject({ NRestarts: '0' });
}

const serves = (vm: Vm, version: string) =>
  vm.waitFor(
    `Flower ${version} to serve`,
    ({ phase, facts }) => phase === 'ready' && facts.flower_version === version,
    UP_WITHIN_MS,
  );

/** It was accepted, and the problem is withdrawn. */
async function joins(vm: Vm, version: string): Promise<void> {
  expect(differs(await serves(vm, version))).toEqual([]);
}

async function trains({ superlink }: Federation): Promise<void> {
  const { code, stdout, stderr } = await superlink.cli('submit', 'quickstart');
  expect(code, `${stdout}${stderr}`).toBe(0);
  // Flower counts the nodes of before the upgrade as online for a minute: they are the failures of a round.
  const rounds = roundsOf(`${stdout}${stderr}`.split('\n'));
  expect(rounds.map(({ results }) => results)).toEqual([2]);
}

// covers flower_generation_differs
// Minutes: `make test-all`.
const all = process.env.FLOWER_VERSIONS === 'all';
test.runIf(all)(
  'an upgrade from 1.39 to 1.42, and the SuperLink back: late nodes wait, name both versions, and join',
  async () => {
    const federation = zone({ flower: { version: '1.39.0' }, superlink: { FL_NUM_ROUNDS: '1' } });
    await federation.up(UP_WITHIN_MS);
    const { superlink, supernodes } = federation;
    const copy = superlink.at(`var/lib/flower/superlink/${COPY}`);
    expect(existsSync(copy)).toBe(false);

    await superlink.recontextualize({ FLOWER_VERSION: '1.42.0' });
    await serves(superlink, '1.42.0');
    expect(existsSync(copy)).toBe(true);
    const both = ['Flower 1.39.0', 'Flower 1.42.0'];
    await Promise.all(supernodes.map((vm) => named(vm, both, LOST_WITHIN_MS)));
    const { code, stdout } = await supernodes[0]!.cli('doctor');
    expect(stdout).toMatch(/1\.39\.0 here.*1\.42\.0.*flower_generation_differs/s);
    expect(code).not.toBe(0);

    await supernodes[0]!.shutdown();
    await supernodes[0]!.boot();
    await named(supernodes[0]!, both, NAMED_WITHIN_MS);

    for (const vm of supernodes) await vm.recontextualize({ FLOWER_VERSION: '1.42.0' });
    await Promise.all(supernodes.map((vm) => joins(vm, '1.42.0')));
    await trains(federation);

    await superlink.recontextualize({ FLOWER_VERSION: '1.39.0' });
    const { problems } = await superlink.waitFor('the boot to fail', ({ phase }) => phase === 'failed');
    expect(problems).toMatchObject([
      {
        code: 'flower_database_newer',
        found: 'Flower 1.42.0 has served with it, and FLOWER_VERSION asks for Flower 1.39.0',
      },
    ]);
    await superlink.recontextualize({ FL_DATABASE: COPY });
    await serves(superlink, '1.39.0');
    await Promise.all(supernodes.map((vm) => named(vm, both, LOST_WITHIN_MS)));
  },
);

test('a new node of 1.42 at a SuperLink of 1.39 names both, and joins when the SuperLink is upgraded', async () => {
  const federation = zone({
    flower: { version: '1.39.0' },
    supernodes: 1,
    supernode: { FLOWER_VERSION: '1.42.0' },
  });
  await federation.deploy();
  await federation.superlink.whenReady(UP_WITHIN_MS);
  await federation.zone.until(() => federation.supernodes.length === 1, UP_WITHIN_MS, 'the gate to open');
  const [node] = federation.supernodes;
  await named(node!, ['Flower 1.39.0', 'Flower 1.42.0'], NAMED_WITHIN_MS);
  await federation.superlink.recontextualize({ FLOWER_VERSION: '1.42.0' });
  await joins(node!, '1.42.0');
});

const GENERATION = { '1.39.0': 'Flower 1.39 and older (gRPC)', '1.42.0': 'Flower 1.40 and newer (HTTP)' };

/** A node outside the service: without OneGate only an answer of the SuperLink tells its generation. */
async function lonelyNode({ superlink }: Federation, address: string, context: Context): Promise<Vm> {
  const ca = superlink.at('var/lib/flower-context/tls/ca.pem');
  const trust: Context =
    superlink.spec.context.FL_TLS_ENABLED === 'NO'
      ? { FL_TLS_ENABLED: 'NO' }
      : { FL_SSL_CA_CERTFILE: readFileSync(ca).toString('base64') };
  const vm = createVm({
    dir: `${temporaryFolder()}/lonely`,
    role: 'supernode',
    context: { FL_SUPERLINK_ADDRESS: address, ...trust, ...context },
    loopback: `${NET}.249.1`,
    flower: { version: '1.39.0' },
  });
  onTestFinished(() => vm.shutdown());
  await vm.boot();
  return vm;
}

test.each([
  ['1.39.0', '1.42.0', 'YES'],
  ['1.39.0', '1.42.0', 'NO'],
  ['1.42.0', '1.39.0', 'YES'],
  ['1.42.0', '1.39.0', 'NO'],
] as const)('a node of %s at the static address of a SuperLink of %s, TLS %s', async (here, there, tls) => {
  const federation = zone({
    flower: { version: '1.39.0' },
    supernodes: 0,
    superlink: { FLOWER_VERSION: there, FL_TLS_ENABLED: tls },
  });
  await federation.deploy();
  const { superlink } = federation;
  await superlink.whenReady(UP_WITHIN_MS);
  const address = `${federation.seenBy(superlink).ip}:9092`;
  const node = await lonelyNode(federation, address, { FLOWER_VERSION: here });
  await named(node, [GENERATION[there], `Flower ${here}`], NAMED_WITHIN_MS);
  const { stdout } = await node.cli('doctor');
  expect(stdout).toMatch(/flower_generation_differs/);
  expect(stdout).toContain(GENERATION[there]);

  // The SuperLink's database was migrated by the newer version: there the node has to change.
  const late = there === '1.39.0' ? superlink : node;
  await late.recontextualize({ FLOWER_VERSION: '1.42.0' });
  await joins(node, '1.42.0');
});

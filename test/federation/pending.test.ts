// A run is not interrupted: an upgrade, a new certificate and another number of SuperNodes during a slow round, real Flower.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../support/zone/process.ts';
import { temporaryFolder, zone } from '../support/zone/test-zone.ts';
import { roundsOf } from '../support/zone/training.ts';
import { AGENT, type Vm } from '../support/zone/vm.ts';
import { waitingApp } from '../support/zone/waiting-app.ts';

const WAIT_MS = 120_000;

const flowerOf = async (vm: Vm): Promise<string> => (await vm.unit(`flower-${vm.spec.role}`)).MainPID!;
const planOf = (vm: Vm): string => readFileSync(vm.at('run/flower-context/plan.json'), 'utf8');

const whenPending = (vm: Vm, reason: string) =>
  vm.waitFor(
    `pending: ${reason}`,
    ({ phase, pending }) => phase === 'ready' && pending?.reason === reason,
    WAIT_MS,
  );
const whenApplied = (vm: Vm) =>
  vm.waitFor('nothing pending', ({ phase, pending }) => phase === 'ready' && pending === null, WAIT_MS);

/** The next package: its launch plan has one more name in the environment. */
async function upgrade(vm: Vm, agent: string): Promise<void> {
  const before = vm.status()!.pid;
  const program = vm.at('usr/bin/flower-context');
  writeFileSync(program, readFileSync(program, 'utf8').replace(AGENT, agent));
  await vm.systemctl('restart', 'flower-context');
  await vm.waitFor('the new agent', ({ pid, phase }) => pid !== before && phase === 'ready', WAIT_MS);
}

function nextAgent(folder: string): string {
  const text = readFileSync(AGENT, 'utf8');
  const name = 'FLWR_DISABLE_UPDATE_CHECK:"1",FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION:"1"';
  expect(text).toContain(name);
  const agent = join(folder, 'next-agent.cjs');
  writeFileSync(agent, text.replace(name, `${name},FLWR_OF_THE_NEXT_PACKAGE:"1"`));
  return agent;
}

test('an upgrade, a new certificate and scaling from 1 to 2 during a round: it ends with its result, and then all is applied', async () => {
  const folder = temporaryFolder();
  const one = { FL_MIN_FIT_CLIENTS: '1', FL_MIN_EVALUATE_CLIENTS: '1', FL_MIN_AVAILABLE_CLIENTS: '1' };
  const federation = zone({
    flower: { version: '1.39.0' },
    supernodes: 1,
    superlink: { FL_NUM_ROUNDS: '1', ...one },
    supernode: { FL_EDGE_MAX_BACKOFF: '5' },
  });
  await federation.up(90_000);
  const { superlink } = federation;
  const [node] = federation.supernodes as [Vm];
  const app = waitingApp(folder);
  const run = superlink.cli('submit', app.folder);
  await until('the ClientApp', () => app.trainer() !== undefined, {
    timeoutMs: WAIT_MS,
    detail: () => node.diagnostics(),
  });
  const trainer = app.trainer();
  const before = await Promise.all([superlink, node].map(flowerOf));

  const agent = nextAgent(folder);
  await Promise.all([superlink, node].map((vm) => upgrade(vm, agent)));
  const upgraded = await Promise.all(
    [superlink, node].map((vm) => whenPending(vm, 'another launch plan of a new package')),
  );
  expect(upgraded.map(({ pending }) => pending!.because)).toEqual([
    expect.stringMatching(/^run \d+ is running$/),
    'a message is being worked on',
  ]);

  await superlink.recontextualize({ FL_CERT_EXTRA_SAN: 'DNS:other.example.org' });
  federation.zone.services[0]!.scale('supernode', 2);
  await whenPending(superlink, 'a new server certificate');
  await whenPending(node, 'another number of data partitions (2 instead of 1)');
  const added = (): Vm | undefined => federation.supernodes.find((vm) => vm !== node);
  await until('the added SuperNode', () => added()?.status()?.phase === 'ready', { timeoutMs: WAIT_MS });
  expect(added()!.status()!.facts).toMatchObject({ partition_id: 1, num_partitions: 2 });
  const claims = (vm: Vm) =>
    [...['FL_PARTITION_ID', 'FL_NUM_PARTITIONS', 'READY']].map((name) =>
      federation.seenBy(vm).userTemplate.get(name),
    );
  expect(claims(node)).toEqual(['0', '1', 'YES']);

  expect(await Promise.all([superlink, node].map(flowerOf))).toEqual(before);
  expect(app.trainer()).toBe(trainer);
  app.finish();
  const { code, stdout, stderr } = await run;
  expect(code, `${stdout}${stderr}`).toBe(0);
  expect(`${stdout}${stderr}`).toContain('aggregate_train: Received 1 results and 0 failures');

  await Promise.all([superlink, node].map(whenApplied));
  expect(await Promise.all([superlink, node].map(flowerOf))).not.toEqual(expect.arrayContaining(before));
  for (const vm of [superlink, node]) expect(planOf(vm)).toContain('FLWR_OF_THE_NEXT_PACKAGE');
  expect(superlink.status()!.facts.sans).toContain('DNS:other.example.org');
  expect(claims(node)).toEqual(['0', '2', 'YES']);
  const again = await superlink.cli(
    'submit',
    app.folder,
    '--',
    '--run-config',
    'min-available-clients=2 min-fit-clients=2',
  );
  expect(again.code, `${again.stdout}${again.stderr}`).toBe(0);
  expect(
    roundsOf(`${again.stdout}${again.stderr}`.split('\n')).map(({ results, failures }) => [
      results,
      failures,
    ]),
  ).toEqual([[2, 0]]);
});

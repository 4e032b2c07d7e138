// The launcher as its unit starts it on a VM, around a fake Flower that does what real Flower does seldom or slowly. With
// real Flower: launcher.test.ts.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { formatPlan, type LaunchPlan } from '../../src/flower/plan.ts';
import { until } from '../support/zone/process.ts';
import { superlink, updates, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';
import { HURRY } from './failures/setup.ts';

const PLAN = 'run/flower-context/plan.json';
/** How a process ended can be read until systemd starts the next. */
const ENDED_STAYS = {
  'flower-superlink': '[Service]\nRestartSec=300',
  'flower-supernode': '[Service]\nRestartSec=300',
};

/** A SuperLink without agent, Flower and plan; `plan` is the one that it had. */
async function withoutPlan(): Promise<{ vm: Vm; plan: LaunchPlan }> {
  const { vm } = await superlink({}, { dropIns: ENDED_STAYS });
  await vm.whenReady();
  await vm.systemctl('stop', 'flower-context');
  await vm.systemctl('stop', 'flower-superlink');
  const plan = JSON.parse(readFileSync(vm.at(PLAN), 'utf8')) as LaunchPlan;
  rmSync(vm.at(PLAN));
  truncateSync(vm.at('run/flower-context/link.json'));
  return { vm, plan };
}

const ended = (vm: Vm): Promise<Record<string, string>> =>
  until(
    'the end of Flower',
    async () => {
      const state = await vm.unit(`flower-${vm.spec.role}`);
      return state.SubState === 'auto-restart' && state;
    },
    { detail: () => vm.diagnostics() },
  );

test('Flower does not start with a plan that was replaced while the launcher read it', async () => {
  const { vm, plan } = await withoutPlan();
  await vm.systemctl('start', '--no-block', 'flower-superlink');
  const waiting = await until('the launcher to wait', async () => {
    const state = await vm.unit('flower-superlink');
    return state.StatusText === 'waiting for the launch plan of flower-context' && state;
  });

  // A pipe instead of the file: a write succeeds once the launcher reads it, and the test decides when it ends.
  execFileSync('mkfifo', [vm.at(`${PLAN}.pipe`)]);
  renameSync(vm.at(`${PLAN}.pipe`), vm.at(PLAN));
  const pipe = await until('the launcher to read the plan', () =>
    open(vm.at(PLAN), constants.O_WRONLY | constants.O_NONBLOCK).catch(() => undefined),
  );
  const name = 'grpc.keepalive_time_ms';
  await pipe.write(formatPlan({ ...plan, options: { ...plan.options, server: [[name, 12_345]] } }));
  writeFileSync(vm.at(`${PLAN}.new`), formatPlan(plan));
  renameSync(vm.at(`${PLAN}.new`), vm.at(PLAN));
  await pipe.close();

  const link = await until(
    'Flower to serve',
    () => {
      const said = vm.flowerLink();
      return said?.phase === 'serving' && said;
    },
    { detail: () => vm.diagnostics() },
  );
  expect(link.plan).toBe(createHash('sha256').update(formatPlan(plan)).digest('hex'));
  expect(new Map(link.options.server).get(name)).toBe(new Map(plan.options.server).get(name));
  expect(String(link.pid), 'it is the same process to systemd').toBe(waiting.MainPID);
  const starts = vm.journal('flower-superlink').filter(({ message }) => message.includes('starting flower-'));
  expect(starts.slice(-2).map(({ message }) => message)).toEqual([
    `flower-launch: starting flower-superlink ${BAKED_FLOWER}`,
    `flower-launch: starting flower-superlink ${BAKED_FLOWER}`,
  ]);
  expect(starts).toHaveLength(3);
});

test('an invalid plan ends the launcher with status 78, the agent writes a valid one, and Flower serves', async () => {
  const { vm, plan } = await withoutPlan();
  writeFileSync(vm.at(PLAN), JSON.stringify({ ...plan, argv: ['--insecure', 2], workdir: '' }));
  await vm.systemctl('start', '--no-block', 'flower-superlink');
  expect(await ended(vm)).toMatchObject({ ExecMainStatus: '78', Result: 'exit-code' });
  const errors = vm.journal('flower-superlink').filter(({ priority }) => priority === 3);
  expect(errors.map(({ message }) => message.replace(/^.*plan\.json/, ''))).toEqual([
    " cannot be used: 'argv' is not a list of text",
    " cannot be used: 'workdir' is not text",
  ]);
  expect(vm.flowerLink()).toMatchObject({ phase: 'waiting', plan: null });

  const before = vm.status()?.pid;
  await vm.systemctl('start', '--no-block', 'flower-context');
  await vm.waitFor('the next agent to be ready', ({ phase, pid }) => phase === 'ready' && pid !== before);
  expect(JSON.parse(readFileSync(vm.at(PLAN), 'utf8'))).toEqual(plan);
});

test('the launcher ends with status 75 when Flower ends with status 0 unasked, and the agent reports the end', async () => {
  const { vm } = await superlink({}, { dropIns: ENDED_STAYS });
  await vm.whenReady();
  vm.orderFake('exit 0 all is well');
  expect(await ended(vm)).toMatchObject({ ExecMainStatus: '75', Result: 'exit-code' });
  expect(vm.flowerLink()).toMatchObject({
    phase: 'ended',
    detail: 'Flower exited with status 0 without a stop request',
  });
  await vm.waitFor('the loss', ({ serving }) => !serving);
  await vm.toSay(/Flower is not serving/);
});

test('Flower that was asked to end has not failed', async () => {
  const { vm } = await superlink({}, { dropIns: ENDED_STAYS });
  await vm.whenReady();
  await vm.systemctl('stop', 'flower-superlink');
  expect(await vm.unit('flower-superlink')).toMatchObject({
    ActiveState: 'inactive',
    ExecMainStatus: '0',
    Result: 'success',
  });
  expect(vm.flowerLink()).toMatchObject({ phase: 'ended', detail: 'stopped as requested' });
});

test('launcher and agent report at once that a SuperNode has lost its SuperLink, and later its return', async () => {
  const federation = zone({ supernodes: 1 });
  await federation.up();
  const [vm] = federation.supernodes as [Vm];
  const before = vm.flowerLink()!;
  expect(before).toMatchObject({ phase: 'accepted', node_id: String(vm.status()!.facts.node_id) });
  expect(await vm.cli('ready', '--timeout', '0')).toMatchObject({ code: 0 });

  await federation.superlink.systemctl('stop', 'flower-superlink');
  await vm.waitFor('the loss', ({ serving }) => !serving);
  const lost = vm.flowerLink()!;
  expect(lost).toMatchObject({ phase: 'lost', pid: before.pid });
  expect(lost.detail).toMatch(/^no link to the SuperLink: (nothing listens at|.* closed the connection)/);
  await vm.toSay(/Flower is not connected.*no link to the SuperLink/);
  expect((await vm.cli('ready', '--timeout', '0')).code).not.toBe(0);

  await federation.superlink.systemctl('start', 'flower-superlink');
  await vm.waitFor('the return', ({ serving }) => serving);
  expect(vm.flowerLink()).toMatchObject({ phase: 'accepted', pid: before.pid, node_id: before.node_id });
  await vm.toSay(/Flower is back after/);
});

test('Flower ends and the boot fails when a SuperNode is refused for its clock, and the clock is a separate problem', async () => {
  const federation = zone({
    supernodes: 1,
    dropIns: ENDED_STAYS,
    prepare: (vm) => vm.orderFake('refuse UNAUTHENTICATED Invalid timestamp'),
  });
  await federation.deploy();
  const vm = await until('the SuperNode', () => federation.supernodes[0]);
  const { problems } = await vm.whenFailed();
  const byCode = Object.fromEntries(problems.map((problem) => [problem.code, problem]));
  expect(byCode.flower_start_failed?.found).toMatch(
    /exit status 75.*the clock of this VM is more than 5 s ahead/s,
  );
  expect(byCode.clock_off?.remedy).toContain('timedatectl');
});

test('a SuperLink that serves gRPC but no Fleet API is never READY, whatever its launcher reports', async () => {
  const { federation, vm, one } = await superlink(
    {},
    { env: HURRY, flower: { fake: true, order: 'foreign' } },
  );
  const { problems } = await vm.whenFailed(30_000);
  expect(vm.flowerLink()?.phase).toBe('serving');
  expect(problems[0]).toMatchObject({
    code: 'health_check_timeout',
    found: expect.stringMatching(/is not Flower's Fleet API \(Method not found!\)/),
  });
  expect(JSON.stringify(updates(federation, one))).not.toMatch(/READY":"YES/);
});

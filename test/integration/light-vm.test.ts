// The light VM's part of systemd (flower-context.service), around the real loop of the agent: when is the agent started
// again, and when not?
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { renderMetrics } from '../../src/agent/metrics.ts';
import type { BootOutcome } from '../../src/boot/boot.ts';
import { Problem } from '../../src/core/problem.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { LightVm, type LightVmSpec } from '../support/light-vm.ts';

const GOOD = { VMID: '1', ETH0_IP: '172.20.0.1' };
const path = process.env.PATH;
let dir: string;
let clock: FakeClock;
let stop: AbortController;
let life: Promise<void>;
let boots: { readonly at: number; readonly code: string; readonly outcome: BootOutcome }[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'light-'));
  clock = new FakeClock();
  stop = new AbortController();
  boots = [];
  // No systemctl that would answer for this VM.
  process.env.PATH = '';
});
afterEach(async () => {
  process.env.PATH = path;
  stop.abort();
  await life;
  rmSync(dir, { recursive: true, force: true });
});

function switchedOn(spec: Partial<LightVmSpec> = {}): LightVm {
  const vm = new LightVm({
    dir,
    role: 'superlink',
    context: GOOD,
    token: '',
    clock,
    random: () => 0,
    ...spec,
  });
  life = vm.run(stop.signal, (outcome) =>
    boots.push({ at: clock.monotonicMs(), code: outcome.failure?.problem.code ?? 'good', outcome }),
  );
  return vm;
}

/** Half a second at a time, because files and keys take real time. */
async function pass(ms: number, enough: () => boolean = () => false): Promise<void> {
  for (const end = clock.monotonicMs() + ms; clock.monotonicMs() < end && !enough(); ) {
    await clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const codes = (): string[] => boots.map(({ code }) => code);

test('after a wrong CONTEXT the agent starts again only when the CONTEXT changes', async () => {
  const vm = switchedOn({ context: { ...GOOD, FL_NUM_ROUNDS: 'many' } });
  await pass(3_600_000);
  expect(codes()).toEqual(['config_validation_failed']);
  vm.writeContext(GOOD);
  await pass(60_000);
  expect(codes()).toEqual(['config_validation_failed']);
  vm.reloadOrRestart();
  await pass(60_000, () => boots.length > 1);
  expect(codes()).toEqual(['config_validation_failed', 'good']);
});

test('after another failure it starts again with growing pauses of at most five minutes', async () => {
  const found = 'the disk is full';
  switchedOn({
    before: (id) => {
      if (id === 'prepare_directories') throw new Problem('state_unwritable', { doing: 'writing', found });
    },
  });
  await pass(2_400_000);
  expect(new Set(codes())).toEqual(new Set(['state_unwritable']));
  const pauses = boots.slice(1).map(({ at }, index) => Math.round((at - boots[index]!.at) / 1_000));
  expect(pauses.slice(0, 8)).toEqual([5, 10, 20, 39, 77, 152, 300, 300]);
});

test('a CONTEXT that changes while the agent waits for Flower interrupts the boot', async () => {
  const vm = switchedOn({ flowerMs: () => 600_000 });
  const waits = (): boolean =>
    vm.status?.steps.some(({ id, state }) => id === 'await_fleet_api' && state === 'running') === true;
  await pass(60_000, waits);
  vm.writeContext({ ...GOOD, FL_NUM_ROUNDS: '7' });
  await pass(300_000, () => boots.length > 0);
  expect(codes()).toEqual(['interrupted']);
  await pass(700_000, () => boots.length > 1);
  expect(codes()).toEqual(['interrupted', 'good']);
});

test('the duration of a boot is that of its steps side by side, and boots are counted', async () => {
  const slow = ['announce_booting', 'certificates'];
  switchedOn({
    before: (id, { machine }) => (slow.includes(id) ? machine.clock.sleep(60_000) : undefined),
  });
  await pass(600_000, () => boots.length > 0);
  const { outcome } = boots[0]!;
  expect(outcome.tookMs).toBeGreaterThanOrEqual(60_000);
  expect(outcome.tookMs).toBeLessThan(100_000);
  const text = renderMetrics({ ready: true, boots: 3, ends: 0, outcome, now: clock.now() });
  expect(text).toContain(`flower_context_boot_seconds ${outcome.tookMs / 1_000}\n`);
  expect(text).toContain('# TYPE flower_context_boots_total counter\nflower_context_boots_total 3\n');
});

/** Until something has happened that also takes real time: programs that are started. */
async function until(enough: () => boolean): Promise<void> {
  for (let tries = 0; !enough(); tries++) {
    if (tries > 3_000) throw new Error(`it has not happened: ${enough}`);
    await clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A `systemctl` that knows one unit, in this state; a start makes it `after`. */
function systemctl(state: string, after = 'active'): { calls: () => string[]; names: (pid: number) => void } {
  const folder = join(dir, 'systemd');
  mkdirSync(folder);
  const names = (pid: number): void => writeFileSync(join(folder, 'pid'), `${pid}\n`);
  names(0);
  writeFileSync(join(folder, 'state'), `${state}\n`);
  writeFileSync(join(folder, 'calls'), '');
  const program = `#!/bin/sh
cd '${folder}'
echo "$*" >>calls
case $1 in
start) echo ${after} >state ;;
stop) case $* in *superexec*) echo inactive >state ;; esac ;;
show)
  read -r state <state; read -r pid <pid
  [ "$state" = active ] || pid=0
  echo "ActiveState=$state"; echo "MainPID=$pid"
  [ "$state" != activating ] || echo SubState=auto-restart ;;
esac
`;
  writeFileSync(join(folder, 'systemctl'), program, { mode: 0o755 });
  process.env.PATH = folder;
  return { names, calls: () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') };
}

test.each([
  ['active', false],
  ['activating', true],
  ['inactive', true],
])(
  'after a wrong CONTEXT a Flower whose state is not known is stopped unless it is active (%s)',
  async (state, stopped) => {
    const { calls } = systemctl(state);
    const vm = switchedOn({ context: { ...GOOD, FL_NUM_ROUNDS: 'many' } });
    // Once the agent has ended, the unit starts it again.
    await until(() => {
      vm.reloadOrRestart();
      return boots.length > 1;
    });
    expect(calls().includes('stop --no-block flower-superlink.service')).toBe(stopped);
  },
);

describe('FL_ISOLATION=process', () => {
  const PROCESS = { ...GOOD, FL_ISOLATION: 'process' };
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  const superexec = (): number => {
    const child = spawn('/bin/sleep', ['600']);
    children.push(child);
    return child.pid!;
  };
  async function gone(pid: number): Promise<void> {
    const child = children.find((one) => one.pid === pid)!;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
  const restarts = (calls: readonly string[]): number =>
    calls.filter((call) => call.startsWith('start ') && call.includes('superexec')).length;

  /** A VM that serves, its SuperExec, and what makes another process that of SuperExec. */
  async function serving() {
    const systemd = systemctl('inactive');
    let pid = superexec();
    systemd.names(pid);
    const first = pid;
    const vm = switchedOn({ context: PROCESS, superexec: () => pid });
    await until(() => vm.status?.serving === true);
    return {
      vm,
      first,
      calls: systemd.calls,
      becomes: (other: number): void => {
        pid = other;
        systemd.names(other);
      },
    };
  }

  test('a boot that fails while SuperExec does not run leaves nothing that serves', async () => {
    const { vm, first, becomes } = await serving();
    becomes(0);
    await gone(first);
    vm.writeContext({ ...PROCESS, FL_NUM_ROUNDS: 'many' });
    await until(() => boots.length > 1 && codes().includes('config_validation_failed'));
    const failed = boots.find(({ code }) => code === 'config_validation_failed')!;
    expect(failed.outcome.failure).toMatchObject({ planned: false, publishedBefore: true, flowerUp: false });
    await until(() => vm.status?.phase === 'failed');
    expect(vm.status?.serving).toBe(false);
  });

  test('a SuperExec that ends at once fails the boot at once', async () => {
    systemctl('inactive', 'activating');
    switchedOn({ context: PROCESS });
    await until(() => boots.length > 0);
    const { failure } = boots[0]!.outcome;
    expect(failure?.problem.code).toBe('flower_start_failed');
    expect(failure?.problem.facts.found).toContain('it ended');
  });

  test('a SuperExec that systemd has started again needs no boot', async () => {
    const { vm, first, becomes, calls } = await serving();
    becomes(superexec());
    await gone(first);
    // Longer than a lost SuperExec is waited for.
    const later = clock.monotonicMs() + 60_000;
    await until(() => clock.monotonicMs() > later);
    expect(codes()).toEqual(['good']);
    expect(vm.status?.serving).toBe(true);
    expect(restarts(calls())).toBe(1);
  });

  test('a SuperExec that a signal has stopped is started again', async () => {
    const { vm, first, calls } = await serving();
    process.kill(first, 'SIGSTOP');
    await until(() => vm.status?.serving === false);
    await until(() => restarts(calls()) > 1);
  });
});

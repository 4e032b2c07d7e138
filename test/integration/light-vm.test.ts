// The light VM's part of systemd (flower-context.service), around the real loop of the agent: when is the agent started
// again, and when not?
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
  const text = renderMetrics({ ready: true, boots: 3, outcome, now: clock.now() });
  expect(text).toContain(`flower_context_boot_seconds ${outcome.tookMs / 1_000}\n`);
  expect(text).toContain('# TYPE flower_context_boots_total counter\nflower_context_boots_total 3\n');
});

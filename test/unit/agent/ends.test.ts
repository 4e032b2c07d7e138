// Which ends of Flower's processes are counted. systemd is what it says of a unit.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Ends } from '../../../src/agent/ends.ts';
import { heldUntil, NO_TROUBLES } from '../../../src/agent/troubles.ts';
import { type Machine, realMachine } from '../../../src/host/machine.ts';
import type * as systemd from '../../../src/host/systemd.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const said = vi.hoisted(() => ({ restarts: 0 }));
vi.mock('../../../src/host/systemd.ts', async (original) => {
  const real = await original<typeof systemd>();
  const text = (): string =>
    `ActiveState=active\nSubState=running\nResult=success\nNRestarts=${said.restarts}\n`;
  return { ...real, unitState: async () => real.readUnitState(text()), lastLines: async () => [] };
});

const UNIT = 'flower-superlink.service';
const SEEN = { wasLost: false, wasSeen: true };
const NOT_SEEN = { wasLost: false, wasSeen: false };

let folder = '';
let clock: FakeClock;
let machine: Machine;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ends-'));
  clock = new FakeClock();
  machine = { ...realMachine(folder), clock };
  mkdirSync(dirname(machine.paths.ends), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('restarts before anybody has counted are no end, and the next one is, also for another agent', async () => {
  said.restarts = 4;
  const ends = new Ends(machine);
  expect(await ends.read(UNIT, NOT_SEEN)).toBeUndefined();
  said.restarts = 5;
  expect(await new Ends(machine).read(UNIT, NOT_SEEN)).toMatchObject({ unit: UNIT, result: 'unknown' });
  expect(await ends.read(UNIT, SEEN)).toMatchObject({ unit: UNIT });
  expect(await ends.read(UNIT, SEEN)).toBeUndefined();
});

test('a unit that has not ended when it is first looked at is on record', async () => {
  said.restarts = 0;
  expect(await new Ends(machine).read(UNIT, NOT_SEEN)).toBeUndefined();
  said.restarts = 1;
  expect(await new Ends(machine).read(UNIT, NOT_SEEN)).toMatchObject({ unit: UNIT });
});

test('the end of a process that this agent has seen counts without a record', async () => {
  said.restarts = 1;
  expect(await new Ends(machine).read(UNIT, SEEN)).toMatchObject({ unit: UNIT });
});

test('another agent knows the ends of a minute ago, but none of a clock that was ahead', async () => {
  const ends = new Ends(machine);
  for (said.restarts = 1; said.restarts <= 3; said.restarts++) await ends.read(UNIT, SEEN);
  await clock.advance(60_000);
  const loop = new Ends(machine).earlier();
  expect(loop.ends).toEqual([0, 0, 0]);
  expect(heldUntil(loop, clock.monotonicMs())).toBe(180_000);
  clock.set(new Date(clock.now().getTime() - 3_600_000));
  expect(new Ends(machine).earlier()).toEqual(NO_TROUBLES);
});

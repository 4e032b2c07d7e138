// Which ends of Flower's processes are counted. systemd is what it says of a unit.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Ends } from '../../../src/agent/ends.ts';
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
let machine: Machine;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ends-'));
  machine = { ...realMachine(folder), clock: new FakeClock() };
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

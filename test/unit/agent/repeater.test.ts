import { expect, test, vi } from 'vitest';
import { Repeater } from '../../../src/agent/repeater.ts';
import { Problem } from '../../../src/core/problem.ts';
import type { Journal } from '../../../src/report/journal.ts';

const refusal = (): Problem =>
  new Problem('onegate_unreachable', { doing: 'publishing', found: 'no answer', expected: 'one' });

function setUp(refusals: number) {
  const lines: string[] = [];
  const pauses: number[] = [];
  const clock = {
    sleep: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      pauses.push(ms);
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    },
  };
  const write = (line: string): number => lines.push(line);
  const journal = { warn: write, info: write } as unknown as Journal;
  const repeater = new Repeater({ clock, random: () => 1 } as never, journal);
  let tries = 0;
  const update = vi.fn(async () => {
    if (tries++ < refusals) throw refusal();
  });
  return { repeater, update, lines, pauses };
}

test('what OneGate does not take is sent again, with pauses of up to five minutes, until it takes it', async () => {
  const { repeater, update, lines, pauses } = setUp(8);
  await repeater.send('the failure', update);
  expect(update).toHaveBeenCalledTimes(1);
  await vi.waitFor(() => expect(lines).toHaveLength(2));
  expect(update).toHaveBeenCalledTimes(9);
  expect(pauses.map((ms) => ms / 1_000)).toEqual([15, 30, 60, 120, 240, 300, 300, 300]);
  expect(lines[0]).toMatch(/the failure is not published to OneGate, which is tried again: .*no answer/);
  expect(lines[1]).toMatch(/OneGate has now taken/);
});

test('it ends when another update is sent, or nothing is to be sent any more', async () => {
  const { repeater, update, lines } = setUp(Number.POSITIVE_INFINITY);
  await repeater.send('the failure', update);
  await vi.waitFor(() => expect(update.mock.calls.length).toBeGreaterThan(3));
  const other = vi.fn(async () => {});
  await repeater.send('another failure', other);
  const before = update.mock.calls.length;
  for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
  expect(update.mock.calls.length).toBe(before);
  expect(other).toHaveBeenCalledTimes(1);
  expect(lines).toHaveLength(1);

  repeater.repeat(update);
  repeater.repeat(undefined);
  for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
  expect(update.mock.calls.length).toBe(before);
});

test('an error of the agent is not taken for a OneGate that does not answer', async () => {
  const { repeater } = setUp(0);
  const broken = async (): Promise<void> => {
    throw new TypeError('a fault');
  };
  await expect(repeater.send('the failure', broken)).rejects.toThrow('a fault');
});

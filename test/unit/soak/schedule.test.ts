import { expect, test } from 'vitest';
import { FAULT_KINDS, KINDS, lineOf, scheduleOf } from '../../soak/schedule.ts';

const HOUR = { seconds: 3_600, supernodes: 3, pace: 1 };

test('the same seed gives the same faults, another one others', () => {
  expect(scheduleOf({ seed: 7, ...HOUR })).toEqual(scheduleOf({ seed: 7, ...HOUR }));
  expect(scheduleOf({ seed: 7, ...HOUR })).not.toEqual(scheduleOf({ seed: 8, ...HOUR }));
});

test('a fault is repeated only when all others have happened or do not fit any more, and all end in time', () => {
  for (let seed = 0; seed < 50; seed++) {
    const planned = scheduleOf({ seed, ...HOUR });
    expect(planned.length).toBeGreaterThanOrEqual(FAULT_KINDS.length);
    const early = planned.slice(0, FAULT_KINDS.length).filter(({ at }) => at < HOUR.seconds - 600);
    expect(new Set(early.map(({ kind }) => kind)).size).toBe(early.length);
    for (const { at, kind, hold } of planned) {
      expect(at + hold + KINDS[kind].rest).toBeLessThanOrEqual(HOUR.seconds + 1);
      expect(hold).toBeGreaterThanOrEqual(KINDS[kind].hold[0]);
    }
  }
});

test('some faults overlap, most do not', () => {
  const all = Array.from({ length: 50 }, (_, seed) => scheduleOf({ seed, ...HOUR })).flatMap((planned) =>
    planned.slice(1).map((one, index) => one.at < planned[index]!.at + planned[index]!.hold),
  );
  const share = all.filter(Boolean).length / all.length;
  expect(share).toBeGreaterThan(0.02);
  expect(share).toBeLessThan(0.3);
});

test('a slower machine gets longer pauses and fewer faults; only the wanted kinds happen', () => {
  const slow = scheduleOf({ seed: 1, ...HOUR, pace: 2 });
  expect(slow.length).toBeLessThan(scheduleOf({ seed: 1, ...HOUR }).length);
  const kinds = scheduleOf({ seed: 1, ...HOUR, kinds: ['kill Flower', 'cut the power'] });
  expect(new Set(kinds.map(({ kind }) => kind))).toEqual(new Set(['kill Flower', 'cut the power']));
});

test('a line says when, what, where and for how long', () => {
  const line = lineOf({ at: 12, kind: 'step the clock', target: 'supernode 1', hold: 30, choice: '7200' });
  expect(line).toMatch(/12 s {2}step the clock +supernode 1 +for 30 s {2}7200/);
});

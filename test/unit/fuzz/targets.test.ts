// Twenty thousand made-up texts for all that reads foreign text (test/fuzz/targets.ts); `make fuzz` makes up a million.
// Each case has its time, and all of them together leave the heap as it was.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cases, SLOWEST_MS, timed } from '../../fuzz/run.ts';
import { TARGETS } from '../../fuzz/targets.ts';

const RUNS = 20_000;

describe(`${RUNS} cases`, { timeout: 300_000 }, () => {
  test.each(TARGETS.map((target) => [target.name, target] as const))('of %s', (_name, target) => {
    const { property, slowestMs } = timed(target);
    fc.assert(property, { numRuns: cases(target, RUNS), endOnFailure: false });
    expect(slowestMs()).toBeLessThan(SLOWEST_MS);
  });

  test('are as many as they say', () => {
    const all = TARGETS.reduce((sum, target) => sum + cases(target, RUNS), 0);
    expect(all).toBeGreaterThanOrEqual(RUNS);
  });
});

test('a property that does not hold is found, with the seed that repeats it', () => {
  const broken = fc.property(fc.string(), (text) => {
    if (text.length > 3) throw new TypeError('too long');
  });
  expect(() => fc.assert(broken, { numRuns: 1_000, seed: 7 })).toThrow(/seed: 7/);
});

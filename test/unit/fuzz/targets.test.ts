// Twenty thousand generated texts for all parsers of foreign text (test/fuzz/targets.ts); `make fuzz` generates a million.
// Each case has a time limit, and all of them together do not grow the heap.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { cases, SLOWEST_MS, timed } from '../../fuzz/run.ts';
import { TARGETS } from '../../fuzz/targets.ts';

const RUNS = 20_000;
/** What the heap may be larger afterwards, in MiB. */
const GROWTH_MIB = 32;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
function heapMiB(): number {
  collect();
  return process.memoryUsage().heapUsed / 1_048_576;
}

describe(`${RUNS} cases`, { timeout: 300_000 }, () => {
  let before: number;
  beforeAll(() => {
    // What is compiled or cached at the first use is no growth.
    for (const target of TARGETS) fc.assert(timed(target).property, { numRuns: cases(target, RUNS / 20) });
    before = heapMiB();
  }, 300_000);

  test.each(TARGETS.map((target) => [target.name, target] as const))('of %s', (_name, target) => {
    const { property, slowestMs } = timed(target);
    fc.assert(property, { numRuns: cases(target, RUNS), endOnFailure: false });
    expect(slowestMs()).toBeLessThan(SLOWEST_MS);
  });

  test('do not grow the heap', () => {
    expect(heapMiB() - before).toBeLessThan(GROWTH_MIB);
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

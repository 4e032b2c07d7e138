import { describe, expect, test } from 'vitest';
import { Pace } from '../../../src/cluster/pace.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const HOUR = 3_600_000;

/** How long a reaction takes at most in a role of `size` nodes. */
async function longestReaction(size: number, readsClaims = true): Promise<number> {
  const clock = new FakeClock();
  const pace = new Pace({ clock, random: () => 0.999_999 });
  pace.size = size;
  pace.readsClaims = readsClaims;
  await clock.run(pace.wait(pace.spread(0), async () => undefined, new AbortController().signal));
  return clock.monotonicMs();
}

describe('how long a node waits at most', () => {
  test.each([
    [100, 200_000],
    [300, 1_800_000],
    [1_000, 20_000_000],
  ])('a role of %d nodes: the readings are spread over %d ms', async (size, ms) => {
    expect(await longestReaction(size)).toBeGreaterThan(ms * 0.99);
    expect(await longestReaction(size)).toBeLessThanOrEqual(ms);
  });

  test.each([2_000, 10_000])('a role of %d nodes: 6 hours', async (size) => {
    expect(await longestReaction(size)).toBeLessThanOrEqual(6 * HOUR);
    expect(await longestReaction(size, false)).toBeLessThanOrEqual(6 * HOUR);
  });

  test('10,000 nodes: the claims are read again within 60 hours', () => {
    const pace = new Pace({ clock: new FakeClock(), random: () => 0.5 });
    pace.size = 10_000;
    expect(pace.pollsPerClaimCheck * pace.nextPoll().ms).toBeLessThanOrEqual(61 * HOUR);
  });
});

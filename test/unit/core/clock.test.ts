import { describe, expect, test } from 'vitest';
import { LONGEST_SLEEP_MS, realClock } from '../../../src/core/clock.ts';

describe('a sleep', () => {
  test.each([LONGEST_SLEEP_MS + 1, 1e15, Infinity, Number.NaN, -1])('of %d ms is refused', async (ms) => {
    await expect(realClock.sleep(ms)).rejects.toThrow(RangeError);
  });

  test('of the longest time that a timer has is not over at once', async () => {
    const stop = new AbortController();
    const sleep = realClock.sleep(LONGEST_SLEEP_MS, stop.signal);
    const first = await Promise.race([sleep.then(() => 'slept'), realClock.sleep(5).then(() => 'waits')]);
    expect(first).toBe('waits');
    stop.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
  });
});

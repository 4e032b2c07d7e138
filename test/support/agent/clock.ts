import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, realClock } from '../../../src/core/clock.ts';

/** Durations pass `speed` times as fast as on the wall; the time of day is that of everybody else. */
export const fastClock = (speed: number): Clock => ({
  ...realClock,
  monotonicMs: () => realClock.monotonicMs() * speed,
  sleep: (ms, signal) => realClock.sleep(ms / speed, signal),
});

/** Below the root of a machine: milliseconds by which its time of day is ahead. Durations are not affected. */
export const SHIFT_FILE = 'etc/test-clock-shift';

/** The time of day as the machine at `root` has it at this moment. */
export const shiftedClock = (clock: Clock, root: string): Clock => ({
  ...clock,
  now: () => {
    const path = join(root, SHIFT_FILE);
    const shift = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
    return new Date(clock.now().getTime() + shift);
  },
});

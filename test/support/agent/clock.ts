import { type Clock, realClock } from '../../../src/core/clock.ts';

/** Durations pass `speed` times as fast as on the wall; the time of day is that of everybody else. */
export const fastClock = (speed: number): Clock => ({
  now: realClock.now,
  monotonicMs: () => realClock.monotonicMs() * speed,
  sleep: (ms, signal) => realClock.sleep(ms / speed, signal),
});

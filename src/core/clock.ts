// Time. Code that waits takes a Clock, so that tests control time.
import { setTimeout } from 'node:timers/promises';

export interface Clock {
  now(): Date;
  /** Milliseconds of a clock that is never set, for durations. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when that comes first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** 0 <= x < 1. */
export type Random = () => number;

export const realClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    setTimeout(ms, undefined, { signal }).catch((error) => {
      throw signal?.aborted ? signal.reason : error;
    }),
};

// Time. Code that waits takes a Clock, so that tests control time.

export interface Clock {
  now(): Date;
  /** Milliseconds of a clock that is never set, for durations. */
  monotonicMs(): number;
  /** Milliseconds since the machine was switched on, also of a clock that is never set; the same in all processes. */
  uptimeMs(): number;
  /**
   * Resolves after `ms`; rejects with the signal's reason when that comes first. Rejects with RangeError, a mistake of the
   * caller, when `ms` is not between 0 and LONGEST_SLEEP_MS.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** @internal The longest time of a timer, 24.8 days: Node.js fires a longer one at once. */
export const LONGEST_SLEEP_MS = 2 ** 31 - 1;

/** @internal For clocks. @throws RangeError when no timer can wait so long. NaN is refused, too. */
export function checkSleep(ms: number): void {
  if (!(ms >= 0 && ms <= LONGEST_SLEEP_MS))
    throw new RangeError(`a sleep of ${ms} ms is not between 0 and ${LONGEST_SLEEP_MS}`);
}

/** 0 <= x < 1. */
export type Random = () => number;

export const realClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  // CLOCK_MONOTONIC, which performance.now() counts from the start of the process.
  uptimeMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      checkSleep(ms);
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, ms);
      signal?.addEventListener('abort', stop, { once: true });
    }),
};

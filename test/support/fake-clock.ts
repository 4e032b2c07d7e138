// Time that stands still until a test turns it. Sleepers wake one by one, in the order of their times, and whatever a
// woken one does (as far as it needs no real input or output) is done before the next wakes.
import type { Clock } from '../../src/host/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  #ms: number;
  #order = 0;
  readonly #start: number;
  #sleepers: Sleeper[] = [];
  /** What was slept, in the order of asking, in milliseconds. */
  readonly sleeps: number[] = [];

  constructor(start = '2026-11-21T06:00:00.000Z') {
    this.#start = Date.parse(start);
    this.#ms = 0;
  }

  now = (): Date => new Date(this.#start + this.#ms);
  monotonicMs = (): number => this.#ms;

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      this.sleeps.push(ms);
      const sleeper: Sleeper = {
        at: this.#ms + ms,
        order: this.#order++,
        wake: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.push(sleeper);
    });

  get pending(): number {
    return this.#sleepers.length;
  }

  /** Lets time pass, waking everyone whose time comes. */
  async advance(ms: number): Promise<void> {
    const until = this.#ms + ms;
    await settled();
    for (let next = this.#next(); next !== undefined && next.at <= until; next = this.#next()) {
      this.#ms = next.at;
      this.#sleepers.splice(this.#sleepers.indexOf(next), 1);
      next.wake();
      await settled();
    }
    this.#ms = until;
  }

  /** Runs `work` to its end, turning the clock whenever everyone sleeps. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const end = work.finally(() => {
      done = true;
    });
    end.catch(() => {});
    await settled();
    while (!done) {
      const next = this.#next();
      if (next === undefined) throw new Error('everything waits, and nothing sleeps');
      await this.advance(next.at - this.#ms);
    }
    return end;
  }

  #next(): Sleeper | undefined {
    return this.#sleepers.reduce<Sleeper | undefined>(
      (first, one) =>
        first === undefined || one.at < first.at || (one.at === first.at && one.order < first.order)
          ? one
          : first,
      undefined,
    );
  }
}

/** A turn of the event loop: everything that only waits for promises has happened after it. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

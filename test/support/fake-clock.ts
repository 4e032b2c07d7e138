// A clock that stops until a test advances it. Sleepers wake one by one, in the order of their times, and whatever a
// woken one does (as far as it needs no real input or output) is done before the next wakes.
import { type Clock, checkSleep } from '../../src/core/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  #ms: number;
  #order = 0;
  #start: number;
  /** A binary heap, the next one first. */
  readonly #sleepers: Sleeper[] = [];
  /** Those of the heap that were aborted. */
  readonly #gone = new Set<Sleeper>();
  #pending = 0;
  /** What was slept, in the order of asking, in milliseconds. */
  readonly sleeps: number[] = [];

  constructor(start = '2026-11-21T06:00:00.000Z') {
    this.#start = Date.parse(start);
    this.#ms = 0;
  }

  now = (): Date => new Date(this.#start + this.#ms);
  monotonicMs = (): number => this.#ms;
  uptimeMs = (): number => this.#ms;

  /** Somebody sets the time of day; durations do not change. */
  set(now: Date): void {
    this.#start = now.getTime() - this.#ms;
  }

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      checkSleep(ms);
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
        this.#gone.add(sleeper);
        this.#pending--;
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#pending++;
      this.#push(sleeper);
    });

  get pending(): number {
    return this.#pending;
  }

  /** Lets time pass, waking everyone whose time comes. */
  async advance(ms: number): Promise<void> {
    const until = this.#ms + ms;
    await settled();
    for (let next = this.#next(); next !== undefined && next.at <= until; next = this.#next()) {
      this.#ms = next.at;
      this.#pop();
      this.#pending--;
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
    for (let first = this.#sleepers[0]; first !== undefined; first = this.#sleepers[0]) {
      if (!this.#gone.delete(first)) return first;
      this.#pop();
    }
    return undefined;
  }

  #push(sleeper: Sleeper): void {
    const heap = this.#sleepers;
    let at = heap.push(sleeper) - 1;
    while (at > 0 && before(sleeper, heap[(at - 1) >> 1]!)) {
      heap[at] = heap[(at - 1) >> 1]!;
      at = (at - 1) >> 1;
    }
    heap[at] = sleeper;
  }

  #pop(): void {
    const heap = this.#sleepers;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const before = (one: Sleeper, other: Sleeper): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** A turn of the event loop: everything that only waits for promises has happened after it. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

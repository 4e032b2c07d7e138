import type { Clock } from '../core/clock.ts';

/** Wakes one waiter early. A ring while nobody waits is not lost. */
export class Bell {
  #rung = new AbortController();

  ring(): void {
    this.#rung.abort();
  }

  /** Returns after `ms`, at a ring, or when `signal` is aborted; never throws. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    await clock.sleep(ms, AbortSignal.any([signal, this.#rung.signal])).catch(() => undefined);
    if (this.#rung.signal.aborted) this.#rung = new AbortController();
  }
}

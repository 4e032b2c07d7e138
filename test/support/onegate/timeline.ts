import { patience } from '../load.ts';

/** The zone's timers and waits: all end with it. */
export class Timeline {
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #looks = new Set<() => void>();
  #failure: unknown;

  after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  every(ms: number, action: () => void): void {
    this.after(ms, () => {
      action();
      this.every(ms, action);
    });
  }

  /** Ends all timers. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Something changed: look at what `until` waits for. */
  changed(): void {
    for (const look of [...this.#looks]) look();
  }

  /** An error of something that no caller awaits: every wait fails with it. The first reason stays. */
  fail(reason: unknown): void {
    this.#failure ??= reason;
    this.changed();
  }

  /** Waits for a condition, evaluated now and after every change. @throws after `timeoutMs`, naming `what` */
  async until(condition: () => boolean, timeoutMs: number, what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      try {
        if (this.#failure) throw this.#failure;
        if (condition()) resolve();
      } catch (error) {
        reject(error);
      }
    };
    const limit = patience(timeoutMs);
    const timer = setTimeout(() => reject(new Error(`not within ${Math.round(limit)} ms: ${what}`)), limit);
    this.#looks.add(look);
    try {
      look();
      await promise;
    } finally {
      clearTimeout(timer);
      this.#looks.delete(look);
    }
  }
}

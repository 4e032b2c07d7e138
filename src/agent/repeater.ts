// An update of OneGate about a failure must arrive: the ready gate of a VM that does not serve would stay open. When OneGate
// does not take it, it is repeated in the background.
import { backoff, withJitter } from '../core/jitter.ts';
import { Problem } from '../core/problem.ts';
import type { Machine } from '../host/machine.ts';
import type { Journal } from '../report/journal.ts';

const FIRST_MS = 15_000;
const MAX_MS = 300_000;

/** It ends by its own time limits. */
const NEVER = new AbortController().signal;

type Update = (signal: AbortSignal) => Promise<unknown>;

export class Repeater {
  readonly #machine: Pick<Machine, 'clock' | 'random'>;
  readonly #journal: Journal;
  #over = new AbortController();

  constructor(machine: Pick<Machine, 'clock' | 'random'>, journal: Journal) {
    this.#machine = machine;
    this.#journal = journal;
  }

  /** Sends `update` now, and repeats it when OneGate does not take it. `what`: what it says. */
  async send(what: string, update: Update): Promise<void> {
    this.repeat(undefined);
    try {
      await update(NEVER);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#journal.warn(`${what} is not published to OneGate, which is tried again: ${error.message}`);
      this.repeat(update);
    }
  }

  /** Repeats `update` until OneGate takes it, and nothing else any more. Undefined ends what is being repeated. */
  repeat = (update: Update | undefined): void => {
    this.#over.abort();
    this.#over = new AbortController();
    if (update !== undefined) void this.#untilTaken(update, this.#over.signal);
  };

  async #untilTaken(update: Update, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#machine;
    try {
      for (let tries = 1; ; tries++) {
        await clock.sleep(withJitter(backoff(tries, FIRST_MS, MAX_MS), random), signal);
        try {
          await update(signal);
          break;
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
        }
      }
      if (!signal.aborted) this.#journal.info('OneGate has now taken the update that it did not take before');
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

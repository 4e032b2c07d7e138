// While a change waits: when a boot has to decide about it again.
import { type PendingChange, processOf } from '../boot/in-force.ts';
import { PENDING_LIMIT_MS } from '../boot/pending.ts';
import { withJitter } from '../core/jitter.ts';
import type { Role } from '../core/role.ts';
import { activityOf } from '../flower/activity.ts';
import { liveFlowerState } from '../flower/state-file.ts';
import type { Machine } from '../host/machine.ts';

const LOOK_EVERY_MS = 5_000;
/** Each question to a SuperLink is a process of Flower, which costs seconds of a processor. */
const ASK_EVERY_MS = { superlink: 60_000, supernode: LOOK_EVERY_MS } as const;

export class PendingWatch {
  readonly #machine: Machine;
  /** When the change has waited for too long, in ms of the monotonic clock; undefined: none waits. */
  #limit: number | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Whether the change that waits has waited for too long. */
  get overdue(): boolean {
    return this.#limit !== undefined && this.#machine.clock.monotonicMs() >= this.#limit;
  }

  /**
   * After a boot: `pending` is what waits, if anything does. Calls `onDue` once, when Flower can be restarted, has ended, must
   * not run on any longer, or the limit has passed since; never after `signal` is aborted.
   */
  async watch(
    pending: PendingChange | undefined,
    role: Role,
    { signal, onDue }: { readonly signal: AbortSignal; readonly onDue: () => void },
  ): Promise<void> {
    const { clock, random } = this.#machine;
    if (pending === undefined) {
      this.#limit = undefined;
      return;
    }
    // An agent that was started again counts on by the time of day; a clock that was set back does not make it longer.
    const waited = Math.max(0, clock.now().getTime() - pending.since.getTime());
    this.#limit ??= clock.monotonicMs() + PENDING_LIMIT_MS - waited;
    const nextQuestion = (): number => clock.monotonicMs() + withJitter(ASK_EVERY_MS[role], random);
    let askAt = nextQuestion();
    try {
      for (;;) {
        await clock.sleep(LOOK_EVERY_MS, signal);
        const flower = await liveFlowerState(this.#machine);
        const gone = flower === undefined || processOf(flower) !== pending.process;
        const late = pending.until !== undefined && clock.now() >= pending.until;
        if (gone || late || this.overdue !== pending.overdue) break;
        if (clock.monotonicMs() < askAt) continue;
        const activity = await activityOf(role, flower, this.#machine, signal);
        if ('idle' in activity || ('unknown' in activity && pending.overdue)) break;
        askAt = nextQuestion();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (!signal.aborted) onDue();
  }
}

// The loop of `flower-context run`: boot, watch, boot again. What it does to the machine around it is handed in, so that
// a simulation runs this very loop.
import type { BootOutcome } from '../boot/boot.ts';
import { contextIsWrong } from '../boot/runner.ts';
import { EXIT } from '../core/exit.ts';
import type { Report } from '../report/report.ts';
import type { Watch } from './watch.ts';

export interface Loop {
  readonly report: Report;
  /** Aborted when the agent is asked to stop. */
  readonly signal: AbortSignal;
  readonly watch: Watch;
  /** One boot, from the first step to the last; `interrupt` ends it, and the agent goes on. */
  boot(interrupt: AbortSignal): Promise<BootOutcome>;
  /** Called once: after the first boot that succeeded. */
  tellReady(): void;
  /** Ends a launcher that waits for a plan: nobody tries again before the CONTEXT changes. */
  endWaitingFlower(outcome: BootOutcome): Promise<void>;
}

/** Boots and watches until the agent is asked to stop or its unit has to start it again; gives the exit status. */
export async function bootAndWatch(loop: Loop): Promise<number> {
  const { report, signal, watch } = loop;
  let everReady = false;
  for (;;) {
    const outcome = await loop.boot(watch.contextChanged());
    if (signal.aborted) return EXIT.good;
    if (outcome.failure?.problem.code === 'interrupted') continue;
    if (outcome.failure === undefined && !everReady) {
      everReady = true;
      loop.tellReady();
    }
    // A first boot that fails ends here: systemd starts the agent again, except for a wrong CONTEXT. Later ones do not
    // take down what serves.
    if (outcome.failure !== undefined && !report.status.serving) {
      const status = exitStatusOf(outcome);
      if (status !== EXIT.badContext) return status;
      // systemd drops a reload that reaches the unit while it fails, so a correction of this moment is not to be lost.
      if (watch.contextDiffers()) continue;
      // Nobody tries again before the CONTEXT changes. After other failures Flower waits for the next try's plan.
      await loop.endWaitingFlower(outcome);
      if (!watch.contextDiffers()) return status;
      continue;
    }
    const reason = await watch.untilSomethingChanged(outcome);
    if (reason === undefined) return EXIT.good;
    report.journal.info(`${reason}: looking at everything again`);
  }
}

/** What the unit decides by whether it starts the agent again. */
export const exitStatusOf = ({ failure }: BootOutcome): number =>
  failure === undefined ? EXIT.good : contextIsWrong(failure) ? EXIT.badContext : EXIT.failed;

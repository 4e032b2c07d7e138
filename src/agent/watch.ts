// After READY. The watch decides only one thing: that it is time to look at everything again. What is to be done about
// it is then decided by the boot itself, step by step - so that a re-contextualization, a lost SuperLink, a certificate
// near its end and an OneGate that was away are all the code path that the first boot has proven.
import type { BootOutcome } from '../boot/boot.ts';
import { contextIsWrong } from '../boot/runner.ts';
import { liveFlowerState } from '../flower/state-file.ts';
import { watchFile } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { notifyWatchdog, onHangup, watchdogInterval } from '../host/notify.ts';
import { duration, type Report } from '../report/report.ts';
import { Bell } from './bell.ts';
import { watchContext } from './context-watch.ts';
import { serveMetrics } from './metrics.ts';

export interface Watched {
  readonly machine: Machine;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface Watch {
  /** Aborted when one-context leaves another CONTEXT than the one that was read last. */
  contextChanged(): AbortSignal;
  /** The CONTEXT on the disk is another one than the last boot has read. */
  contextDiffers(): boolean;
  /** Resolves with the reason to look again, as a clause; undefined when the agent is asked to stop. */
  untilSomethingChanged(last: BootOutcome): Promise<string | undefined>;
  end(): void;
}

/** A link that is lost for a moment comes back by itself; Flower retries first. */
const LOST_FOR_MS = 15_000;
const LOOK_EVERY_MS = 5_000;
/** What OneGate was not told is tried again after this, doubled each time up to the maximum, with jitter. */
const RETRY_FIRST_MS = 15_000;
const RETRY_MAX_MS = 300_000;

export function keepWatch({ machine, report, signal }: Watched): Watch {
  const { clock, paths, random, host } = machine;
  const bell = new Bell();
  let asked = false;
  const ignoreHangups = onHangup(() => {
    asked = true;
    bell.ring();
  });
  const context = watchContext(
    machine,
    () => (typeof report.status.facts['context'] === 'string' ? report.status.facts['context'] : undefined),
    () => bell.ring(),
  );
  const interval = watchdogInterval();
  const alive = interval === undefined ? undefined : setInterval(notifyWatchdog, interval).unref();
  const metrics = serveMetrics(report, machine);
  let unfinishedInARow = 0;

  /** Why it is time to look again; undefined while all is as it was. */
  function reasonToLook(
    last: BootOutcome,
    link: LinkFollower,
    retryAt: number,
    moved: string | undefined,
  ): string | undefined {
    if (context.changed.aborted) return 'the CONTEXT changed';
    if (asked) return 'told to look at the CONTEXT again';
    if (clock.monotonicMs() >= retryAt) {
      return last.failure === undefined ? 'OneGate has not been told everything yet' : 'the last look failed';
    }
    if (last.failure !== undefined) return undefined;
    if (moved !== undefined) return moved;
    const due = last.known.peek('renewAt');
    if (due !== undefined && clock.now() >= due)
      return 'the server certificate has reached two thirds of its life';
    const lost = link.lostForMs();
    return lost >= LOST_FOR_MS ? `Flower has been away for ${duration(lost)}` : undefined;
  }

  async function untilSomethingChanged(last: BootOutcome): Promise<string | undefined> {
    await metrics.follow(last);
    host.collectGarbage();
    const unfinished =
      last.failure !== undefined || report.status.problems.some(({ code }) => code === 'onegate_unreachable');
    unfinishedInARow = unfinished ? unfinishedInARow + 1 : 0;
    // A wrong CONTEXT stays wrong until it is changed; everything else is worth another try.
    const wrongContext = last.failure !== undefined && contextIsWrong(last.failure);
    const pause = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (unfinishedInARow - 1)) * (0.5 + random() / 2);
    const retryAt = unfinished && !wrongContext ? clock.monotonicMs() + pause : Number.POSITIVE_INFINITY;

    const over = new AbortController();
    const link = new LinkFollower(last, machine, report);
    const stopWatching = watchFile(paths.flowerLink, () => bell.ring());
    let moved: string | undefined;
    void last.known.peek('partitionKeeper')?.watch({
      signal: AbortSignal.any([signal, over.signal]),
      onMove: async ({ id, of }) => {
        moved = `this node's partition is ${id} of ${of} now`;
        bell.ring();
      },
    });
    try {
      for (;;) {
        if (signal.aborted) return undefined;
        if (last.failure === undefined) link.look();
        else if (report.status.serving && liveFlowerState(paths)?.up !== true) report.serving(false);
        const reason = reasonToLook(last, link, retryAt, moved);
        if (reason !== undefined) return reason;
        await bell.wait(clock, LOOK_EVERY_MS, signal);
      }
    } finally {
      asked = false;
      over.abort();
      stopWatching();
      report.waiting('watch', undefined);
    }
  }

  return {
    contextChanged() {
      context.renew();
      return context.changed;
    },
    contextDiffers: context.differs,
    untilSomethingChanged,
    end() {
      context.end();
      ignoreHangups();
      clearInterval(alive);
      metrics.end();
    },
  };
}

/** Knows since when Flower has not been serving (SuperLink) or connected (SuperNode), and says so once each way. */
class LinkFollower {
  readonly #last: BootOutcome;
  readonly #machine: Machine;
  readonly #report: Report;
  #lostAt: number | undefined;

  constructor(last: BootOutcome, machine: Machine, report: Report) {
    this.#last = last;
    this.#machine = machine;
    this.#report = report;
  }

  lostForMs(): number {
    return this.#lostAt === undefined ? 0 : this.#machine.clock.monotonicMs() - this.#lostAt;
  }

  look(): void {
    const { known } = this.#last;
    const link = liveFlowerState(this.#machine.paths);
    const good = link?.up === true && link.plan === known.get('planHash');
    if (good && this.#lostAt !== undefined) {
      this.#report.journal.info(`Flower is back after ${duration(this.lostForMs())}`);
      this.#report.serving(known.peek('published') === true);
      this.#report.waiting('watch', undefined);
      this.#lostAt = undefined;
    } else if (!good && this.#lostAt === undefined) {
      const { role } = known.get('config');
      const why = link === undefined ? 'its process is gone; systemd starts it again' : link.detail;
      this.#report.journal.warn(`Flower is not ${role === 'superlink' ? 'serving' : 'connected'}: ${why}`);
      this.#report.serving(false);
      this.#report.waiting('watch', {
        for: `Flower to come back (${why})`,
        check: `journalctl -u flower-${role}`,
      });
      this.#lostAt = this.#machine.clock.monotonicMs();
    }
  }
}

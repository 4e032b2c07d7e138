// Runs the agent's life: turns the world into events for `next`, carries out its effects, and renders each state.
import { failedAttributes } from '../boot/attributes.ts';
import type { Boot, BootOutcome } from '../boot/boot.ts';
import { stopPendingFlower } from '../boot/steps/flower.ts';
import { BRIEF } from '../boot/steps/reset-attributes.ts';
import { asProblem, Problem } from '../core/problem.ts';
import { liveFlowerState, watchFlowerState, whyUnknown } from '../flower/state-file.ts';
import { SUPEREXEC_UNIT } from '../flower/superexec.ts';
import { appsCanStart } from '../flower/superexec-process.ts';
import type { Machine } from '../host/machine.ts';
import type { Report } from '../report/report.ts';
import { watchContext } from './context-watch.ts';
import { Metrics } from './metrics.ts';
import { render } from './render.ts';
import {
  type AgentEvent,
  type AgentState,
  type Cause,
  dueEvent,
  type Effect,
  type Moment,
  next,
  START,
} from './state.ts';

export interface SupervisorOptions {
  readonly machine: Machine;
  readonly report: Report;
  /** Aborted when the agent is asked to stop. */
  readonly signal: AbortSignal;
  /** One boot, from the first step to the last. */
  boot(
    run: Pick<Boot, 'signal' | 'contextRead' | 'notServing' | 'superLinkMoved' | 'asked'>,
  ): Promise<BootOutcome>;
  /** systemd: the unit has started; it is stopping. */
  readonly notify: { ready(): void; stopping(): void };
  /** Calls `requested` at each reload request (SIGHUP); returns what ends that. */
  onReload(requested: () => void): () => void;
}

/** Of a boot that ended in an error which it did not report. */
const UNEXPECTED = { contextAtFault: false, planned: true, publishedBefore: false, flowerUp: false } as const;

/** Boots that a person asks for. */
const ASKED: ReadonlySet<Cause> = new Set<Cause>(['start', 'context', 'reload']);

/** How often the agent checks what no event reports. */
const OBSERVE_EVERY_MS = 5_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #metrics = new Metrics();
  #state: AgentState = START.state;
  #outcome: BootOutcome | undefined;
  #boots = 0;
  /** Aborted to cancel the boot under way. */
  #boot = new AbortController();
  /** Aborted when the state that a boot has led to ends. */
  #watching = new AbortController();
  /** Effects that take time, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #booted: Promise<void> = Promise.resolve();
  #woken = new AbortController();
  /** Ends the watch on the state of Flower. */
  #endWatch: () => void = () => {};
  #context: ReturnType<typeof watchContext> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Boots and supervises until the agent is asked to stop or its unit has to start it again; gives the exit status. */
  async run(): Promise<number> {
    const { machine, onReload } = this.#options;
    const onChange = (): void => this.#dispatch({ type: 'ContextChanged' });
    this.#context = watchContext(machine, () => this.#state.context, onChange);
    const endReload = onReload(() => this.#dispatch({ type: 'ReloadRequested' }));
    try {
      this.#begin();
      while (this.#state.stage !== 'stopped') {
        await this.#observe();
        await this.#pause();
      }
      return this.#state.exit;
    } finally {
      await this.#settle();
      this.#endWatch();
      endReload();
      this.#context.end();
      this.#metrics.end();
    }
  }

  /** One boot without supervision. Resolves with how it ended. */
  async once(): Promise<BootOutcome | undefined> {
    this.#begin();
    while (this.#state.stage === 'booting') {
      if (this.#options.signal.aborted) this.#dispatch({ type: 'StopRequested' });
      else await this.#pause();
    }
    await this.#settle();
    return this.#outcome;
  }

  #begin(): void {
    this.#render(undefined, START.state);
    for (const effect of START.effects) this.#perform(effect);
  }

  /** Waits until boot and effects have ended. */
  async #settle(): Promise<void> {
    this.#watching.abort();
    await this.#booted;
    await this.#work;
  }

  #dispatch(event: AgentEvent): void {
    const before = this.#state;
    const { state, effects } = next(before, event, this.#moment());
    // An event that changes nothing must not wake the loop, which may have sent it.
    if (state === before && effects.length === 0) return;
    this.#state = state;
    if (state !== before) this.#render(before, state);
    for (const effect of effects) this.#perform(effect);
    this.#wake();
  }

  /** Turns what the world looks like at this moment into events. */
  async #observe(): Promise<void> {
    const { machine, signal } = this.#options;
    if (signal.aborted) return this.#dispatch({ type: 'StopRequested' });
    const flower = await liveFlowerState(machine);
    const noApps = flower?.up === true && !(await appsCanStart(machine));
    if (flower?.up) this.#dispatch({ type: 'FlowerServes' });
    const { stage, ready } = this.#state;
    const { result } = this.#outcome ?? {};
    const up = flower?.up === true && !noApps && (result === undefined || flower.plan === result.planHash);
    if ((stage === 'ready' || (stage === 'failed' && ready)) && !up) {
      const ended = `${SUPEREXEC_UNIT}, which starts the apps, has ended or was stopped by a signal; it is started again`;
      const unknown = noApps ? ended : (flower?.detail ?? (await whyUnknown(machine)));
      const reason = unknown ?? 'its process is gone; systemd starts it again';
      this.#dispatch({ type: 'LinkDown', reason });
    } else if ((stage === 'disconnected' || (stage === 'failed' && !ready)) && up)
      this.#dispatch({ type: 'LinkUp' });
    // A clock that is set makes a renewal seem due: the time is taken before the question whether it was set.
    const moment = this.#moment();
    if (result?.clockChanged?.() === true) this.#dispatch({ type: 'ClockChanged' });
    const due = dueEvent(this.#state, moment);
    if (due !== undefined) this.#dispatch(due);
  }

  #perform(effect: Effect): void {
    const { notify } = this.#options;
    switch (effect.type) {
      case 'startBoot':
        this.#startBoot(effect.cause);
        break;
      case 'cancelBoot':
        this.#boot.abort();
        break;
      case 'notifyReady':
        notify.ready();
        break;
      case 'notifyStopping':
        notify.stopping();
        break;
      case 'publishFailure':
        this.#enqueue(() => this.#publishFailure(effect.serves));
        break;
      case 'stopPendingFlower':
        this.#enqueue(async () => {
          const role = this.#outcome?.failure?.role;
          if (role !== undefined) await stopPendingFlower(role, this.#options.machine);
        });
        break;
      case 'leave':
        this.#enqueue(async () =>
          this.#dispatch({ type: this.#context?.differs() ? 'ContextChanged' : 'FailurePublished' }),
        );
    }
  }

  #startBoot(cause: Cause): void {
    this.#watching.abort();
    this.#watching = new AbortController();
    this.#boot = new AbortController();
    const signal = AbortSignal.any([this.#boot.signal, this.#options.signal]);
    const run = async (): Promise<void> => {
      // What the last boot left to do is done first: its update must not overtake one of this boot.
      await this.#work;
      const outcome = await this.#options.boot({
        signal,
        asked: ASKED.has(cause),
        contextRead: (sha256) => {
          this.#dispatch({ type: 'ContextRead', sha256 });
          this.#context?.check();
        },
        notServing: () => this.#dispatch({ type: 'NotServing' }),
        superLinkMoved: () => this.#dispatch({ type: 'SuperLinkMoved' }),
      });
      await this.#bootEnded(outcome);
    };
    // A boot reports its errors. Any other ends the agent, and systemd starts it again.
    this.#booted = this.#booted.then(run).catch((error: unknown) => {
      this.#options.report.problem(asProblem(error, 'supervising the boot'));
      this.#dispatch({ type: 'BootFailed', ...UNEXPECTED });
    });
  }

  async #bootEnded(outcome: BootOutcome): Promise<void> {
    const { report, machine, signal } = this.#options;
    const { result, failure } = outcome;
    if (failure?.problem.code === 'interrupted')
      return this.#dispatch({ type: signal.aborted ? 'StopRequested' : 'BootCancelled' });
    this.#outcome = outcome;
    this.#boots++;
    // The folder of the file may not have existed before this boot.
    this.#endWatch();
    this.#endWatch = watchFlowerState(machine, () => this.#wake());
    if (failure !== undefined) report.problem(failure.problem);
    const unavailable = await this.#metrics.follow(outcome, () => ({
      ready: this.#state.stage === 'ready' && this.#state.ready,
      boots: this.#boots,
      outcome: this.#outcome!,
      now: machine.clock.now(),
    }));
    if (unavailable !== undefined) report.problem(unavailable);
    machine.host.collectGarbage();
    if (result === undefined) return this.#dispatch({ type: 'BootFailed', ...failure });
    const { published, renewAt, partition } = result;
    void partition?.manager.watch({
      signal: AbortSignal.any([signal, this.#watching.signal]),
      onMove: async () => this.#dispatch({ type: 'PartitionMoved' }),
      published,
    });
    this.#dispatch({ type: 'BootSucceeded', published, renewAt });
  }

  async #publishFailure(serves: boolean): Promise<void> {
    const { problem, role, oneGate } = this.#outcome?.failure ?? {};
    if (problem === undefined || role === undefined || oneGate === undefined) return;
    const attributes = serves ? { FL_ERROR: problem.code } : failedAttributes(role, problem.code);
    try {
      await oneGate.update(attributes, { policy: BRIEF });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#options.report.journal.warn(`the failure is not published to OneGate: ${error.message}`);
    }
  }

  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work);
  }

  #render(before: AgentState | undefined, state: AgentState): void {
    const { machine, report, signal } = this.#options;
    const stopReason = signal.reason instanceof Error ? signal.reason.message : 'stopped';
    const rendered = { outcome: this.#outcome, moment: this.#moment(), stopReason };
    render(machine.paths, report, before, state, rendered);
  }

  #moment(): Moment {
    const { clock, random } = this.#options.machine;
    return { monotonicMs: clock.monotonicMs(), now: clock.now(), random: random() };
  }

  #wake(): void {
    this.#woken.abort();
  }

  /** Until something happens; a wake-up while nobody waits is not lost. */
  async #pause(): Promise<void> {
    const { machine, signal } = this.#options;
    const awake = AbortSignal.any([signal, this.#woken.signal]);
    await machine.clock.sleep(OBSERVE_EVERY_MS, awake).catch(() => undefined);
    if (this.#woken.signal.aborted) this.#woken = new AbortController();
  }
}

// Runs the agent's life: turns the world into events for `next`, carries out its effects, and renders each state.
import { type Attributes, failedAttributes } from '../boot/attributes.ts';
import type { Boot, BootFailure, BootOutcome, BootResult } from '../boot/boot.ts';
import type { FromAgent } from '../boot/step.ts';
import { stopPendingFlower } from '../boot/steps/flower.ts';
import { BRIEF } from '../boot/steps/reset-attributes.ts';
import type { ProblemCode } from '../core/catalogue.ts';
import { asProblem, Problem } from '../core/problem.ts';
import { unitOf, watchFlowerState } from '../flower/state-file.ts';
import type { Machine } from '../host/machine.ts';
import { queueJob } from '../host/systemd.ts';
import type { Report } from '../report/report.ts';
import { watchContext } from './context-watch.ts';
import type { AgentEvent, AgentState, Cause, Effect, Moment } from './life.ts';
import { Metrics } from './metrics.ts';
import { PendingWatch } from './pending-watch.ts';
import { render } from './render.ts';
import { Repeater } from './repeater.ts';
import { Senses } from './senses.ts';
import { dueEvent, next, start } from './state.ts';
import { describe, errorOf, type FlowerEnd, heldUntil, type TroubleCode } from './troubles.ts';
import { ownPart, watchResult, watchServing } from './watches.ts';

export interface SupervisorOptions {
  readonly machine: Machine;
  readonly report: Report;
  /** Aborted when the agent is asked to stop. */
  readonly signal: AbortSignal;
  /** One boot, from the first step to the last. */
  boot(run: FromAgent & Pick<Boot, 'signal' | 'asked'>): Promise<BootOutcome>;
  /** What an earlier boot has published is withdrawn. */
  withdrawn(): void;
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
/** How often it checks that the process of a Flower that serves is there. */
const CHECK_EVERY_MS = 1_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #metrics = new Metrics();
  readonly #pending: PendingWatch;
  readonly #repeater: Repeater;
  #state: AgentState;
  readonly #senses: Senses;
  /** Ends of Flower and SuperExec since the agent started. */
  #ends = 0;
  /** Of the last boot that succeeded. */
  #result: BootResult | undefined;
  #outcome: BootOutcome | undefined;
  /** What OneGate has taken since the last boot that succeeded; undefined: nothing, or that is not known. */
  #sent: { readonly code: ProblemCode; readonly serves: boolean } | undefined;
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
    this.#pending = new PendingWatch(options.machine);
    this.#repeater = new Repeater(options.machine, options.report.journal);
    this.#senses = new Senses(options.machine);
    this.#state = start(this.#senses.ends.earlier()).state;
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
    const { state, effects } = start(this.#state);
    this.#render(undefined, state);
    for (const effect of effects) this.#perform(effect);
  }

  /** Waits until boot and effects have ended. */
  async #settle(): Promise<void> {
    this.#watching.abort();
    this.#repeater.repeat(undefined);
    await this.#booted;
    await this.#work;
    this.#options.report.flush();
  }

  #dispatch(event: AgentEvent): void {
    const before = this.#state;
    const { state, effects } = next(before, event, this.#moment());
    if (event.type === 'FlowerEnded') this.#ended(event.end);
    // An event that changes nothing must not wake the loop, which may have sent it.
    if (state === before && effects.length === 0) return;
    this.#state = state;
    if (state !== before) this.#render(before, state);
    // Only a boot makes this VM ready again: what is asked of Flower changes nothing any more.
    if (state.stage === 'failed' && !state.served) this.#watching.abort();
    for (const effect of effects) this.#perform(effect);
    this.#wake();
  }

  #ended(end: FlowerEnd): void {
    this.#ends++;
    this.#options.report.journal.warn(`${end.unit} has ended: ${describe(end)}`);
  }

  /** Turns what the world looks like at this moment into events. */
  async #observe(): Promise<void> {
    if (this.#options.signal.aborted) return this.#dispatch({ type: 'StopRequested' });
    const booting = this.#state.stage === 'booting';
    const { up, flowerUp, reason, events } = await this.#senses.observe(this.#result, booting);
    if (flowerUp) this.#dispatch({ type: 'FlowerServes' });
    const { stage, ready } = this.#state;
    if ((stage === 'ready' || (stage === 'failed' && ready)) && !up)
      this.#dispatch({ type: 'LinkDown', reason });
    for (const event of events) this.#dispatch(event);
    if ((stage === 'disconnected' || (stage === 'failed' && !ready)) && up)
      this.#dispatch({ type: 'LinkUp' });
    // A clock that is set makes a renewal seem due: the time is taken before the question whether it was set.
    const moment = this.#moment();
    if (this.#outcome?.result?.clockChanged?.() === true) this.#dispatch({ type: 'ClockChanged' });
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
      case 'publishAgain':
        this.#enqueue(() => this.#publishAgain());
        break;
      case 'unpublish':
        this.#enqueue(() => this.#retract(effect.code));
        break;
      case 'restartFlower':
        this.#senses.hangs();
        this.#enqueue(() => this.#restartFlower());
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
        waitsWithoutEnd: () => this.#dispatch({ type: 'WaitsWithoutEnd' }),
        overdue: this.#pending.overdue,
        supervision: {
          error: (serves) => errorOf(this.#state, serves),
          heldMs: () => {
            const now = this.#moment().monotonicMs;
            return Math.max(0, (heldUntil(this.#state, now) ?? now) - now);
          },
        },
        repeatLater: this.#repeater.repeat,
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
      ready: this.#state.ready,
      boots: this.#boots,
      ends: this.#ends,
      outcome: this.#outcome!,
      now: machine.clock.now(),
    }));
    if (unavailable !== undefined) report.problem(unavailable);
    machine.host.collectGarbage();
    if (result === undefined) {
      this.#dispatch({ type: 'BootFailed', ...failure });
      return this.#watchServing();
    }
    this.#result = result;
    this.#sent = undefined;
    watchResult(result, { ...this.#watched(), pending: this.#pending });
    const { published, renewAt, pending } = result;
    this.#dispatch({ type: 'BootSucceeded', published, renewAt, pending });
  }

  /** Ends with the next boot. */
  #watched = () => ({
    machine: this.#options.machine,
    signal: AbortSignal.any([this.#options.signal, this.#watching.signal]),
    dispatch: (event: AgentEvent) => this.#dispatch(event),
  });

  /** An agent that has had no boot that succeeded knows neither the endpoints nor the attributes of what serves. */
  #watchServing(): void {
    const result = this.#result;
    if (this.#state.stage !== 'failed' || !this.#state.served || result === undefined) return;
    const oneGate = result.published ? this.#outcome?.failure?.oneGate : undefined;
    const on = { ...this.#watched(), oneGate, expected: () => this.#servingAttributes(result) };
    // The failure is published first.
    void this.#work.then(() => watchServing(result, on));
  }

  /** What OneGate has to show of a Flower that serves after a boot that failed. */
  #servingAttributes(result: BootResult): Attributes {
    const { FL_ERROR: _, ...own } = ownPart(result);
    return this.#sent === undefined ? own : { ...own, FL_ERROR: this.#sent.code };
  }

  async #publishAgain(): Promise<void> {
    if (this.#state.stage !== 'failed' || !this.#state.ready || this.#result === undefined) return;
    const { failure } = this.#outcome ?? {};
    if (failure !== undefined)
      await this.#publish(failure, failure.problem.code, this.#servingAttributes(this.#result));
  }

  /** READY is NO on OneGate before anything else is tried. A boot publishes it again. */
  async #retract(code: TroubleCode): Promise<void> {
    try {
      this.#options.withdrawn();
    } catch (error) {
      // A full disk must not keep READY on OneGate.
      if (!(error instanceof Problem)) throw error;
      this.#options.report.journal.warn(
        `the next agent does not know that READY was withdrawn: ${error.message}`,
      );
    }
    await this.#publish(this.#result ?? this.#outcome?.failure, code);
  }

  async #restartFlower(): Promise<void> {
    const role = this.#result?.role ?? this.#outcome?.failure?.role;
    if (role === undefined) return;
    const refused = await queueJob('restart', unitOf(role));
    if (refused !== undefined)
      this.#options.report.journal.warn(`systemd does not restart ${unitOf(role)}: ${refused}`);
  }

  async #publishFailure(serves: boolean): Promise<void> {
    const { failure } = this.#outcome ?? {};
    if (failure === undefined) return;
    const withdrawn = this.#sent?.serves === false;
    const own = withdrawn && this.#result?.published ? this.#servingAttributes(this.#result) : {};
    await this.#publish(failure, failure.problem.code, serves ? own : undefined);
  }

  /** `own`: attributes of what serves; undefined: nothing does. */
  async #publish(
    from: Pick<BootFailure, 'role' | 'oneGate'> | undefined,
    code: ProblemCode,
    own?: Attributes,
  ): Promise<void> {
    // What is being repeated is not true any more, also where nothing can be sent.
    if (from?.role === undefined || from.oneGate === undefined) return this.#repeater.repeat(undefined);
    const attributes = own ? { ...own, FL_ERROR: code } : failedAttributes(from.role, code);
    const { oneGate } = from;
    const ready = own !== undefined;
    this.#sent = undefined;
    await this.#repeater.send('the failure', async (signal) => {
      await oneGate.update(attributes, { policy: BRIEF, ready, signal });
      this.#sent = { code, serves: ready };
    });
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
    for (let passed = 0; passed < OBSERVE_EVERY_MS && !awake.aborted; passed += CHECK_EVERY_MS) {
      await machine.clock.sleep(CHECK_EVERY_MS, awake).catch(() => undefined);
      if (this.#state.ready && (await this.#senses.gone())) break;
    }
    if (this.#woken.signal.aborted) this.#woken = new AbortController();
  }
}

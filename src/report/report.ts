// Where the progress of the boot is shown: the journal, the status file, and STATUS= for `systemctl status`. Nothing
// reads it back to decide.
import type { Clock } from '../core/clock.ts';
import type { Problem } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import { notifyStatus } from '../host/notify.ts';
import { processFacts } from '../host/process.ts';
import type { Journal } from './journal.ts';
import { type Status, type StatusFacts, type StatusProblem, statusProblem, writeStatus } from './status.ts';

/** A wait that describes itself. */
export interface Wait {
  /** What is waited for, as a phrase: 'the SuperLink to publish its address'. */
  readonly for: string;
  /** The latest moment; undefined: without end. */
  readonly until?: Date | undefined;
  /** What a person can check meanwhile. */
  readonly check: string;
}

/** The waits of one step, or of the agent, without a pause between them. */
interface LiveWait {
  wait: Wait;
  /** Since when what is waited for is waited for: its time, and that of the monotonic clock. */
  since: Date;
  sinceMs: number;
  text: string;
  /** What the journal says already. */
  logged: { readonly text: string; readonly atMs: number } | undefined;
  /** When the journal repeats it, by the monotonic clock: each minute from the begin, whatever has changed. */
  repeatAtMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** A wait shorter than this is not worth a line. */
const WORTH_A_LINE_MS = 1_000;
const REPEAT_AFTER_MS = 60_000;
/** A text that changes again and again gets a line this often. */
const CHANGED_AFTER_MS = 10_000;

export class Report {
  readonly journal: Journal;
  readonly #clock: Clock;
  readonly #path: string;
  #status: Status;
  readonly #waits = new Map<string, LiveWait>();
  /** What is wrong with a Flower that served; a boot does not clear it. */
  #lasting: readonly StatusProblem[] = [];
  #canWrite = true;
  #due: NodeJS.Immediate | undefined;
  /** What the agent said of its state last. */
  #sentence: string | undefined;
  /** The steps have run before: what stayed as it was is not worth a line. */
  #again = false;

  constructor(options: { path: string; journal: Journal; clock: Clock; resumed: boolean }) {
    this.#path = options.path;
    this.journal = options.journal;
    this.#clock = options.clock;
    const now = options.clock.now().toISOString();
    this.#status = {
      version: 1,
      role: null,
      phase: 'booting',
      serving: false,
      boot: options.resumed ? 'resumed' : 'first',
      pid: process.pid,
      pid_started: processFacts(process.pid)?.started ?? 0,
      started_at: now,
      updated_at: now,
      waiting: null,
      pending: null,
      steps: [],
      problems: [],
      facts: {},
    };
  }

  /** A new boot begins (the first, or after a re-contextualization). */
  begin(role: Role, steps: readonly { readonly id: string; readonly title: string }[]): void {
    this.#again = this.#status.steps.length > 0;
    const pending = { state: 'pending', at: null, ms: null, note: null } as const;
    this.#status = {
      ...this.#status,
      role,
      phase: 'booting',
      problems: [],
      started_at: this.#clock.now().toISOString(),
      steps: steps.map(({ id, title }) => ({ id, title, ...pending })),
    };
    this.#write();
  }

  started(id: string): void {
    const step = this.#step(id);
    step.state = 'running';
    step.at = this.#clock.now().toISOString();
    notifyStatus(`${this.#number(id)}${step.title}`);
    this.journal.debug(`${this.#number(id)}${step.title}: started`);
    this.#write();
  }

  finished(
    id: string,
    state: 'done' | 'kept' | 'degraded' | 'failed' | 'skipped',
    ms: number,
    note?: string,
  ): void {
    const step = this.#step(id);
    step.state = state;
    step.ms = Math.round(ms * 10) / 10;
    step.note = note ?? null;
    const took = state === 'skipped' ? '' : ` in ${duration(ms)}`;
    const line = `${this.#number(id)}${step.title}: ${state}${took}${note === undefined ? '' : ` - ${note}`}`;
    const same = this.#again && (state === 'kept' || state === 'skipped');
    const level = same ? 'debug' : state === 'failed' ? 'error' : state === 'degraded' ? 'warn' : 'info';
    this.journal[level](line, { step: id, ms: step.ms });
    this.#write();
  }

  /**
   * Reports a wait: at once in the status, in the journal when it lasts, again each minute; undefined ends it. `whose`: a
   * step, or the agent. Of waits at the same time the status has the newest.
   */
  waiting(whose: string, wait: Wait | undefined): void {
    const before = this.#waits.get(whose);
    const text = wait && `${this.#number(whose)}${describeWait(wait)}`;
    if (before?.text === text) return;
    clearTimeout(before?.timer);
    this.#waits.delete(whose);
    if (wait !== undefined && text !== undefined)
      this.#waits.set(whose, this.#lastingWait(wait, text, before));
    const newest = [...this.#waits.values()].at(-1);
    this.#status.waiting = newest
      ? {
          for: newest.wait.for,
          since: newest.since.toISOString(),
          until: newest.wait.until?.toISOString() ?? null,
          check: newest.wait.check,
        }
      : null;
    // During a boot the next step says what it does.
    const stateNow = this.#status.phase === 'booting' ? undefined : this.#sentence;
    const statusText = newest?.text ?? stateNow;
    if (statusText !== undefined) notifyStatus(statusText);
    this.#write();
  }

  /** A changed text keeps the times of the wait: its lines come no later because of it. */
  #lastingWait(wait: Wait, text: string, before: LiveWait | undefined): LiveWait {
    const nowMs = this.#clock.monotonicMs();
    const same = before?.wait.for === wait.for;
    const entry: LiveWait = {
      logged: undefined,
      repeatAtMs: nowMs + WORTH_A_LINE_MS,
      ...before,
      wait,
      text,
      since: same ? before.since : this.#clock.now(),
      sinceMs: same ? before.sinceMs : nowMs,
      timer: undefined,
    };
    this.#scheduleLine(entry);
    return entry;
  }

  /** A change that waits for a restart of Flower; undefined: none does. */
  pending(
    change: { readonly reason: string; readonly since: Date; readonly because: string } | undefined,
  ): void {
    this.#status.pending = change
      ? { reason: change.reason, since: change.since.toISOString(), because: change.because }
      : null;
    this.#write();
  }

  #scheduleLine(entry: LiveWait): void {
    const { logged, repeatAtMs, text } = entry;
    const changedAtMs =
      logged === undefined || logged.text === text ? repeatAtMs : logged.atMs + CHANGED_AFTER_MS;
    const log = (): void => {
      const nowMs = this.#clock.monotonicMs();
      this.journal.info(`${text} (for ${duration(nowMs - entry.sinceMs)} now)`);
      entry.logged = { text, atMs: nowMs };
      while (entry.repeatAtMs <= nowMs) entry.repeatAtMs += REPEAT_AFTER_MS;
      this.#scheduleLine(entry);
    };
    const dueMs = Math.min(repeatAtMs, changedAtMs) - this.#clock.monotonicMs();
    entry.timer = setTimeout(log, Math.max(0, Math.ceil(dueMs))).unref();
  }

  problem(problem: Problem): void {
    this.journal.problem(problem);
    this.#status.problems.push(...problem.all.map(statusProblem));
    this.#write();
  }

  /** A reported problem was over before the boot was. */
  passed(problem: Problem): void {
    const gone = new Set(problem.all.map((one) => JSON.stringify(statusProblem(one))));
    const left = this.#status.problems.filter((one) => !gone.has(JSON.stringify(one)));
    if (left.length === this.#status.problems.length) return;
    this.#status.problems = left;
    this.journal.info(`no longer the case: ${problem.code}: ${problem.message}`);
    this.#write();
  }

  /** The problems that outlive a boot, all of them: those that are new are reported. */
  lasting(problems: readonly Problem[]): void {
    const before = this.#lasting.map((one) => JSON.stringify(one));
    for (const problem of problems)
      if (!before.includes(JSON.stringify(statusProblem(problem)))) this.journal.problem(problem);
    this.#lasting = problems.map(statusProblem);
    this.#write();
  }

  /** A problem that no longer is one. */
  solved(code: Problem['code']): void {
    this.#status.problems = this.#status.problems.filter((problem) => problem.code !== code);
    this.#write();
  }

  facts(facts: StatusFacts): void {
    Object.assign(this.#status.facts, facts);
    this.#write();
  }

  /** What the agent is doing, and whether the ready gate is open; `sentence` goes to the journal and to systemd, too. */
  state(phase: Status['phase'], serving: boolean, sentence?: string): void {
    const same = this.#status.phase === phase && this.#status.serving === serving;
    if (same && sentence === undefined) return;
    this.#status.phase = phase;
    this.#status.serving = serving;
    if (sentence !== undefined) {
      this.#sentence = sentence;
      notifyStatus(sentence);
      this.journal[phase === 'failed' ? 'error' : 'info'](sentence);
    }
    // At once: the ready script must not find a gate open that was closed.
    this.#write();
    this.flush();
  }

  #step(id: string): Status['steps'][number] {
    const step = this.#status.steps.find((one) => one.id === id);
    if (step === undefined) throw new Error(`the step ${id} is not in this boot`);
    return step;
  }

  /** `[3/9] ` of a step; empty for the agent, whose waits belong to no step. */
  #number(id: string): string {
    const index = this.#status.steps.findIndex((step) => step.id === id);
    return index === -1 ? '' : `[${index + 1}/${this.#status.steps.length}] `;
  }

  /** Writes the file once for all that changes until the next turn of the event loop: a boot changes it some thirty times. */
  #write(): void {
    this.#due ??= setImmediate(() => this.flush());
  }

  /** Writes the file now, if it has changed. */
  flush(): void {
    if (this.#due === undefined) return;
    clearImmediate(this.#due);
    this.#due = undefined;
    this.#status.updated_at = this.#clock.now().toISOString();
    try {
      const { problems, ...status } = this.#status;
      writeStatus(this.#path, { ...status, problems: [...problems, ...this.#lasting] });
      this.#canWrite = true;
    } catch (error) {
      // The journal still works: one warning, and the step that needs the disk fails with the details.
      if (this.#canWrite) this.journal.warn(`the status file cannot be written: ${(error as Error).message}`);
      this.#canWrite = false;
    }
  }
}

const describeWait = ({ for: what, until, check }: Wait): string =>
  `waiting for ${what}, ${until === undefined ? 'without end' : `until ${until.toISOString().slice(11, 19)} UTC`}; check: ${check}`;

/** 7 ms, 1.2 s, 3 min 5 s. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

// One run: Flower's command starts it and shows its log, and submit judges it by its rounds.
import { join } from 'node:path';
import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import { textLines } from '../core/text.ts';
import { CONNECTION, flwrEnvironment } from '../flower/flwr.ts';
import { countsOf, judged, RoundLog, type Tally } from '../flower/rounds.ts';
import { realPath } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { printError } from '../host/output.ts';
import { run } from '../host/process.ts';
import { runAsAnother, runsAsAnother } from '../host/unprivileged.ts';
import { printProblem } from './command.ts';
import { type RunSetting, type RunState, runIdIn, runStateIn } from './submission.ts';
import { Waits } from './submit-waits.ts';
import { passLine, printErrorText, printText } from './terminal.ts';

const POLL_MS = 1_000;
/** After so many polls without an answer the SuperLink counts as stopped. */
const MOST_SILENT_POLLS = 30;
/** For a command that asks or stops. */
const COMMAND_MS = 60_000;

/** The log of a finished run can be long. */
const LOG_MS = 180_000;
const LOG_TRIES = 15;

type Line = (line: string, stream: 'stdout' | 'stderr') => void;

interface RunOptions {
  readonly machine: Machine;
  readonly app: string;
  /** Files in FLWR_HOME. */
  readonly connection: readonly string[];
  /** The file for --run-config. */
  readonly file: string;
  /** What is in it. */
  readonly settings: readonly RunSetting[];
  /** Seconds; undefined: no limit. */
  readonly timeout: number | undefined;
}

export class Run {
  readonly #options: RunOptions;
  readonly #environment: string;
  readonly #program: string;
  readonly #apart: boolean;
  /** Ends with the reason 'interrupt' or 'timeout'. */
  readonly #end = new AbortController();
  /** Nobody waits for the run any more. */
  readonly #over = new AbortController();
  readonly #waits: Waits;
  #id: string | undefined;
  /** Lines of the log that have been shown. A log that is taken up again begins with its first line. */
  #shown = 0;
  /** From the lines that have been shown. It may have gaps. */
  readonly #seen = new RoundLog();

  constructor(options: RunOptions) {
    this.#options = options;
    const { paths } = options.machine;
    this.#apart = runsAsAnother(paths.root);
    // The link is not visible in the sandbox.
    this.#environment = (this.#apart ? realPath(paths.environment) : undefined) ?? paths.environment;
    this.#program = join(this.#environment, 'bin/flwr');
    this.#waits = new Waits(options.machine, (args) => this.#ask(args, this.#over.signal), options.settings);
  }

  async start(passedOn: readonly string[]): Promise<number> {
    const { machine, app, file, timeout } = this.#options;
    const args = ['run', app, CONNECTION, '--stream', ...passedOn, '--run-config', file];
    const { signal } = this.#end;
    const interrupt = (): void => this.#end.abort('interrupt');
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, interrupt);
    if (timeout !== undefined)
      machine.clock.sleep(timeout * 1_000, signal).then(
        () => this.#end.abort('timeout'),
        () => undefined,
      );
    signal.addEventListener('abort', () => this.#over.abort());
    const reporting = this.#waits.report(this.#over.signal);
    try {
      const { code, failedToStart } = await this.#flwr(args, { onLine: this.#printLines(0), signal });
      const id = this.#id;
      if (id === undefined) return this.#notStarted(failedToStart ?? code);
      const state = await this.#untilFinished(id);
      this.#over.abort();
      await reporting;
      if (state !== undefined) return await this.#judge(id, state);
      return signal.reason === 'timeout' ? await this.#stop(id) : this.#leave(id);
    } finally {
      this.#end.abort('interrupt');
    }
  }

  /** `why`: the status of `flwr run`, or why it could not be started. */
  #notStarted(why: string | number | null): number {
    const { app, timeout } = this.#options;
    const { aborted, reason } = this.#end.signal;
    if (aborted && reason !== 'timeout') return EXIT.notReady;
    const doing = `starting a run of ${app}`;
    if (aborted) {
      const remedy = `check if there is a run of it: ${this.#by('list', CONNECTION)}`;
      printProblem(new Problem('run_timed_out', { doing, found: `no run after ${timeout} s`, remedy }));
      return EXIT.timedOut;
    }
    throw new Problem('run_not_started', {
      doing,
      found:
        typeof why === 'string'
          ? `${this.#program}: ${why}`
          : `flwr ended with status ${why} before there was a run`,
    });
  }

  /** Undefined after an interrupt. Polls, because `flwr run --stream` ends with status 0 also when the run failed. */
  async #untilFinished(id: string): Promise<RunState | undefined> {
    const { signal } = this.#end;
    for (let silent = 0; !signal.aborted; ) {
      const { state, words } = await this.#state(id, signal);
      if (state?.status.startsWith('finished')) return state;
      silent = state === undefined ? silent + 1 : 0;
      if (silent > MOST_SILENT_POLLS) {
        throw new Problem('run_failed', {
          doing: `asking the SuperLink about run ${id}`,
          found: words,
          remedy: 'check the SuperLink: `flower-context status`',
        });
      }
      await this.#options.machine.clock.sleep(POLL_MS, signal).catch(() => undefined);
      // The stream ended before the run did, for example because the SuperLink was restarted.
      if (state !== undefined && !signal.aborted)
        await this.#flwr(['log', id, CONNECTION, '--stream'], {
          onLine: this.#printLines(this.#shown),
          signal,
        });
    }
    return undefined;
  }

  async #state(id: string, signal?: AbortSignal): Promise<{ state: RunState | undefined; words: string }> {
    const args = ['list', CONNECTION, '--run-id', id, '--format', 'json'];
    const { stdout, stderr } = await this.#ask(args, signal);
    const words = (textLines(stderr).at(-1) ?? textLines(stdout).at(-1)) || 'no answer';
    return { state: runStateIn(stdout, id), words };
  }

  async #judge(id: string, { status, elapsed, 'status-details': details }: RunState): Promise<number> {
    const took = elapsed === undefined ? '' : ` after ${elapsed.toFixed(1)} s`;
    const whole = await this.#wholeLog(id);
    const log = whole ?? (judged(this.#seen) && this.#seen);
    const counts = log && countsOf(log);
    if (status !== 'finished:completed') {
      if (counts !== undefined) printText(counts);
      throw new Problem('run_failed', {
        doing: `following run ${id}`,
        found: `${status}${took}${details === '' ? '' : `: ${details}`}`,
      });
    }
    printText(`run ${id}: completed${took}`);
    const tally = log && judged(log);
    if (log === undefined || tally === undefined || counts === undefined) {
      printErrorText(
        log === undefined
          ? `its results are not known: Flower did not show its log again; try \`${this.#by('log', id, CONNECTION, '--show')}\``
          : 'its results are not known: its log shows no rounds (an app without a strategy of Flower, or FL_LOG_LEVEL above INFO)',
      );
      return EXIT.ok;
    }
    printText(counts);
    if (tally.results === 0) {
      const found = `0 results of ${tally.asked} in ${tally.rounds} rounds${firstError(tally)}`;
      printProblem(new Problem('run_without_result', { doing: `counting the results of run ${id}`, found }));
      return EXIT.noResult;
    }
    for (const [kind, name] of [
      ['train', 'training'],
      ['evaluate', 'evaluation'],
    ] as const) {
      const one = log.tally(kind);
      if (one !== undefined && one.results < one.asked)
        printErrorText(
          `warning: ${one.asked - one.results} of ${one.asked} results of the ${name} are missing${firstError(one)}`,
        );
    }
    return EXIT.ok;
  }

  /** The log of a finished run from its first line: what was shown may have gaps. Undefined when Flower does not show it. */
  async #wholeLog(id: string): Promise<RoundLog | undefined> {
    // The SuperLink may be restarted just now: a change that waits is applied when the run has ended.
    for (let tries = 0; tries < LOG_TRIES; tries++) {
      if (tries > 0) await this.#options.machine.clock.sleep(POLL_MS);
      const log = new RoundLog();
      const onLine: Line = (line, stream) => stream === 'stdout' && log.add(line);
      const args = ['log', id, CONNECTION, '--stream'];
      const { code } = await this.#flwr(args, { onLine, timeoutMs: LOG_MS });
      if (code === 0) return log;
      // It has waited for long enough, or a person does not want to wait.
      if (code === null || this.#end.signal.reason === 'interrupt') break;
    }
    return undefined;
  }

  async #stop(id: string): Promise<number> {
    await this.#ask(['stop', id, CONNECTION]);
    const { state } = await this.#state(id);
    // It was quicker.
    if (state?.status === 'finished:completed') return this.#judge(id, state);
    const seconds = this.#options.timeout;
    const stopped = state?.status.startsWith('finished') === true;
    const doing = `following run ${id}`;
    printProblem(
      stopped
        ? new Problem('run_timed_out', {
            doing,
            found: `not finished after ${seconds} s; now ${state.status}`,
          })
        : new Problem('run_timed_out', {
            doing,
            found: `not finished after ${seconds} s; Flower did not stop it`,
            remedy: `stop it: ${this.#by('stop', id, CONNECTION)}`,
          }),
    );
    return EXIT.timedOut;
  }

  #leave(id: string): number {
    const [follow, stop] = [this.#by('log', id, CONNECTION, '--stream'), this.#by('stop', id, CONNECTION)];
    printError(`run ${id} continues.\n  follow it: ${follow}\n  stop it: ${stop}\n`);
    return EXIT.notReady;
  }

  /** A command of Flower for a person to paste. */
  #by(...args: readonly string[]): string {
    const home = `FLWR_HOME=${this.#options.machine.paths.flwrHome}`;
    const by = this.#apart ? `systemd-run -qtp DynamicUser=yes -E ${home}` : home;
    return [by, this.#program, ...args].join(' ');
  }

  /** Prints the lines of a command, except the first `skipped` of the log: they are on the terminal already. */
  #printLines(skipped: number): Line {
    let at = 0;
    return (line, stream) => {
      const started = this.#id !== undefined;
      this.#id ??= runIdIn(line);
      // Before the log Flower's command says which SuperLink it uses.
      const ofLog = started && stream === 'stdout' && !line.startsWith('Using SuperLink: ');
      if (ofLog && ++at <= skipped) return;
      if (ofLog) this.#seen.add(line);
      this.#shown = Math.max(this.#shown, at);
      if (this.#id === undefined || this.#waits.sees(line, this.#id)) passLine(line, stream);
    };
  }

  #ask(args: readonly string[], signal?: AbortSignal): ReturnType<typeof run> {
    return this.#flwr(args, { timeoutMs: COMMAND_MS, ...(signal && { signal }) });
  }

  #flwr(
    args: readonly string[],
    given: { onLine?: Line; timeoutMs?: number; signal?: AbortSignal },
  ): ReturnType<typeof run> {
    const { machine, app, connection, file } = this.#options;
    const { flwrHome: home } = machine.paths;
    const env = flwrEnvironment({ environment: this.#environment, flwrHome: home });
    if (!this.#apart) return run(this.#program, args, { ...given, env });
    const starts = args[0] === 'run';
    return runAsAnother([this.#program, ...args], {
      ...given,
      env,
      home,
      files: [...connection, file],
      app: starts ? app : undefined,
    });
  }
}

const firstError = ({ firstError: error }: Tally): string =>
  error === undefined ? '; the log has no error' : `; first error: ${error}`;

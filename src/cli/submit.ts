import { join, resolve } from 'node:path';
import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import { readEndpoints } from '../flower/endpoints.ts';
import { ensureFolder, exists, isFolder, listFolder, readText, remove, writeAtomic } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { print, printError } from '../host/output.ts';
import type { Paths } from '../host/paths.ts';
import { run } from '../host/process.ts';
import { type Command, type Invocation, UsageError } from './command.ts';
import {
  CONNECTION,
  connectionToml,
  DECLARED_KEYS_PY,
  flwrEnvironment,
  flwrProgram,
  formatRunConfig,
  mergeSettings,
  type PassedOn,
  type RunSetting,
  type RunState,
  readPassedOn,
  readRunConfig,
  runIdIn,
  runStateIn,
} from './submission.ts';

export const submit: Command = {
  name: 'submit',
  summary: 'starts a run of an app on the SuperLink of this VM, follows it, and ends with its outcome',
  args: ['APP'],
  passesOn: 'ARGUMENTS OF flwr run',
  options: {
    'declared-only': { description: 'pass only the settings that the app declares, instead of refusing' },
  },
  text: 'APP is the folder of a Flower app, or the name of one in /usr/share/flower-context/apps: quickstart needs no network, no data\nand no framework. Strategy, rounds, client counts and checkpoints are those of the CONTEXT (FL_NUM_ROUNDS, FL_STRATEGY, ...); single ones can\nbe given otherwise behind --. The app has to declare them in [tool.flwr.app.config] of its pyproject.toml. Exit status 0\nonly when the run was completed. Ctrl-C leaves the run going.',
  examples: [
    ['flower-context submit quickstart', 'the example app of the image, with the settings of the CONTEXT'],
    ["flower-context submit quickstart -- --run-config 'num-server-rounds=20'", 'one of them otherwise'],
    ['flower-context submit --declared-only ./other-app', 'an app that was not written for this appliance'],
  ],
  async run(invocation) {
    const { machine, args, rest } = invocation;
    const superLink = superLinkEndpoints(machine);
    if (superLink === undefined) return EXIT.notReady;
    const passedOn = readPassedOn(rest);
    if (passedOn.fault !== undefined) throw new UsageError(passedOn.fault);
    const app = appNamed(args[0]!, machine.paths);
    const settings = await settingsFor(invocation, app, passedOn);

    const home = machine.paths.flwrHome;
    ensureFolder(home, { mode: 0o700 });
    const { listeners, tls } = superLink;
    const connection = connectionToml(listeners.control, tls?.loopback.ca, machine.host.loopback);
    writeAtomic(join(home, 'config.toml'), connection, { mode: 0o600, durable: false });
    const file = join(home, `run-config-${process.pid}.toml`);
    writeAtomic(file, formatRunConfig(settings), { mode: 0o600, durable: false });
    try {
      return await new Run(machine).start(app, [...passedOn.rest, '--run-config', file]);
    } finally {
      remove(file);
    }
  },
};

/** The folder of an app. A name is looked up among those of the package, unless a folder here is called so. */
function appNamed(name: string, { apps }: Paths): string {
  const here = resolve(name);
  const folder = name.includes('/') || isFolder(here) ? here : join(apps, name);
  if (exists(join(folder, 'pyproject.toml'))) return folder;
  throw new UsageError(
    isFolder(folder)
      ? `${name} is no Flower app: there is no pyproject.toml in ${folder}`
      : `there is no folder ${name}, and the apps of this image are: ${listFolder(apps).join(', ') || 'none'}`,
  );
}

/** Undefined, with a message, when this VM cannot start runs (yet). */
function superLinkEndpoints({ paths }: Machine) {
  const endpoints = readEndpoints(paths);
  if (endpoints?.role === 'superlink') return endpoints;
  printError(
    endpoints === undefined
      ? 'not ready: this VM has not booted into its role yet (flower-context status)\n'
      : 'runs are started on the SuperLink, and this VM is a SuperNode\n',
  );
  return undefined;
}

/** The settings of the CONTEXT with the caller's over them. Throws Problem app_lacks_settings. */
async function settingsFor(
  { machine, flag }: Invocation,
  app: string,
  { settings }: PassedOn,
): Promise<RunSetting[]> {
  const all = mergeSettings(readRunConfig(readText(machine.paths.runConfig) ?? ''), settings);
  const declared = await declaredKeys(machine, app);
  const lacking = all.filter(([key]) => !declared.has(key));
  if (lacking.length === 0) return all;
  const names = lacking.map(([key]) => key).join(', ');
  if (flag('declared-only')) {
    printError(`not passed on, because the app does not declare it: ${names}\n`);
    return all.filter(([key]) => declared.has(key));
  }
  throw new Problem('app_lacks_settings', {
    doing: `comparing the settings of this run with what ${app}/pyproject.toml declares`,
    found: `${names} ${lacking.length === 1 ? 'is' : 'are'} not declared`,
    expected: `in [tool.flwr.app.config]:\n${formatRunConfig(lacking).replaceAll(/^/gm, '    ').trimEnd()}`,
  });
}

async function declaredKeys({ paths }: Machine, app: string): Promise<ReadonlySet<string>> {
  const python = join(paths.environment, 'bin/python');
  const file = join(app, 'pyproject.toml');
  const { code, stdout, stderr, failedToStart } = await run(python, ['-I', '-c', DECLARED_KEYS_PY, file], {
    env: flwrEnvironment(paths),
    timeoutMs: 30_000,
  });
  if (code === 0) return new Set(JSON.parse(stdout) as string[]);
  throw new Problem('run_not_started', {
    doing: `reading ${file}`,
    found: failedToStart ?? stderr.trim().split('\n').at(-1) ?? 'it cannot be read',
    remedy:
      failedToStart === undefined
        ? 'correct the file'
        : 'look at the environment of Flower: `flower-context status`',
  });
}

/** After a stream that ended before the run did. */
const AGAIN_AFTER_MS = 1_000;
/** `flwr` says nothing of its own this often in a row: the SuperLink is gone. */
const SILENT_ANSWERS = 30;

class Run {
  readonly #machine: Machine;
  readonly #program: string;
  readonly #env: Record<string, string>;
  readonly #interrupted = new AbortController();
  #id: string | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#program = flwrProgram(machine.paths.environment);
    this.#env = flwrEnvironment(machine.paths);
  }

  async start(app: string, args: readonly string[]): Promise<number> {
    const interrupt = (): void => this.#interrupted.abort();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, interrupt);
    const { code, failedToStart } = await this.#flwr(['run', app, CONNECTION, '--stream', ...args], true);
    const id = this.#id;
    if (id === undefined) {
      if (this.#interrupted.signal.aborted) return EXIT.notReady;
      throw new Problem('run_not_started', {
        doing: `starting a run of ${app}`,
        found:
          failedToStart === undefined
            ? `flwr ended with status ${code} before there was a run`
            : `${this.#program}: ${failedToStart}`,
      });
    }
    const state = await this.#untilFinished(id);
    if (state === undefined) return this.#leave(id);
    const took = state.seconds === undefined ? '' : ` after ${state.seconds.toFixed(1)} s`;
    if (state.status === 'finished:completed') {
      print(`run ${id}: completed${took}\n`);
      return EXIT.good;
    }
    throw new Problem('run_failed', {
      doing: `following run ${id}`,
      found: `${state.status}${took}${state.details === '' ? '' : `: ${state.details}`}`,
    });
  }

  /** Undefined when the caller does not want to wait any more. `flwr run --stream` ends with status 0 for a failed run too. */
  async #untilFinished(id: string): Promise<RunState | undefined> {
    const { signal } = this.#interrupted;
    for (let silent = 0; !signal.aborted; ) {
      const { stdout, stderr } = await this.#flwr(
        ['list', CONNECTION, '--run-id', id, '--format', 'json'],
        false,
      );
      const state = runStateIn(stdout, id);
      if (state?.status.startsWith('finished')) return state;
      silent = state === undefined ? silent + 1 : 0;
      if (silent > SILENT_ANSWERS) {
        throw new Problem('run_failed', {
          doing: `asking the SuperLink about run ${id}`,
          found: (stderr.trim() || stdout.trim() || 'no answer').slice(-400),
          remedy: 'look at the SuperLink: `flower-context status`',
        });
      }
      await this.#machine.clock.sleep(AGAIN_AFTER_MS, signal).catch(() => undefined);
      // The stream broke off while the run goes on (the SuperLink was started again): take it up.
      if (state !== undefined && !signal.aborted) await this.#flwr(['log', id, CONNECTION, '--stream'], true);
    }
    return undefined;
  }

  #leave(id: string): number {
    const by = `FLWR_HOME=${this.#machine.paths.flwrHome} ${this.#program}`;
    printError(
      `run ${id} goes on. Follow it: ${by} log ${id} ${CONNECTION} --stream. Stop it: ${by} stop ${id} ${CONNECTION}\n`,
    );
    return EXIT.notReady;
  }

  #flwr(args: readonly string[], show: boolean): ReturnType<typeof run> {
    return run(this.#program, args, {
      env: this.#env,
      signal: this.#interrupted.signal,
      ...(show
        ? {
            onLine: (line: string, stream: 'stdout' | 'stderr'): void => {
              this.#id ??= runIdIn(line);
              (stream === 'stdout' ? print : printError)(`${line}\n`);
            },
          }
        : { timeoutMs: 60_000 }),
    });
  }
}

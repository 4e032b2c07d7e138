import { join, resolve } from 'node:path';
import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import { plain, textLines } from '../core/text.ts';
import { readEndpoints } from '../flower/endpoints.ts';
import { CONNECTION, flwrEnvironment, writeConnection } from '../flower/flwr.ts';
import { exists, isFolder, listFolder, readText, realPath, remove, writeAtomic } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { printError } from '../host/output.ts';
import type { Paths } from '../host/paths.ts';
import { run } from '../host/process.ts';
import { runAsAnother, runsAsAnother } from '../host/unprivileged.ts';
import { defineCommand, UsageError } from './command.ts';
import {
  DECLARED_KEYS_PY,
  formatRunConfig,
  type RunSetting,
  type RunState,
  readPassedOn,
  readRunConfig,
  runIdIn,
  runStateIn,
} from './submission.ts';

import { passLine, printErrorText, printText } from './terminal.ts';

export const submit = defineCommand({
  name: 'submit',
  summary: 'Start a run of an app on this SuperLink and follow it to its end',
  args: ['APP'],
  passesOn: 'ARGUMENTS OF flwr run',
  options: {
    'declared-only': { description: 'omit settings that the app does not declare, instead of an error' },
  },
  text: 'APP is the folder of a Flower app, or the name of an app in /usr/share/flower-context/apps. The app quickstart needs no network, no data and no framework.\n\nStrategy, rounds, client counts and checkpoints come from the CONTEXT (FL_NUM_ROUNDS, FL_STRATEGY, ...); arguments after -- replace single ones. The app has to declare them in [tool.flwr.app.config] of its pyproject.toml.\n\nExit status 0: the run was completed. After Ctrl-C the run continues.',
  examples: [
    ['flower-context submit quickstart', 'Run the example app of the image with the settings of the CONTEXT'],
    [
      "flower-context submit quickstart -- --run-config 'num-server-rounds=20'",
      'Run it with another number of rounds',
    ],
    [
      'flower-context submit --declared-only ./other-app',
      'Run an app that was not written for this appliance',
    ],
  ],
  async run({ machine, args, rest, flag }) {
    const superLink = readEndpoints(machine.paths);
    if (superLink?.role !== 'superlink') {
      printErrorText(
        superLink === undefined
          ? 'not ready: the boot has not started Flower yet (`flower-context status`)'
          : 'this VM is a SuperNode: start runs on the SuperLink',
      );
      return EXIT.notReady;
    }
    const passedOn = readPassedOn(rest);
    const app = appNamed(args[0]!, machine.paths);
    const settings = await settingsFor(machine, app, passedOn.settings, flag('declared-only'));

    const connection = writeConnection(machine, superLink);
    const file = join(machine.paths.flwrHome, `run-config-${process.pid}.toml`);
    writeAtomic(file, formatRunConfig(settings), { mode: 0o600, durable: false });
    try {
      return await new Run(machine, app, connection, file).start(passedOn.rest);
    } finally {
      remove(file);
    }
  },
});

/** The folder of an app. A folder in the working directory comes before an app of the package. */
function appNamed(name: string, { apps }: Paths): string {
  const here = resolve(name);
  const folder = name.includes('/') || isFolder(here) ? here : join(apps, name);
  if (exists(join(folder, 'pyproject.toml'))) return folder;
  throw new UsageError(
    isFolder(folder)
      ? `${name} is not a Flower app: ${folder} has no pyproject.toml`
      : `there is no folder ${name}; apps of this image: ${plain(listFolder(apps).join(', ')) || 'none'}`,
  );
}

/** The settings of the CONTEXT, replaced by those of the caller. Throws Problem app_lacks_settings. */
async function settingsFor(
  machine: Machine,
  app: string,
  settings: readonly RunSetting[],
  declaredOnly: boolean,
): Promise<RunSetting[]> {
  const ofContext = readRunConfig(readText(machine.paths.runConfig) ?? '');
  const all = [...new Map([...ofContext, ...settings])];
  const declared = await declaredKeys(machine, app);
  const undeclared = all.filter(([key]) => !declared.has(key));
  if (undeclared.length === 0) return all;
  const names = undeclared.map(([key]) => key).join(', ');
  if (declaredOnly) {
    printErrorText(`omitted, because the app does not declare it: ${names}`);
    return all.filter(([key]) => declared.has(key));
  }
  throw new Problem('app_lacks_settings', {
    doing: `comparing the settings of this run with what ${app}/pyproject.toml declares`,
    found: `${names} ${undeclared.length === 1 ? 'is' : 'are'} not declared`,
    expected: `in [tool.flwr.app.config]:\n${formatRunConfig(undeclared).replaceAll(/^/gm, '    ').trimEnd()}`,
  });
}

async function declaredKeys({ paths }: Machine, app: string): Promise<ReadonlySet<string>> {
  const python = join(paths.environment, 'bin/python');
  const file = join(app, 'pyproject.toml');
  // -S: root runs no code of the environment's packages.
  const { code, stdout, stderr, failedToStart } = await run(python, ['-IS', '-c', DECLARED_KEYS_PY, file], {
    env: flwrEnvironment(paths),
    timeoutMs: 30_000,
  });
  if (code === 0) return new Set(JSON.parse(stdout) as string[]);
  throw new Problem('run_not_started', {
    doing: `reading ${file}`,
    found: failedToStart ?? textLines(stderr).at(-1) ?? 'it cannot be read',
    remedy:
      failedToStart === undefined
        ? 'correct the file'
        : 'check the environment of Flower: `flower-context doctor`',
  });
}

const POLL_MS = 1_000;
/** After so many polls without an answer the SuperLink counts as stopped. */
const MOST_SILENT_POLLS = 30;

class Run {
  readonly #machine: Machine;
  readonly #app: string;
  readonly #connection: readonly string[];
  readonly #settings: string;
  readonly #environment: string;
  readonly #program: string;
  readonly #apart: boolean;
  readonly #interrupted = new AbortController();
  #id: string | undefined;

  /** `connection`: files in FLWR_HOME. `settings`: the file for --run-config. */
  constructor(machine: Machine, app: string, connection: readonly string[], settings: string) {
    this.#machine = machine;
    this.#app = app;
    this.#connection = connection;
    this.#settings = settings;
    this.#apart = runsAsAnother(machine.paths.root);
    const { environment } = machine.paths;
    // The link is not visible in the sandbox.
    this.#environment = (this.#apart ? realPath(environment) : undefined) ?? environment;
    this.#program = join(this.#environment, 'bin/flwr');
  }

  async start(passedOn: readonly string[]): Promise<number> {
    const app = this.#app;
    const args = [...passedOn, '--run-config', this.#settings];
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
    const took = state.elapsed === undefined ? '' : ` after ${state.elapsed.toFixed(1)} s`;
    const details = state['status-details'];
    if (state.status === 'finished:completed') {
      printText(`run ${id}: completed${took}`);
      return EXIT.ok;
    }
    throw new Problem('run_failed', {
      doing: `following run ${id}`,
      found: `${state.status}${took}${details === '' ? '' : `: ${details}`}`,
    });
  }

  /** Undefined after an interrupt. Polls, because `flwr run --stream` ends with status 0 also when the run failed. */
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
      if (silent > MOST_SILENT_POLLS) {
        throw new Problem('run_failed', {
          doing: `asking the SuperLink about run ${id}`,
          found: (textLines(stderr).at(-1) ?? textLines(stdout).at(-1)) || 'no answer',
          remedy: 'check the SuperLink: `flower-context status`',
        });
      }
      await this.#machine.clock.sleep(POLL_MS, signal).catch(() => undefined);
      // The stream ended before the run did, for example because the SuperLink was restarted.
      if (state !== undefined && !signal.aborted) await this.#flwr(['log', id, CONNECTION, '--stream'], true);
    }
    return undefined;
  }

  #leave(id: string): number {
    const home = `FLWR_HOME=${this.#machine.paths.flwrHome}`;
    const by = this.#apart
      ? `systemd-run -qtp DynamicUser=yes -E ${home} ${this.#program}`
      : `${home} ${this.#program}`;
    printError(
      `run ${id} continues.\n  follow it: ${by} log ${id} ${CONNECTION} --stream\n  stop it: ${by} stop ${id} ${CONNECTION}\n`,
    );
    return EXIT.notReady;
  }

  #flwr(args: readonly string[], visible: boolean): ReturnType<typeof run> {
    const { flwrHome: home } = this.#machine.paths;
    const options = {
      env: flwrEnvironment({ environment: this.#environment, flwrHome: home }),
      signal: this.#interrupted.signal,
      ...(visible
        ? {
            onLine: (line: string, stream: 'stdout' | 'stderr'): void => {
              this.#id ??= runIdIn(line);
              passLine(line, stream);
            },
          }
        : { timeoutMs: 60_000 }),
    };
    if (!this.#apart) return run(this.#program, args, options);
    const files = [...this.#connection, this.#settings];
    const app = args[0] === 'run' ? this.#app : undefined;
    return runAsAnother([this.#program, ...args], { ...options, home, files, app });
  }
}

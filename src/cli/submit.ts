import { join, resolve } from 'node:path';
import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import { plain, textLines } from '../core/text.ts';
import { readEndpoints } from '../flower/endpoints.ts';
import { flwrEnvironment, writeConnection } from '../flower/flwr.ts';
import { exists, isFolder, listFolder, readText, remove, writeAtomic } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import type { Paths } from '../host/paths.ts';
import { run } from '../host/process.ts';
import { defineCommand, UsageError } from './command.ts';
import {
  DECLARED_KEYS_PY,
  formatRunConfig,
  type RunSetting,
  readPassedOn,
  readRunConfig,
} from './submission.ts';
import { Run } from './submit-run.ts';
import { printErrorText } from './terminal.ts';

export const submit = defineCommand({
  name: 'submit',
  summary: 'Start a run of an app on this SuperLink and follow it to its end',
  args: ['APP'],
  passesOn: 'ARGUMENTS OF flwr run',
  options: {
    'declared-only': { description: 'omit settings that the app does not declare, instead of an error' },
    timeout: { description: 'stop the run when it is not finished after this time', value: 'SECONDS' },
  },
  text: `APP is the folder of a Flower app, or the name of an app in /usr/share/flower-context/apps. The app quickstart needs no network, no data and no framework.

Strategy, rounds, client counts and checkpoints come from the CONTEXT (FL_NUM_ROUNDS, FL_STRATEGY, ...); arguments after -- replace single ones. The app has to declare them in [tool.flwr.app.config] of its pyproject.toml.

While the run waits for SuperNodes, submit names those that are missing. At the end it counts the results of all rounds, as the log of the run shows them. Missing results are a warning. An app without a strategy of Flower, or FL_LOG_LEVEL=WARNING or ERROR, shows no rounds: then the state that Flower reports decides.

Exit status ${EXIT.ok}: the run was completed. ${EXIT.failed}: it failed, was stopped, or did not start. ${EXIT.noResult}: it was completed, but no SuperNode returned a result in any round. ${EXIT.timedOut}: --timeout stopped it. ${EXIT.notReady}: this SuperLink does not serve yet, or Ctrl-C; after Ctrl-C the run continues.`,
  examples: [
    ['flower-context submit quickstart', 'Run the example app of the image with the settings of the CONTEXT'],
    [
      "flower-context submit quickstart -- --run-config 'num-server-rounds=20'",
      'Run it with another number of rounds',
    ],
    ['flower-context submit --timeout 3600 ./app', 'Stop the run when it is not finished after an hour'],
    [
      'flower-context submit --declared-only ./other-app',
      'Run an app that was not written for this appliance',
    ],
  ],
  async run({ machine, args, rest, flag, value }) {
    const timeout = secondsIn(value('timeout'));
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
      return await new Run({ machine, app, connection, file, settings, timeout }).start(passedOn.rest);
    } finally {
      remove(file);
    }
  },
});

/** The longest time of a timer of Node.js is 24.8 days. */
const MOST_SECONDS = 2_000_000;

function secondsIn(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,7}$/.test(given) || Number(given) < 1 || Number(given) > MOST_SECONDS)
    throw new UsageError(`--timeout takes whole seconds from 1 to ${MOST_SECONDS}, not '${given}'`);
  return Number(given);
}

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

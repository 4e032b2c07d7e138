// Runs a command with the sandbox of a unit (systemd-run): a command that a person types as root is then as limited as the
// unit. The settings are read from the files of the unit, so there is no second list of them.
import { type StdioOptions, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Problem } from '../core/problem.ts';
import { plain } from '../core/text.ts';
import { describeError } from './errno.ts';
import { exists } from './files.ts';
import { ourIds } from './machine.ts';
import { run } from './process.ts';
import { environmentSettings, sandboxSettings } from './unit-file.ts';

/** In the environment of a command that has the sandbox already. */
const MARK = 'FLOWER_CONTEXT_SANDBOX';

/** Whether a command that this process was started with still has to be given the sandbox of its unit. */
export const lacksSandbox = (root: string): boolean =>
  root === '/' &&
  ourIds().uid === 0 &&
  process.env[MARK] === undefined &&
  process.env['NOTIFY_SOCKET'] === undefined &&
  exists('/run/systemd/system');

/** Files instead of the streams of this process, opened by this process. A file for the output must not exist. */
export interface Files {
  readonly input?: string;
  readonly output?: string;
}

/**
 * Runs a command with the sandbox of a unit, also as its user. Ctrl-C ends the command. With `files` it gets no stream of
 * this process, so that a user with less rights cannot read from the terminal; then the end of its errors is in `said`.
 * @throws Problem state_unwritable
 */
export async function runInSandbox(
  unit: string,
  command: readonly [program: string, ...args: string[]],
  files?: Files,
): Promise<{ readonly status: number; readonly said: string }> {
  const { code, stdout, stderr } = await run('systemctl', ['cat', unit], { timeoutMs: 30_000 });
  const settings = sandboxSettings(stdout);
  if (code !== 0 || settings.length === 0) {
    throw new Problem('state_unwritable', {
      doing: `reading the sandbox of ${unit}`,
      found: plain(stderr) || 'it has no settings',
      remedy: 'check `systemctl cat`; install the package flower-context again',
    });
  }
  const name = `flower-context-command-${process.pid}.service`;
  const options = ['--quiet', '--collect', '--wait', '--pipe', '--service-type=exec', `--unit=${name}`];
  const properties = settings.map((setting) => `--property=${setting}`);
  // Without a value: systemd-run takes that from its own environment, which other users cannot read.
  const environment = { ...environmentSettings(stdout), [MARK]: '1' };
  const variables = Object.keys(environment).map((variable) => `--setenv=${variable}`);
  const args = [...options, ...variables, ...properties, '--', ...command];
  const env = { ...process.env, ...environment };
  if (files === undefined) return ended(args, name, ['inherit', 'inherit', 'inherit'], env);
  const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL } = constants;
  const input = open(files.input ?? '/dev/null', O_RDONLY);
  const output = files.output === undefined ? 'ignore' : open(files.output, O_WRONLY | O_CREAT | O_EXCL);
  try {
    return await ended(args, name, [input, output, 'pipe'], env);
  } finally {
    for (const descriptor of [input, output]) if (typeof descriptor === 'number') closeSync(descriptor);
  }
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw new Problem('state_unwritable', {
      doing: `opening ${path}`,
      found: describeError(error),
      cause: error,
    });
  }
}

function ended(
  args: readonly string[],
  unit: string,
  stdio: StdioOptions,
  env: NodeJS.ProcessEnv,
): Promise<{ status: number; said: string }> {
  return new Promise((resolve, reject) => {
    // A group of its own: Ctrl-C of the terminal must end the command, not systemd-run, which would leave it running.
    const child = spawn('systemd-run', args, { stdio, env, detached: true });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4096);
    });
    let interrupted = false;
    const forward = (signal: NodeJS.Signals): void => {
      interrupted = true;
      void run('systemctl', ['kill', `--signal=${signal}`, unit]);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, forward);
    const over = (): void => {
      for (const signal of signals) process.off(signal, forward);
    };
    child.once('error', (error) => {
      over();
      const found = describeError(error);
      reject(new Problem('state_unwritable', { doing: 'starting systemd-run', found, cause: error }));
    });
    child.once('close', (status) => {
      over();
      // For systemd a process that SIGINT or SIGTERM ended has succeeded.
      resolve({ status: interrupted ? status || 1 : (status ?? 1), said });
    });
  });
}

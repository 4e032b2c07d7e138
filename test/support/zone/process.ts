// Programs that tests start: with their output, and never left behind.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from '../load.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end (SIGKILL after `timeoutMs`, on a busy machine later). A signal counts as code 128 + its number, as in a shell. */
export function run(
  file: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; timeoutMs?: number } = {},
): Promise<Outcome> {
  const { timeoutMs = 60_000, ...rest } = options;
  return new Promise((resolve) => {
    const settings = {
      ...rest,
      timeout: patience(timeoutMs),
      killSignal: 'SIGKILL',
      maxBuffer: 64 * 1024 * 1024,
    } as const;
    execFile(file, args, settings, (error, stdout, stderr) => {
      const code =
        error === null
          ? 0
          : typeof error.code === 'number'
            ? error.code
            : 128 + (error.signal === 'SIGKILL' ? 9 : 15);
      resolve({
        code,
        stdout,
        stderr: error !== null && stderr === '' && error.code === 'ENOENT' ? error.message : stderr,
      });
    });
  });
}

export interface Wait {
  /** How long on a quiet machine; a busy one is given more. */
  readonly timeoutMs?: number;
  /** `timeoutMs` is what the test claims: no machine is given more. */
  readonly exact?: boolean;
  readonly everyMs?: number;
  /** What the error adds. */
  readonly detail?: () => string;
}

/** Waits until `look` gives something, and returns it. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 20_000, exact = false, everyMs = 25, detail = () => '' }: Wait = {},
): Promise<T> {
  const began = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    const waited = performance.now() - began;
    // By the load of this moment: it may have risen since the wait began.
    if (waited > (exact ? timeoutMs : patience(timeoutMs)))
      throw new Error(`waited ${Math.round(waited / 1000)} s for ${what}\n${detail()}`);
    await sleep(everyMs);
  }
}

/** A supervisor of one VM; with `--lifeline` it ends when we do, because its stdin does. */
export async function startSupervisor(program: string, args: readonly string[]): Promise<ChildProcess> {
  // A session of its own: Ctrl-C is for us, and we shut the VMs down in good order.
  const child = spawn(process.env.PYTHON ?? 'python3', ['-E', program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const up = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the supervisor ended with ${code} before it was up`)));
    child.stdout!.once('data', () => resolve());
  });
  await up;
  child.removeAllListeners('exit');
  child.stdout!.destroy();
  return child;
}

/** Sends a signal and waits for the end. */
export async function endWith(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

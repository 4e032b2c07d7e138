// Runs other programs: never through a shell, with limits of time and output.
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { unlessError } from '../core/result.ts';
import { readText } from './read.ts';

interface RunOptions {
  /** Milliseconds before the program and its children get SIGTERM, and `graceMs` later SIGKILL. No limit when left out. */
  readonly timeoutMs?: number;
  readonly graceMs?: number;
  /** The whole environment of the program; that of the agent when left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Bytes kept of the end of stdout and of stderr, each. 1 MiB when left out. */
  readonly maxBytes?: number;
  /** Called with each whole line as it comes, without its newline. */
  readonly onLine?: ((line: string, stream: 'stdout' | 'stderr') => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The output of another program as standard input, which is empty when left out. */
  readonly input?: Readable | undefined;
}

export interface RunResult {
  /** Exit status; null when a signal ended the program or it could not be started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Why the program could not be started, as an errno ('ENOENT': no such program). */
  readonly failedToStart?: string | undefined;
}

/**
 * Runs a program to its end. Never throws. The program has a process group of its own, so that a
 * timeout also ends its children. A child that keeps the output open after the end is waited for at most `graceMs`.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { timeoutMs, graceMs = 2000, env, maxBytes = 1024 * 1024, onLine, signal, input } = options;
  return new Promise((resolve) => {
    const child = spawn(command, [...args], {
      stdio: [input ?? 'ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...(env ?? process.env) },
    });
    const stdout = collect(child.stdout, maxBytes, onLine && ((line) => onLine(line, 'stdout')));
    const stderr = collect(child.stderr, maxBytes, onLine && ((line) => onLine(line, 'stderr')));

    let timedOut = false;
    const timers: NodeJS.Timeout[] = [];
    // An error: the group is gone already.
    const toGroup = (name: NodeJS.Signals): unknown =>
      child.pid === undefined ? undefined : unlessError(() => process.kill(-child.pid!, name));
    const end = (): void => {
      toGroup('SIGTERM');
      timers.push(setTimeout(() => toGroup('SIGKILL'), graceMs));
    };
    if (timeoutMs !== undefined) {
      timers.push(
        setTimeout(() => {
          timedOut = true;
          end();
        }, timeoutMs),
      );
    }
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end, { once: true });

    let settled = false;
    const settle = (code: number | null, by: NodeJS.Signals | null, failedToStart?: string): void => {
      if (settled) return;
      settled = true;
      for (const timer of timers) clearTimeout(timer);
      // The program may have obeyed SIGTERM while one of its children did not.
      if (timedOut || signal?.aborted) toGroup('SIGKILL');
      signal?.removeEventListener('abort', end);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({
        code,
        signal: by,
        stdout: stdout(),
        stderr: stderr(),
        timedOut,
        failedToStart,
      });
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) settle(null, null, error.code ?? error.message);
    });
    child.once('exit', (code, by) => timers.push(setTimeout(() => settle(code, by), graceMs)));
    child.once('close', (code, by) => settle(code, by));
  });
}

/** Keeps the last `maxBytes` of a stream and splits it into lines. Returns a function that gives the text so far. */
function collect(
  stream: NodeJS.ReadableStream,
  maxBytes: number,
  onLine?: (line: string) => void,
): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  let rest = '';
  const decoder = new StringDecoder('utf8');
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    while (chunks.length > 1 && size - chunks[0]!.length >= maxBytes) size -= chunks.shift()!.length;
    if (onLine === undefined) return;
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop()!.slice(-maxBytes);
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => {
    if (rest !== '' && onLine !== undefined) onLine(rest);
    rest = '';
  });
  stream.on('error', () => {});
  return () => Buffer.concat(chunks).subarray(-maxBytes).toString('utf8');
}

/** The command line of this program: interpreter, its options, and the file. */
export const selfCommand = (): readonly string[] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? '',
];

interface ProcessFacts {
  /** Clock ticks since the kernel's boot. */
  readonly started: number;
  /** By a signal (SIGSTOP) or a debugger. */
  readonly stopped: boolean;
}

/** Facts of a process of any user, from proc_pid_stat(5); undefined when there is none, or it has ended. */
export function processFacts(pid: number): ProcessFacts | undefined {
  const text = unlessError(() => readText(`/proc/${pid}/stat`));
  // The name, in parentheses, may contain anything.
  const [state, ...fields] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  if (state === undefined || 'ZXx'.includes(state)) return undefined;
  return { started: Number(fields[18]), stopped: 'Tt'.includes(state) };
}

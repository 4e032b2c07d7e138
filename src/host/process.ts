// The door to other programs. Never through a shell: an argument is an argument. Always bounded, in time and in output.
import { spawn } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';

export interface RunOptions {
  /** Milliseconds before the program and its children get SIGTERM, and `graceMs` later SIGKILL. No limit when left out. */
  readonly timeoutMs?: number;
  readonly graceMs?: number;
  /** The whole environment of the program; our own when left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Bytes kept of stdout and of stderr, each; the end is kept, because that is where errors are. 1 MiB when left out. */
  readonly maxBytes?: number;
  /** Called with each whole line as it comes, without its newline. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Numeric ids to run as; our own when left out. */
  readonly uid?: number;
  readonly gid?: number;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** Exit status; null when a signal ended the program or it could not be started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Why the program could not be started at all ('ENOENT': there is none of that name), else undefined. */
  readonly failedToStart?: string;
}

/**
 * Runs a program to its end and tells how it ended; never throws for what the program did. Standard input is empty.
 * The program gets a process group of its own, so that a timeout also ends what it started. A child of it that outlives
 * it and keeps the output open is not waited for longer than `graceMs`.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { timeoutMs, graceMs = 2000, env, cwd, maxBytes = 1024 * 1024, onLine, uid, gid, signal } = options;
  return new Promise((resolve) => {
    const child = spawn(command, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(env === undefined ? {} : { env: { ...env } }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    const stdout = collect(child.stdout, maxBytes, onLine && ((line) => onLine(line, 'stdout')));
    const stderr = collect(child.stderr, maxBytes, onLine && ((line) => onLine(line, 'stderr')));

    let timedOut = false;
    const timers: NodeJS.Timeout[] = [];
    const toGroup = (name: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // The group is gone already.
      }
    };
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
      // The leader may have obeyed SIGTERM while one of its children did not.
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
        ...(failedToStart === undefined ? {} : { failedToStart }),
      });
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) settle(null, null, error.code ?? error.message);
    });
    child.once('exit', (code, by) => timers.push(setTimeout(() => settle(code, by), graceMs)));
    child.once('close', (code, by) => settle(code, by));
  });
}

/** Gathers a stream's last `maxBytes` and cuts it into lines; returns what gives the text so far. */
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

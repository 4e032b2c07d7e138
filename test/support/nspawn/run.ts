import { spawn } from 'node:child_process';
import { patience } from '../load.ts';
import type { Outcome } from '../zone/process.ts';

/** Runs a program with something on its stdin; SIGKILL after `timeoutMs` (code 137), on a busy machine later. */
export function runWithInput(
  file: string,
  args: readonly string[],
  input: Buffer | string,
  timeoutMs: number,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { timeout: patience(timeoutMs), killSignal: 'SIGKILL' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    const end = (code: number | null, signal: NodeJS.Signals | null): void =>
      resolve({
        code: code ?? (signal === 'SIGKILL' ? 137 : 143),
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      });
    child.once('close', end);
    // What it started may live on and keep the pipes open.
    child.once('exit', (code, signal) => setTimeout(end, 2_000, code, signal).unref());
    // It may end without reading everything.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

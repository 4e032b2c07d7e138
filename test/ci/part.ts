// One part of a long run: a command, its log, its counts, its time. Used by CI and by `make test-all`.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Count, countOf, type FileReport, readReport } from './report.ts';

export interface Part {
  readonly name: string;
  /** For the list of parts. */
  readonly what: string;
  /** A shell command; its vitest runs write $REPORT. */
  readonly command: string;
  /** On two quiet cores. */
  readonly minutes: number;
}

export interface PartResult {
  readonly name: string;
  readonly seconds: number;
  readonly count: Count;
  readonly files: readonly FileReport[];
  /** Why the count is incomplete; undefined if it is complete. */
  readonly fault?: string;
}

export interface PartOptions {
  /** Holds `NAME.log` and `NAME.json` of each part. */
  readonly folder: string;
  /** Time of day, in ms, at which the part is ended. */
  readonly deadline?: number;
  /** Prints its output while it runs, besides writing it to the log. */
  readonly shown?: boolean;
}

const COUNT = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;

/** Runs a part until it ends or until the deadline. Never throws: an error is in the result, and counts as failed. */
export async function runPart(part: Part, options: PartOptions): Promise<PartResult> {
  const { folder, deadline = Number.POSITIVE_INFINITY, shown = true } = options;
  const [log, path] = [join(folder, `${part.name}.log`), join(folder, `${part.name}.json`)];
  mkdirSync(dirname(log), { recursive: true });
  rmSync(path, { force: true });
  const began = Date.now();
  if (began >= deadline) return lost(part, 0, 'not started: no time was left');
  const ended = await execute(part.command, { log, path, shown, deadline });
  const seconds = Math.round((Date.now() - began) / 1000);
  const report = readReport(path);
  const count = report === undefined ? printedCount(log) : countOf(report);
  const files = report?.files ?? [];
  if (ended.late) {
    if (count === undefined) return lost(part, seconds, 'not finished in time');
    return {
      name: part.name,
      seconds,
      count: atLeastOneFailed(count),
      files,
      fault: 'not finished in time',
    };
  }
  const bad = ended.status !== 0;
  if (count === undefined) {
    const alone = { passed: bad ? 0 : 1, failed: bad ? 1 : 0, skipped: 0 };
    const fault = { fault: `exit status ${ended.status}; see ${log}` };
    return { name: part.name, seconds, count: alone, files, ...(bad && fault) };
  }
  // An error outside of a test: a build, an installation.
  if (bad && count.failed === 0) {
    const fault = `no test failed, but the exit status is ${ended.status}`;
    return { name: part.name, seconds, count: atLeastOneFailed(count), files, fault };
  }
  return { name: part.name, seconds, count, files };
}

const atLeastOneFailed = (count: Count): Count => ({ ...count, failed: Math.max(1, count.failed) });

const lost = ({ name }: Part, seconds: number, fault: string): PartResult => ({
  name,
  seconds,
  count: { passed: 0, failed: 1, skipped: 0 },
  files: [],
  fault,
});

function printedCount(log: string): Count | undefined {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-20).reverse();
  for (const line of lines) {
    const found = COUNT.exec(line.trim());
    if (found) return { passed: Number(found[1]), failed: Number(found[2]), skipped: Number(found[3] ?? 0) };
  }
  return undefined;
}

interface Execution {
  readonly log: string;
  readonly path: string;
  readonly shown: boolean;
  readonly deadline: number;
}

function execute(
  command: string,
  { log, path, shown, deadline }: Execution,
): Promise<{ status: number; late: boolean }> {
  return new Promise((resolve) => {
    // A process group of its own, so that its children can be ended together with it.
    const child = spawn('bash', ['-c', command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CI: '1', REPORT: path },
      detached: true,
    });
    const file = createWriteStream(log);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        file.write(chunk);
        if (shown) process.stdout.write(chunk);
      });
    }
    const signal = (name: NodeJS.Signals): void => {
      try {
        process.kill(-child.pid!, name);
      } catch {
        // It has ended.
      }
    };
    let late = false;
    const timers: NodeJS.Timeout[] = [];
    if (Number.isFinite(deadline)) {
      timers.push(
        setTimeout(() => {
          late = true;
          signal('SIGTERM');
          timers.push(setTimeout(signal, 10_000, 'SIGKILL'));
        }, deadline - Date.now()),
      );
    }
    const stop = (): void => signal('SIGTERM');
    process.once('SIGINT', stop).once('SIGTERM', stop);
    child.once('close', (status, by) => {
      timers.forEach(clearTimeout);
      process.off('SIGINT', stop).off('SIGTERM', stop);
      file.end(() => resolve({ status: status ?? (by === null ? 1 : 128), late }));
    });
  });
}

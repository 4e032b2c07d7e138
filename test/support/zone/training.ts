// Trains on a running federation as an operator does: `flwr run` of an app, and its output.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { patience } from '../load.ts';
import { operatorHome } from './federation.ts';
import { REPOSITORY, type Vm } from './vm.ts';

export interface Round {
  readonly round: number;
  /** What the strategy aggregated in this round, e.g. { train_loss: 0.41, eval_loss: 0.39 }. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Clients that took part in training, and failures. */
  readonly results: number;
  readonly failures: number;
}

export interface Training {
  readonly code: number;
  readonly seconds: number;
  readonly rounds: readonly Round[];
  /** Everything `flwr` printed. */
  readonly output: string;
}

export interface TrainingOptions {
  /** Folder for what the operator's side needs. */
  readonly dir: string;
  /** A Flower app; the repository's example when left out. */
  readonly app?: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours are control characters
const COLOURS = /\u001b\[[0-9;]*m/g;

/** Runs the app on the federation with the run config that the agent wrote, and follows it to its end. */
export async function train(superlink: Vm, options: TrainingOptions): Promise<Training> {
  const { dir, onLine, signal, timeoutMs = 240_000 } = options;
  const home = operatorHome(superlink, join(dir, 'flwr-home'));
  mkdirSync(dir, { recursive: true });
  const app = join(dir, 'app');
  cpSync(options.app ?? join(REPOSITORY, 'examples/quickstart'), app, { recursive: true });
  const flwr = superlink.at('run/flower-context/env/bin/flwr');
  const runConfig = superlink.at('run/flower-context/run-config.toml');
  const args = [
    'run',
    app,
    'zone',
    '--stream',
    ...(existsSync(runConfig) ? ['--run-config', runConfig] : []),
  ];
  const began = performance.now();
  const child = spawn(flwr, args, {
    cwd: dir,
    env: {
      PATH: `${superlink.at('run/flower-context/env/bin')}:/usr/bin:/bin`,
      HOME: dir,
      FLWR_HOME: home,
      FLWR_TELEMETRY_ENABLED: '0',
      FLWR_DISABLE_UPDATE_CHECK: '1',
      LANG: 'C.UTF-8',
      COLUMNS: '200',
      PYTHONUNBUFFERED: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal }),
    timeout: patience(timeoutMs),
    killSignal: 'SIGKILL',
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      const plain = line.replace(COLOURS, '');
      lines.push(plain);
      onLine?.(plain);
    });
  }
  const code = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(-1));
    child.once('close', (status, by) => resolve(status ?? (by === 'SIGKILL' ? 137 : 143)));
  });
  return {
    code,
    seconds: (performance.now() - began) / 1000,
    rounds: roundsOf(lines),
    output: lines.join('\n'),
  };
}

/** Rounds as Flower's strategies log them: `[ROUND 1/3]`, `Received 2 results and 0 failures`, `Aggregated MetricRecord: {...}`. */
export function roundsOf(lines: readonly string[]): Round[] {
  const rounds: { round: number; metrics: Record<string, number>; results: number; failures: number }[] = [];
  for (const line of lines) {
    const start = /\[ROUND (\d+)/.exec(line);
    if (start) rounds.push({ round: Number(start[1]), metrics: {}, results: 0, failures: 0 });
    const now = rounds.at(-1);
    if (now === undefined || /Final|\[SUMMARY\]|finished/i.test(line)) continue;
    const received = /train: Received (\d+) results and (\d+) failures/.exec(line);
    if (received) Object.assign(now, { results: Number(received[1]), failures: Number(received[2]) });
    const record = /MetricRecord: \{(.*?)\}/.exec(line);
    for (const [, name, value] of record?.[1]?.matchAll(/'([^']+)': ([-+.\deE]+)/g) ?? [])
      now.metrics[name!] = Number(value);
  }
  return rounds;
}

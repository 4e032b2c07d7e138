// `make fuzz`: a million generated cases (FUZZ_RUNS) for all parsers of foreign text (targets.ts), in batches.
//
// FUZZ_SEED=n repeats a run; FUZZ_BATCH=m continues with batch m of it; both are printed. A finding ends the run and is
// printed with what repeats it. The cases run in a thread of their own: when one hangs, this one still says which batch.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import * as fc from 'fast-check';
import { cases, SLOWEST_MS, timed } from './run.ts';
import { TARGETS } from './targets.ts';

const BATCH = 5_000;
const HANGS_AFTER_MS = 120_000;
/** More than the heap may be larger at the end than after the first batches, in MiB. */
const GROWTH_MIB = 48;

interface Job {
  readonly runs: number;
  readonly seed: number;
  readonly from: number;
}

interface BatchResult {
  readonly batch: number;
  readonly cases: number;
  readonly slowestMs: number;
  readonly slowest: string;
  readonly heapMiB: number;
  readonly finding?: string;
}

const print = (text: string): void => void process.stdout.write(text);

function lead(): void {
  const job: Job = {
    runs: Number(process.env.FUZZ_RUNS ?? 1_000_000),
    seed: Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000),
    from: Number(process.env.FUZZ_BATCH ?? 0),
  };
  print(`${job.runs} cases in batches of ${BATCH}; FUZZ_SEED=${job.seed} FUZZ_BATCH=${job.from}\n`);
  const worker = new Worker(new URL(import.meta.url), { workerData: job });
  const began = performance.now();
  let done = 0;
  let last: BatchResult | undefined;
  let firstHeap: number | undefined;
  let slowest = { ms: 0, what: '-' };
  const end = (code: number, words: string): void => {
    const seconds = (performance.now() - began) / 1_000;
    print(
      `${words}\n${done} cases in ${seconds.toFixed(0)} s, ${Math.round(done / seconds)} a second; the slowest took ${slowest.ms.toFixed(0)} ms (${slowest.what}); heap ${firstHeap?.toFixed(0)} -> ${last?.heapMiB.toFixed(0)} MiB\n`,
    );
    process.exit(code);
  };
  const repeat = (): string => `FUZZ_SEED=${job.seed} FUZZ_BATCH=${(last?.batch ?? job.from - 1) + 1}`;
  let watchdog = setTimeout(() => {}, 0);
  const watch = (): void => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => end(1, `HANGS: ${repeat()}`), HANGS_AFTER_MS);
  };
  watch();
  process.once('SIGINT', () => end(130, `stopped; continue with ${repeat()}`));
  process.once('SIGTERM', () => end(143, `stopped; continue with ${repeat()}`));
  worker.on('message', (result: BatchResult) => {
    watch();
    if (result.finding !== undefined) end(1, `FOUND, repeat with ${repeat()}:\n${result.finding}`);
    done += result.cases;
    last = result;
    if (result.slowestMs > slowest.ms) slowest = { ms: result.slowestMs, what: result.slowest };
    if (result.batch >= job.from + 3) firstHeap ??= result.heapMiB;
    if (result.slowestMs > SLOWEST_MS)
      end(1, `TOO SLOW: ${result.slowest} took ${result.slowestMs.toFixed(0)} ms in batch ${result.batch}`);
    if (firstHeap !== undefined && result.heapMiB > firstHeap + GROWTH_MIB)
      end(1, `GROWS: the heap is ${result.heapMiB.toFixed(0)} MiB; ${repeat()}`);
    if (result.batch % 20 === 19) {
      const seconds = (performance.now() - began) / 1_000;
      print(
        `batch ${result.batch}: ${done} cases, ${Math.round(done / seconds)} a second, heap ${result.heapMiB.toFixed(0)} MiB\n`,
      );
    }
  });
  worker.on('error', (error) => end(1, `CRASH: ${repeat()}\n${error.stack}`));
  worker.on('exit', () => end(0, 'nothing found'));
}

function work({ runs, seed, from }: Job): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let batch = from; batch * BATCH < runs; batch++) {
    const size = Math.min(BATCH, runs - batch * BATCH);
    let result: BatchResult = { batch, cases: 0, slowestMs: 0, slowest: '-', heapMiB: 0 };
    for (const target of TARGETS) {
      const numRuns = cases(target, size);
      const { property, slowestMs } = timed(target);
      const outcome = fc.check(property, { numRuns, seed: seed + batch });
      result = { ...result, cases: result.cases + outcome.numRuns };
      if (slowestMs() > result.slowestMs)
        result = { ...result, slowestMs: slowestMs(), slowest: target.name };
      if (outcome.failed)
        result = { ...result, finding: `${target.name}: ${fc.defaultReportMessage(outcome)}` };
    }
    collect();
    parentPort!.postMessage({ ...result, heapMiB: process.memoryUsage().heapUsed / 1_048_576 });
    if (result.finding !== undefined) return;
  }
}

if (isMainThread) lead();
else work(workerData as Job);

// The simulations of the scale benchmark, each in a process of its own: a simulation uses one core, and the longest (a
// settled role of 1,000) takes as long as all others together.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { type Outcome, Scenario } from '../support/partition-scenario.ts';
import { type OutageRow, outage, type TogetherRow, together } from './scale-scenario.ts';

export type Job =
  | { readonly part: 'together' | 'settled' | 'booting'; readonly nodes: number; readonly dir: string }
  | { readonly part: 'partitions'; readonly from: number; readonly to: number };

export interface Rows {
  together: TogetherRow[];
  settled: OutageRow[];
  booting: OutageRow[];
  partitions: Outcome[];
}

async function work(job: Job): Promise<Partial<Rows>> {
  if (job.part === 'together') return { together: [await together(job.nodes, job.dir)] };
  if (job.part !== 'partitions') return { [job.part]: [await outage(job.nodes, job.part, job.dir)] };
  const partitions: Outcome[] = [];
  for (let seed = job.from; seed < job.to; seed++)
    partitions.push(await new Scenario(seed).run(1 + (seed % 10)));
  return { partitions };
}

/** Runs all jobs, one per processor at a time; calls `done` after each. */
export async function doAll(jobs: readonly Job[], done: (job: Job, seconds: number) => void): Promise<Rows> {
  const rows: Rows = { together: [], settled: [], booting: [], partitions: [] };
  const size = (job: Job): number =>
    job.part === 'partitions' ? 0 : job.nodes * (job.part === 'settled' ? 2 : 1);
  const left = [...jobs].sort((a, b) => size(b) - size(a));
  const worker = async (): Promise<void> => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) {
      const began = performance.now();
      const child = fork(import.meta.filename, { execArgv: ['--no-warnings'] });
      child.send(job);
      const answer = once(child, 'message');
      const gone = once(child, 'exit').then(([code]) =>
        Promise.reject(new Error(`a simulation ended with ${code}`)),
      );
      const [result] = (await Promise.race([answer, gone])) as [Partial<Rows>];
      await gone.catch(() => {});
      for (const part of Object.keys(result) as (keyof Rows)[]) rows[part].push(...(result[part] as never[]));
      done(job, (performance.now() - began) / 1_000);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  for (const part of ['together', 'settled', 'booting'] as const)
    rows[part].sort((a, b) => a.nodes - b.nodes);
  return rows;
}

if (process.send !== undefined && import.meta.main) {
  // No systemctl here that answers for these VMs.
  process.env['PATH'] = '';
  process.setMaxListeners(0);
  process.once('message', async (job: Job) => {
    process.send!(await work(job));
    process.disconnect();
  });
}

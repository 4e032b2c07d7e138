// How slow this machine is at the moment. Tests never assert a time; what they wait for may take longer on a busy machine, so
// every limit of a wait is multiplied by a factor: measured once when a run begins, and never less than what the kernel
// reports during the run.
import { spawn } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';

/** A fixed piece of work: some 0.25 s of processor time on a quiet core of 2026. */
const WORK = "require('node:crypto').pbkdf2Sync('work', 'salt', 150000, 64, 'sha512')";
const QUIET_MS = 300;

/** Runs the work once on each of two cores. @returns how many times longer than on a quiet machine, at least 1 */
export async function measureLoad(): Promise<number> {
  const began = performance.now();
  const run = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ['-e', WORK], { stdio: 'ignore' });
      child.once('error', reject);
      child.once('exit', () => resolve());
    });
  await Promise.all([run(), run()]);
  return Math.max(1, Math.round(((performance.now() - began) / QUIET_MS) * 10) / 10);
}

/** The factor that was measured when this run began (LOAD_FACTOR, set by vitest.config.ts); 1 outside of a run. */
export const measuredLoad = (): number => Math.max(1, Number(process.env.LOAD_FACTOR ?? 1) || 1);

/** How long a wait may take now that would take at most `ms` on a quiet machine; whole milliseconds. */
export function patience(ms: number): number {
  const [lastMinute = 0] = loadavg();
  return Math.ceil(ms * Math.max(measuredLoad(), lastMinute / availableParallelism()));
}

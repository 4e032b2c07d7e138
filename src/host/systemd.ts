// systemd and its journal, by the programs `systemctl` and `journalctl`.
import { type RunResult, run } from './process.ts';

export interface UnitState {
  /** active, activating, inactive, failed, deactivating; 'unknown' when systemctl itself failed. */
  readonly active: string;
  readonly sub: string;
  /** success, exit-code, signal, watchdog, ... of the last run. */
  readonly result: string;
  readonly exitStatus: number;
  /** The main process; 0: none. */
  readonly pid: number;
  readonly restarts: number;
}

const PROPERTIES = 'ActiveState,SubState,Result,ExecMainStatus,MainPID,NRestarts';

/** The state of a unit. Never throws: without an answer of systemd it is 'unknown'. */
export async function unitState(unit: string): Promise<UnitState> {
  const { code, stdout } = await run('systemctl', ['show', unit, '-p', PROPERTIES], { timeoutMs: 5_000 });
  const values = new Map(
    stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const number = (name: string): number => Number(values.get(name) ?? 0) || 0;
  return {
    active: code === 0 ? (values.get('ActiveState') ?? 'unknown') : 'unknown',
    sub: values.get('SubState') ?? 'unknown',
    result: values.get('Result') ?? 'unknown',
    exitStatus: number('ExecMainStatus'),
    pid: number('MainPID'),
    restarts: number('NRestarts'),
  };
}

/** The main process of each unit; 0 for one without. Empty when systemd does not answer. */
export async function mainPids(units: readonly string[]): Promise<number[]> {
  const args = ['show', ...units, '-p', 'MainPID', '--value'];
  const { code, stdout } = await run('systemctl', args, { timeoutMs: 5_000 });
  return code === 0 ? [...stdout.matchAll(/^\d+$/gm)].map(Number) : [];
}

/** Queues a job and returns. Undefined when it was queued, else systemctl's error. */
export async function queueJob(
  verb: 'start' | 'restart' | 'try-restart' | 'stop',
  unit: string,
): Promise<string | undefined> {
  return errorOf(await run('systemctl', [verb, '--no-block', unit], { timeoutMs: 30_000 }));
}

/** Starts a oneshot unit and returns when it has ended. Undefined after success, else systemctl's error. */
export const startAndWait = async (unit: string): Promise<string | undefined> =>
  errorOf(await run('systemctl', ['start', unit]));

const errorOf = ({ code, stderr, stdout }: RunResult): string | undefined =>
  code === 0 ? undefined : stderr.trim() || stdout.trim() || `systemctl ended with status ${code}`;

/** The last lines of a unit, oldest first; empty when the journal does not answer. */
export async function lastLines(unit: string, count: number): Promise<string[]> {
  const args = ['-u', unit, '-n', String(count), '-o', 'cat', '--no-pager'];
  const { code, stdout } = await run('journalctl', args, { timeoutMs: 5_000 });
  return code === 0 ? stdout.split('\n').filter((line) => line.trim() !== '') : [];
}

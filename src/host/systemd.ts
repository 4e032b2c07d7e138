// systemd and its journal, by the programs `systemctl`, `journalctl` and `timedatectl`.
import { plain, textLines } from '../core/text.ts';
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
  return readUnitState(code === 0 ? stdout : '');
}

/** The output of `systemctl show`. @internal */
export function readUnitState(output: string): UnitState {
  const values = new Map(
    output.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const number = (name: string): number => {
    const value = Number(values.get(name) ?? 0);
    return Number.isSafeInteger(value) && value >= 0 ? value : 0;
  };
  const word = (name: string): string => plain(values.get(name) ?? '', 40) || 'unknown';
  return {
    active: word('ActiveState'),
    sub: word('SubState'),
    result: word('Result'),
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

/** Whether the kernel's clock is synchronised; undefined when systemd does not answer. */
export async function clockSynchronised(): Promise<boolean | undefined> {
  const args = ['show', '-p', 'NTPSynchronized', '--value'];
  const { stdout } = await run('timedatectl', args, { timeoutMs: 4_000 });
  const answer = stdout.trim();
  return answer === 'yes' ? true : answer === 'no' ? false : undefined;
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

/** Stops a unit and returns when its processes have ended. Undefined after success, else systemctl's error. */
export const stopAndWait = async (unit: string): Promise<string | undefined> =>
  errorOf(await run('systemctl', ['stop', unit], { timeoutMs: 30_000 }));

const errorOf = ({ code, stderr, stdout }: RunResult): string | undefined =>
  code === 0 ? undefined : plain(stderr) || plain(stdout) || `systemctl ended with status ${code}`;

/** The last lines of a unit as plain text, oldest first; empty when the journal does not answer. */
export async function lastLines(unit: string, count: number): Promise<string[]> {
  const args = ['-u', unit, '-n', String(count), '-o', 'cat', '--no-pager'];
  const { code, stdout } = await run('journalctl', args, { timeoutMs: 5_000 });
  return code === 0 ? textLines(stdout) : [];
}

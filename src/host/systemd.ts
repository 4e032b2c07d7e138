// The door to systemd and its journal: the programs `systemctl` and `journalctl`, found on PATH.
import { run } from './process.ts';

export interface UnitState {
  /** active, activating, inactive, failed, deactivating; 'unknown' when systemctl itself failed. */
  readonly active: string;
  readonly sub: string;
  /** success, exit-code, signal, watchdog, ... of the last run. */
  readonly result: string;
  readonly exitStatus: number;
  readonly pid: number;
  readonly restarts: number;
}

const PROPERTIES = 'ActiveState,SubState,Result,ExecMainStatus,ExecMainPID,NRestarts';

/** What systemd says of a unit. Never throws: a silent systemd is the state 'unknown'. */
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
    pid: number('ExecMainPID'),
    restarts: number('NRestarts'),
  };
}

/** Queues a job and returns; the unit's own state tells how it went. Undefined when queued, else systemctl's words. */
export async function queueJob(
  verb: 'start' | 'restart' | 'try-restart' | 'stop',
  unit: string,
): Promise<string | undefined> {
  const { code, stderr, stdout } = await run('systemctl', [verb, '--no-block', unit], { timeoutMs: 30_000 });
  return code === 0 ? undefined : stderr.trim() || stdout.trim() || `systemctl ended with status ${code}`;
}

/** Starts a oneshot unit and returns when it has ended; undefined when that went well, else systemctl's words. */
export async function startAndWait(unit: string): Promise<string | undefined> {
  const { code, stderr } = await run('systemctl', ['start', unit]);
  return code === 0 ? undefined : stderr.trim() || `systemctl ended with status ${code}`;
}

/** The last lines a unit wrote, oldest first; empty when the journal does not answer. */
export async function lastLines(unit: string, count: number): Promise<string[]> {
  const { code, stdout } = await run(
    'journalctl',
    ['-u', unit, '-n', String(count), '-o', 'cat', '--no-pager'],
    {
      timeoutMs: 5_000,
    },
  );
  return code === 0 ? stdout.split('\n').filter((line) => line.trim() !== '') : [];
}

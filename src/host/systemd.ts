// systemd and its journal, by the programs `systemctl`, `journalctl` and `timedatectl`.
import { constants } from 'node:os';
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
  /** How the main process ended, as a clause: 'exit status 1', 'watchdog, signal SIGABRT'. */
  readonly ending: string;
  /** It has ended, and systemd starts it again after a pause, or has a job to start it. */
  readonly startsAgain: boolean;
  /** When the main process was started, and when it ended; undefined: not since systemd knows the unit. */
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
  /** When the watchdog of systemd last heard of it, and how long it may be silent; undefined without a watchdog. */
  readonly watchdog: { readonly at: Date; readonly silentMs: number; readonly limitMs: number } | undefined;
}

const PROPERTIES = [
  'ActiveState,SubState,Result,ExecMainCode,ExecMainStatus,MainPID,NRestarts,Job',
  'ExecMainStartTimestampMonotonic,ExecMainExitTimestampMonotonic,WatchdogTimestampMonotonic,WatchdogUSec',
].join();

/** The state of a unit. Never throws: without an answer of systemd it is 'unknown'. */
export async function unitState(unit: string): Promise<UnitState> {
  const { code, stdout } = await run('systemctl', ['show', unit, '-p', PROPERTIES], { timeoutMs: 5_000 });
  return readUnitState(code === 0 ? stdout : '');
}

/** Now, by the clock that systemd's monotonic times are of, and by that of the day. */
const moment = () => ({ at: Date.now(), monotonicUs: Number(process.hrtime.bigint() / 1_000n) });

/** The output of `systemctl show`. @internal */
export function readUnitState(output: string, { at, monotonicUs } = moment()): UnitState {
  const values = new Map(
    output.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const number = (name: string): number => {
    const value = Number(values.get(name) ?? 0);
    return Number.isSafeInteger(value) && value >= 0 ? value : 0;
  };
  const word = (name: string): string => plain(values.get(name) ?? '', 40) || 'unknown';
  // docs/facts.md, "unit-times": of the monotonic clock, because the time of day may have been set since.
  const time = (name: string): Date | undefined => {
    const us = number(name);
    return us === 0 ? undefined : new Date(at - Math.round((monotonicUs - us) / 1_000));
  };
  const [active, sub, result] = [word('ActiveState'), word('SubState'), word('Result')];
  const exitStatus = number('ExecMainStatus');
  const heard = time('WatchdogTimestampMonotonic');
  const limitMs = readTimespan(values.get('WatchdogUSec') ?? '');
  return {
    active,
    sub,
    result,
    exitStatus,
    pid: number('MainPID'),
    restarts: number('NRestarts'),
    ending: describeEnding(result, number('ExecMainCode'), exitStatus),
    // systemd 254 and later: auto-restart-queued.
    startsAgain: sub.startsWith('auto-restart') || number('Job') > 0,
    startedAt: time('ExecMainStartTimestampMonotonic'),
    endedAt: time('ExecMainExitTimestampMonotonic'),
    watchdog: heard && limitMs > 0 ? { at: heard, silentMs: at - heard.getTime(), limitMs } : undefined,
  };
}

/** CLD_EXITED of waitid(2): the status is not the number of a signal. */
const EXITED = 1;

function describeEnding(result: string, code: number, status: number): string {
  const name = Object.entries(constants.signals).find(([, signal]) => signal === status)?.[0];
  const how = code <= EXITED ? `exit status ${status}` : `signal ${name ?? status}`;
  return ['success', 'exit-code', 'signal'].includes(result) ? how : `${result}, ${how}`;
}

const UNITS_MS: Readonly<Record<string, number>> = { min: 60_000, s: 1_000, ms: 1 };

/** A time span as systemctl prints it ('2min', '1min 30s'), in ms; 0 for 'infinity' and what is none. */
const readTimespan = (text: string): number =>
  [...text.matchAll(/(\d+)(min|ms|s)\b/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * UNITS_MS[unit!]!,
    0,
  );

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

/** Asks the program of a unit to reload. Undefined when it was asked, else systemctl's error: also when the unit does not run. */
export const reload = async (unit: string): Promise<string | undefined> =>
  errorOf(await run('systemctl', ['reload', unit], { timeoutMs: 30_000 }));

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

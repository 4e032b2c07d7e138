// Notifications to systemd. The npm package sends READY and STATUS only; WATCHDOG and STOPPING need the program.
// Both put a text into the datagram as it is, where each line is an assignment (sd_notify(3)): `x\nMAINPID=1` as a status
// would give systemd another main process. So a status is one line here, whoever wrote it.
import systemdNotify from 'systemd-notify';
import { plain } from '../core/text.ts';
import { run } from './process.ts';

const enabled = (): boolean => process.env['NOTIFY_SOCKET'] !== undefined;

let queue: Promise<unknown> = Promise.resolve();

/** One notification after the other, so that systemd never gets an older status last. Errors are ignored. */
function enqueue(send: () => Promise<unknown>): void {
  if (enabled()) queue = queue.then(send).catch(() => undefined);
}

/** Each notification starts a process: of several statuses within this time only the last is sent. */
const STATUS_DELAY_MS = 250;
let pendingStatus: { text: string; timer: NodeJS.Timeout } | undefined;

/** A status of systemd: one line, of at most 500 characters. @internal */
export const statusLine = (text: string): string => plain(text, 500);

/** Sets the text that `systemctl status` shows. */
export function notifyStatus(status: string): void {
  const text = statusLine(status);
  if (pendingStatus !== undefined) pendingStatus.text = text;
  else if (enabled()) pendingStatus = { text, timer: setTimeout(sendStatus, STATUS_DELAY_MS).unref() };
}

function sendStatus(): void {
  if (pendingStatus === undefined) return;
  const { text, timer } = pendingStatus;
  clearTimeout(timer);
  pendingStatus = undefined;
  enqueue(() => systemdNotify({ status: text, pid: process.pid }));
}

/** Sends the pending status first. */
export function notifyReady(): void {
  sendStatus();
  enqueue(() => systemdNotify({ ready: true, pid: process.pid }));
}

export function notifyStopping(): void {
  sendStatus();
  enqueue(() => raw('STOPPING=1'));
}

export const notifyWatchdog = (): void => enqueue(() => raw('WATCHDOG=1'));

const raw = (message: string): Promise<unknown> =>
  run('systemd-notify', [`--pid=${process.pid}`, message], { timeoutMs: 5_000 });

/** Resolves when all notifications so far have been sent. */
export const notified = (): Promise<unknown> => queue;

/** Milliseconds between watchdog notifications (half of WatchdogSec); undefined without a watchdog. */
export function watchdogInterval(): number | undefined {
  const microseconds = Number(process.env['WATCHDOG_USEC']);
  return enabled() && microseconds > 0 ? microseconds / 2_000 : undefined;
}

/** Calls `reload` at each SIGHUP (`systemctl reload`), until the returned function is called. */
export function onHangup(reload: () => void): () => void {
  process.on('SIGHUP', reload);
  return () => process.off('SIGHUP', reload);
}

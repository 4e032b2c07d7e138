// The door to systemd's notification socket. npm's systemd-notify sends READY and STATUS; it knows no WATCHDOG,
// STOPPING or RELOADING, so those go through the program of the same name directly.
import systemdNotify from 'systemd-notify';
import { run } from './process.ts';

const listening = (): boolean => process.env['NOTIFY_SOCKET'] !== undefined;

let queue: Promise<unknown> = Promise.resolve();

/** One notification after the other, so that systemd never sees an older status last. Failures are not worth a boot. */
function enqueue(send: () => Promise<unknown>): void {
  if (listening()) queue = queue.then(send).catch(() => undefined);
}

/** What is over sooner is not worth a process; nobody can read it either. */
const WORTH_TELLING_MS = 250;
let pendingStatus: { text: string; timer: NodeJS.Timeout } | undefined;

/** The sentence that `systemctl status` shows. Of several in quick succession only the last is sent. */
export function notifyStatus(status: string): void {
  if (pendingStatus !== undefined) pendingStatus.text = status;
  else if (listening())
    pendingStatus = { text: status, timer: setTimeout(sendStatus, WORTH_TELLING_MS).unref() };
}

function sendStatus(): void {
  if (pendingStatus === undefined) return;
  const { text, timer } = pendingStatus;
  clearTimeout(timer);
  pendingStatus = undefined;
  enqueue(() => systemdNotify({ status: text, pid: process.pid }));
}

/** The last status goes first: it is what the unit is shown with from now on. */
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

/** Everything said so far has been sent. */
export const notified = (): Promise<unknown> => queue;

/** How often systemd wants to hear from us, in ms (half of WatchdogSec); undefined when it does not. */
export function watchdogInterval(): number | undefined {
  const microseconds = Number(process.env['WATCHDOG_USEC']);
  return listening() && microseconds > 0 ? microseconds / 2_000 : undefined;
}

/** Calls `heard` at each SIGHUP (`systemctl reload`); returns what ends that. */
export function onHangup(heard: () => void): () => void {
  process.on('SIGHUP', heard);
  return () => process.off('SIGHUP', heard);
}

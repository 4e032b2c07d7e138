import { watchFile } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { readStatus, type Status } from '../report/status.ts';
import { demandImage } from './context-source.ts';

/** The file system tells of most changes; this is for the folder that does not exist yet. */
const LOOK_EVERY_MS = 500;

/**
 * Waits until the status file says what is wanted. Without a status file it waits for one: the agent may not have
 * been started yet. `deadlineMs` ends the wait with whatever the status is then.
 */
export async function untilStatus(
  machine: Machine,
  wanted: (status: Status) => boolean,
  deadlineMs = Number.POSITIVE_INFINITY,
): Promise<Status | undefined> {
  const end = machine.clock.monotonicMs() + deadlineMs;
  for (;;) {
    const status = readStatus(machine.paths.status);
    if ((status !== undefined && wanted(status)) || machine.clock.monotonicMs() >= end) return status;
    const woken = new AbortController();
    const stopWatching = watchFile(machine.paths.status, () => woken.abort());
    await machine.clock
      .sleep(Math.min(LOOK_EVERY_MS, end - machine.clock.monotonicMs()), woken.signal)
      .catch(() => undefined);
    stopWatching();
  }
}

/** Away from a VM nobody writes a status. An image that lacks its own facts does, and says so there. Throws UsageError. */
export function demandVm(machine: Machine): void {
  if (readStatus(machine.paths.status) === undefined) demandImage(machine);
}

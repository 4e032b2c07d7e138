import { watchFile } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { readStatus } from '../report/status.ts';
import { demandImage } from './context-source.ts';

/** A change is noticed at once, except in a folder that does not exist yet. */
const READ_EVERY_MS = 500;

/**
 * Waits until a file that the agent replaces holds what is wanted. Without the file it waits for it: the agent may not have
 * been started yet. `deadlineMs` ends the wait with whatever the file holds then.
 */
export async function untilFile<T>(
  { clock }: Machine,
  { path, read }: { readonly path: string; readonly read: () => T | undefined },
  wanted: (content: T) => boolean | Promise<boolean>,
  deadlineMs = Number.POSITIVE_INFINITY,
): Promise<T | undefined> {
  const end = clock.monotonicMs() + deadlineMs;
  for (;;) {
    const content = read();
    if ((content !== undefined && (await wanted(content))) || clock.monotonicMs() >= end) return content;
    const woken = new AbortController();
    const stopWatching = watchFile(path, () => woken.abort());
    await clock
      .sleep(Math.min(READ_EVERY_MS, end - clock.monotonicMs()), woken.signal)
      .catch(() => undefined);
    stopWatching();
  }
}

/** Outside a VM no agent writes a status. A damaged image has a status that says so. Throws UsageError. */
export function demandVm(machine: Machine): void {
  if (readStatus(machine.paths.status) === undefined) demandImage(machine);
}

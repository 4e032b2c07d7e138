import { Problem } from '../core/problem.ts';
import { watchFile } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { type Life, lifeLines, lifeOf, writerOf } from '../report/life.ts';
import { type Status, statusOrProblem } from '../report/status.ts';
import { demandImage } from './context-source.ts';
import { printErrorText } from './terminal.ts';

/** A change is noticed at once, except in a folder that does not exist yet. */
const READ_EVERY_MS = 500;

/**
 * Waits until a file that the agent replaces holds what is wanted. Without the file `wanted` gets undefined: the agent may
 * not have been started yet. `deadlineMs` ends the wait with whatever the file holds then.
 */
export async function untilFile<T>(
  { clock }: Machine,
  { path, read }: { readonly path: string; readonly read: () => T | undefined },
  wanted: (content: T | undefined) => boolean | Promise<boolean>,
  deadlineMs = Number.POSITIVE_INFINITY,
): Promise<T | undefined> {
  const end = clock.monotonicMs() + deadlineMs;
  for (;;) {
    const content = read();
    if ((await wanted(content)) || clock.monotonicMs() >= end) return content;
    const woken = new AbortController();
    const stopWatching = watchFile(path, () => woken.abort());
    await clock
      .sleep(Math.max(0, Math.min(READ_EVERY_MS, end - clock.monotonicMs())), woken.signal)
      .catch(() => undefined);
    stopWatching();
  }
}

/** An agent that is started again writes its status within this time; a slow VM takes it for a start. */
const AWAY_MS = 3_000;

/**
 * For commands that wait: gives the life of an agent that has been away for some time, and says it on standard error, once
 * for each reason. Undefined while the writer of the status works: systemd is not asked then.
 */
export function watchLife(
  machine: Machine,
): (status: Status | Problem | undefined) => Promise<Life | undefined> {
  let awayMs: number | undefined;
  let said: string | undefined;
  return async (status) => {
    const works = status instanceof Problem || (status && writerOf(status)?.stopped === false);
    const nowMs = machine.clock.monotonicMs();
    awayMs = works ? undefined : (awayMs ?? nowMs);
    if (awayMs === undefined || nowMs - awayMs < AWAY_MS) return undefined;
    awayMs = nowMs;
    const life = await lifeOf(machine, status);
    if (life.agent.running || life.agent.detail === said) return life;
    said = life.agent.detail;
    printErrorText(['waiting:', ...lifeLines(life, machine.clock.now())].join(' ').replaceAll(/ +/g, ' '));
    return life;
  };
}

/** Outside a VM no agent writes a status. A damaged image has a status that says so. Throws UsageError. */
export function demandVm(machine: Machine): void {
  if (statusOrProblem(machine.paths.status) === undefined) demandImage(machine);
}

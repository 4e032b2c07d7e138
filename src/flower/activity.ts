// Whether a restart of Flower would interrupt a run now.
import { Problem } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import { unlessUnfit } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { readEndpoints } from './endpoints.ts';
import { activeRun } from './flwr.ts';
import type { FlowerState } from './state-file.ts';

/** A SuperNode gets the messages of a round a moment after another, and those of the next round within this time. */
const IDLE_AFTER_MS = 60_000;

/** `busy`: what is going on, as a clause. `unknown`: why nobody can say. */
export type Activity = { readonly idle: true } | { readonly busy: string } | { readonly unknown: string };

/** Of a SuperNode: what its launcher has seen. @internal */
export function nodeActivity({ messages }: Pick<FlowerState, 'messages'>, now: Date): Activity {
  if (messages === undefined || messages === null)
    return { unknown: 'the launcher of an earlier package runs, which does not report messages' };
  const { open, last_at } = messages;
  if (open > 0)
    return { busy: open === 1 ? 'a message is being worked on' : `${open} messages are being worked on` };
  if (last_at === null) return { idle: true };
  // Of a clock that was set back since only the distance counts.
  const ago = Math.abs(now.getTime() - Date.parse(last_at));
  return ago >= IDLE_AFTER_MS
    ? { idle: true }
    : { busy: `it worked on a message ${Math.floor(ago / 1_000)} s ago` };
}

/** `state`: of the Flower that runs. Of a SuperLink, Flower is asked, which takes seconds. */
export async function activityOf(
  role: Role,
  state: Pick<FlowerState, 'messages'>,
  machine: Machine,
  signal: AbortSignal,
): Promise<Activity> {
  if (role === 'supernode') return nodeActivity(state, machine.clock.now());
  const endpoints = unlessUnfit(() => readEndpoints(machine.paths));
  if (endpoints?.role !== 'superlink') return { unknown: `there is no ${machine.paths.endpoints}` };
  const found = await activeRun(machine, endpoints, signal).catch((error: unknown) => {
    if (error instanceof Problem) return { unknown: error.message };
    throw error;
  });
  if ('unknown' in found) return found;
  return found.active === undefined ? { idle: true } : { busy: found.active };
}

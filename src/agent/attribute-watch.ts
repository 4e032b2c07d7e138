// Compares what OneGate shows of this VM with what it has published: every VM of the service may write that. A boot publishes
// it again, so an attacker or a second writer causes at most one boot in the time between two looks.
import type { Attributes } from '../boot/attributes.ts';
import { changesOf } from '../cluster/own-attributes.ts';
import { withJitter } from '../core/jitter.ts';
import { Problem } from '../core/problem.ts';
import type { Machine } from '../host/machine.ts';
import { ONCE, type OneGate } from '../onegate/client.ts';
import type { PublishedName, Vm } from '../onegate/replies.ts';

/** Between two looks, with jitter. One look is one lookup of this VM for the front-end. */
const LOOK_EVERY_MS = 240_000;
/** After a boot that failed: the next try may come before a usual look, again and again. */
const LOOK_SOON_MS = 10_000;

/** What the partition manager of a SuperNode compares and corrects itself, FL_ERROR of a node with changed claims included. */
const OF_PARTITION: ReadonlySet<string> = new Set<PublishedName>([
  'FL_PARTITION_ID',
  'FL_NUM_PARTITIONS',
  'FL_PARTITION_ORDER',
  'FL_ERROR',
]);

/** Without what the partition manager publishes. `inService`: this is a SuperNode with a partition. */
export const withoutPartition = (published: Attributes, inService: boolean): Attributes =>
  Object.fromEntries(Object.entries(published).filter(([name]) => !(inService && OF_PARTITION.has(name))));

/** What somebody else has changed of these attributes, as a clause; undefined: nothing. */
export function alterations(vm: Vm, own: Attributes): string | undefined {
  const changes = changesOf(vm, own);
  if (changes.length === 0) return undefined;
  return `somebody else has changed ${changes.join(', ')} of this VM; OneGate does not say who`;
}

/** Until `signal` is aborted. A OneGate that does not answer is asked again at the next look. `soon`: the first look is. */
export async function watchAttributes(
  { clock, random }: Machine,
  oneGate: OneGate,
  signal: AbortSignal,
  compare: (vm: Vm) => void,
  soon = false,
): Promise<void> {
  let pause = soon ? LOOK_SOON_MS : LOOK_EVERY_MS;
  while (!signal.aborted) {
    try {
      await clock.sleep(withJitter(pause, random), signal);
      pause = LOOK_EVERY_MS;
      compare(await oneGate.vm({ policy: ONCE, signal }));
    } catch (error) {
      if (!signal.aborted && !(error instanceof Problem)) throw error;
    }
  }
}

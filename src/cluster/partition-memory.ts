// What a SuperNode stores about its partition, and what follows from it.
import { FORGET_CHANGES } from '../core/catalogue.ts';
import { Problem } from '../core/problem.ts';
import type { Partition } from './partition.ts';

export interface PartitionMemory extends Partition {
  /** The VM that stored it: a disk image saved from another VM holds the memory of that VM. */
  readonly vmId?: number | undefined;
  /** The members of the role when the partition was taken (`Members.key`). While they are the same, no claim is read. */
  readonly members?: string | undefined;
  /** The partition is the rank of the VM id in a first deployment, and no reading has questioned it since. */
  readonly byRank?: boolean | undefined;
  /** When the partition last changed, and the members at that time. */
  readonly moved?: { readonly at: string; readonly members: string } | undefined;
  /** How often somebody else has changed attributes of this node. */
  readonly altered?: number | undefined;
  /** What somebody else has changed of this node: why it follows the order of the VM ids. It does so until `boot --fresh`. */
  readonly suspicion?: string | undefined;
}

/** With the same members a node changes its partition at most once in this time. */
const MOVE_EVERY_MS = 600_000;

/** Until when the partition may not change, in ms since 1970; undefined: it may. `members`: those of now. */
export function staysUntil(
  { moved }: Pick<PartitionMemory, 'moved'>,
  members: string,
  now: Date,
): number | undefined {
  if (moved === undefined || moved.members !== members) return undefined;
  const at = Date.parse(moved.at);
  // A clock that was set back must not make it longer.
  return now.getTime() >= at && now.getTime() < at + MOVE_EVERY_MS ? at + MOVE_EVERY_MS : undefined;
}

/** The report of a node whose own attributes were changed. */
export const suspicionOf = ({ suspicion }: Pick<PartitionMemory, 'suspicion'>): Problem | undefined =>
  suspicion === undefined
    ? undefined
    : new Problem('peer_suspicious', {
        severity: 'degraded',
        doing: 'checking the attributes of this VM on OneGate',
        found: `${suspicion}. The partition follows the order of the VM ids now`,
        remedy: `find the VM of the service that changes attributes of others (onegate.log on the front-end). ${FORGET_CHANGES}`,
      });

/** The sentence of a node that begins to follow the order because VM `other` does, or ends it. */
export const followsNow = (other: number | undefined): string =>
  other === undefined
    ? 'no other VM publishes FL_PARTITION_ORDER=YES any more: the partition goes by claims again'
    : `VM ${other} publishes FL_PARTITION_ORDER=YES: the partition follows the order of the VM ids meanwhile`;

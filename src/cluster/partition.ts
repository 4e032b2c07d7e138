// The partition of a SuperNode: the pure half. One rule gives every node of a role a partition, from one reading of OneGate:
//
//   1. A claim counts when it is a number in 0..N-1, where N is the number of live nodes.
//   2. Of several nodes with the same claim the oldest (lowest VM id) keeps it.
//   3. Nodes without a claim that counts take the free partitions, lowest first, oldest node first.
//
// The rule has these properties, for every order in which nodes read, publish, appear and vanish:
// - Two nodes with the same reading never choose the same partition. In a first deployment no node has a claim, the
//   partition is the rank of the VM id, and the nodes need not agree on anything.
// - A node whose claim counts and is not claimed by an older node keeps its partition. A scale-up changes none. A
//   scale-down (OneFlow ends the oldest first, so the indexes in its list shift) changes only those that are now >= N.
// - Once no two claims are equal, N nodes have exactly the partitions 0..N-1.
// - Claims settle once the role no longer changes: no node contests the oldest, so it keeps its first choice; then no
//   node that still changes contests the second oldest; and so on. The worst case is one review per node and rank.
// - A value that is no number or >= N is no claim. A peer that claims a foreign partition can only make others take
//   another one (younger ones soon, older ones after minutes).
//
// All this holds as long as each claim is its node's own. Every VM of the service may rewrite a claim. A node whose own
// attributes were changed twice follows the order of the VM ids instead, and publishes that; the others do the same as long
// as they read it of one. The partition is then the rank of the id in OneFlow's list, which no VM can write. Two nodes that
// follow the order never share a partition. It is also what they claim, so nobody moves when they go by claims again.
import { attribute, type Role, type Service, VM_STATE, type Vm } from '../onegate/replies.ts';

/** Flower's node config keys partition-id and num-partitions. */
export interface Partition {
  readonly id: number;
  readonly of: number;
}

export const isSame = (one: Partition | undefined, other: Partition | undefined): boolean =>
  one?.id === other?.id && one?.of === other?.of;

/** @internal */
export interface Claimant {
  readonly vmId: number;
  /** Its FL_PARTITION_ID, when that is a number. */
  readonly claim?: number | undefined;
  /** It publishes that it follows the order of the VM ids. */
  readonly byOrder?: boolean;
}

export interface Choice extends Partition {
  /** One clause for the journal. */
  readonly why: string;
  /** Whether it follows the order of the VM ids. Left out where OneGate shows nothing about it. */
  readonly byOrder?: boolean;
}

interface Reading {
  readonly myVmId: number;
  /** The live nodes of the role, with or without this one. */
  readonly nodes: readonly Claimant[];
}

interface Review extends Reading {
  readonly mine: Partition;
}

/**
 * The VM id of another node that publishes that it follows the order. This one does the same then, but publishes nothing of
 * it: nodes that only repeat each other's word would never end it.
 */
export const followedElsewhere = ({ myVmId, nodes }: Reading): number | undefined =>
  nodes.find(({ vmId, byOrder }) => byOrder === true && vmId !== myVmId)?.vmId;

/**
 * The partition of this node at its boot: by the order if another node follows it; else the one it published before its reboot, else the remembered one (a VM restored
 * from a snapshot remembers an older one than it published), each only when it is in range and free; else by the rule.
 */
export function choosePartition({
  myVmId,
  nodes,
  remembered,
}: Reading & { readonly remembered?: number | undefined }): Choice {
  const others = nodes.filter((node) => node.vmId !== myVmId);
  const of = others.length + 1;
  if (followedElsewhere({ myVmId, nodes }) !== undefined) return orderedPartition({ myVmId, nodes });
  const published = nodes.find((node) => node.vmId === myVmId)?.claim;
  if (counts(published, of) && !others.some((node) => node.claim === published && node.vmId < myVmId)) {
    return { id: published, of, why: 'as published before' };
  }
  if (counts(remembered, of) && !others.some((node) => node.claim === remembered)) {
    return { id: remembered, of, why: 'as before' };
  }
  const id = partitionOf(myVmId, [...others, { vmId: myVmId }]);
  const rank = others.filter((node) => node.vmId < myVmId).length;
  return { id, of, why: id === rank ? 'by the order of the VM ids' : 'lowest free partition' };
}

/** Undefined when this node keeps its partition; otherwise its new one. `of` is the number of live nodes. */
export function reviewPartition({ myVmId, nodes, mine }: Review): Choice | undefined {
  const others = nodes.filter((node) => node.vmId !== myVmId);
  const of = others.length + 1;
  if (followedElsewhere({ myVmId, nodes }) !== undefined) {
    const ordered = orderedPartition({ myVmId, nodes });
    return isSame(ordered, mine) ? undefined : ordered;
  }
  const older = others.find((node) => node.claim === mine.id && node.vmId < myVmId);
  if (counts(mine.id, of) && older === undefined) {
    const why = `the role has ${of} nodes now, not ${mine.of}`;
    return mine.of === of ? undefined : { id: mine.id, of, why };
  }
  const why =
    older === undefined
      ? `the role has only ${of} nodes now`
      : `VM ${older.vmId}, which is older, has partition ${mine.id}`;
  return { id: partitionOf(myVmId, [...others, { vmId: myVmId }]), of, why };
}

/**
 * The new partition of this node when a younger one keeps claiming the same; undefined when none does. The younger one
 * should change, but one that has its partition by rank may have no reason to read the claims (partition-manager.ts).
 */
export function makeWay({ myVmId, nodes, mine }: Review): Choice | undefined {
  const others = nodes.filter((node) => node.vmId !== myVmId);
  const younger = others.find((node) => node.claim === mine.id && node.vmId > myVmId);
  if (younger === undefined || followedElsewhere({ myVmId, nodes }) !== undefined) return undefined;
  const id = partitionOf(myVmId, [...others, { vmId: myVmId }]);
  return { id, of: others.length + 1, why: `VM ${younger.vmId} keeps claiming partition ${mine.id}` };
}

/** The partition by the order of the VM ids, whatever the nodes claim. */
export function orderedPartition({ myVmId, nodes }: Reading): Choice {
  const others = nodes.filter((node) => node.vmId !== myVmId);
  const id = others.filter((node) => node.vmId < myVmId).length;
  return { id, of: others.length + 1, why: 'by the order of the VM ids, because claims were rewritten' };
}

const counts = (claim: number | undefined, of: number): claim is number =>
  claim !== undefined && claim >= 0 && claim < of;

function partitionOf(vmId: number, nodes: readonly Claimant[]): number {
  const byAge = [...nodes].sort((a, b) => a.vmId - b.vmId);
  const taken = new Set<number>();
  const unclaimed: number[] = [];
  for (const node of byAge) {
    if (counts(node.claim, nodes.length) && !taken.has(node.claim)) taken.add(node.claim);
    else unclaimed.push(node.vmId);
  }
  const free = byAge.map((_, id) => id).filter((id) => !taken.has(id));
  // As many partitions are free as nodes have none.
  return free[unclaimed.indexOf(vmId)]!;
}

/** The live nodes of this VM's role in one reading. */
export interface Members {
  readonly nodes: readonly Claimant[];
  /** The ids of `nodes`, oldest first; the same members have the same key. */
  readonly key: string;
  /** False: OneFlow does not list this VM, or is about to end it. */
  readonly listed: boolean;
}

/** LCM states of a VM that is being terminated (include/VirtualMachine.h): EPILOG and SHUTDOWN. */
const LEAVING = new Set([11, 12]);

/**
 * The nodes of the role that are neither terminated nor being terminated; only an extended reading shows that. While a
 * role shrinks OneFlow lowers the cardinality at once and still lists the nodes that it ends, which are the first of its
 * list; those do not count either. A VM that is powered off counts, because it returns with its partition.
 */
export function membersOf(service: Service, myVmId: number): Members {
  const role: Role | undefined = service.roles.find(({ nodes }) => nodes.some((node) => node.id === myVmId));
  const live = (role?.nodes ?? []).filter(
    (vm) => vm.state !== VM_STATE.done && !LEAVING.has(vm.lcmState ?? 0),
  );
  const staying = live.slice(Math.max(0, live.length - Math.max(1, role?.cardinality ?? 0)));
  const nodes = staying
    .map(
      (vm): Claimant => ({
        vmId: vm.id,
        claim: claimOf(vm),
        ...(attribute(vm, 'FL_PARTITION_ORDER') === 'YES' && { byOrder: true }),
      }),
    )
    .sort((a, b) => a.vmId - b.vmId);
  return {
    nodes,
    key: nodes.map((node) => node.vmId).join(' '),
    listed: nodes.some((node) => node.vmId === myVmId),
  };
}

/** The partition that a VM publishes as its own. */
export function claimOf(vm: Vm): number | undefined {
  const text = attribute(vm, 'FL_PARTITION_ID');
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

/** Whether no node has left and all new ones are younger. `before` and `now` are `Members.key`. */
export const onlyGrew = (before: string, now: string): boolean =>
  now === before || now.startsWith(`${before} `);

/**
 * What a look at OneGate finds. keep: the partition is right. conflict: another one is wanted. unpublished: OneGate shows
 * another claim of this node. contested: the partition is right, but a younger node claims it too. changed: the claims have
 * to be read. altered: OneGate shows something else of a node that has its partition by rank.
 */
export type Finding = 'keep' | 'conflict' | 'unpublished' | 'contested' | 'changed' | 'altered';

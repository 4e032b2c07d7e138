// Which part of the data is this SuperNode's: the pure half. One rule gives every node of a role a place, from what
// one reading of OneGate shows:
//
//   1. A claim counts when it is a number in 0..N-1, N being the number of live nodes.
//   2. Of several nodes with the same claim the oldest (lowest VM id) keeps it.
//   3. Nodes without a claim that counts take the free places, smallest first, oldest first.
//
// What holds, whatever the order in which nodes read, publish, appear and vanish:
// - Two nodes that read the same never choose the same place; in a first deployment nobody has claimed anything, the
//   place is the rank of the VM id, and nothing needs to be agreed on.
// - A node whose claim counts and that no older node contests never moves: a scale-up moves nobody, a scale-down
//   (OneFlow ends the oldest first, so positions in its list shift) moves only those whose place is now beyond the end.
// - N places for N nodes: once no two claims are equal they are exactly 0..N-1.
// - It settles once the role stands still: the oldest node is never contested, so it stays after its first choice; then
//   the second oldest is contested by nobody that still moves; and so on. A review per node and rank is the worst case.
// - A peer's nonsense (no number, beyond the end) is no claim. A peer that claims what is not its own can only push
//   others to another place (younger ones soon, older ones when it goes on for minutes), never two onto one.
import { attribute, type Role, type Service, VM_STATE, type Vm } from '../onegate/replies.ts';

/** Flower's node config keys partition-id and num-partitions. */
export interface Partition {
  readonly id: number;
  readonly of: number;
}

export interface Claimant {
  readonly vmId: number;
  /** What it publishes as FL_PARTITION_ID, when that is a number. */
  readonly claim?: number | undefined;
}

export interface Choice extends Partition {
  /** One clause for the journal. */
  readonly why: string;
}

interface Question {
  readonly myVmId: number;
  /** The live nodes of the role, this one among them or not. */
  readonly nodes: readonly Claimant[];
}

/**
 * The place of this node at its boot. What it published before its reboot counts first, then what it remembers (a VM
 * restored from a snapshot remembers an older place than it published), each only when it is in range and free.
 */
export function choosePartition({
  myVmId,
  nodes,
  remembered,
}: Question & { readonly remembered?: number | undefined }): Choice {
  const others = nodes.filter((node) => node.vmId !== myVmId);
  const of = others.length + 1;
  const published = nodes.find((node) => node.vmId === myVmId)?.claim;
  if (counts(published, of) && !others.some((node) => node.claim === published && node.vmId < myVmId)) {
    return { id: published, of, why: 'as it was published before' };
  }
  if (counts(remembered, of) && !others.some((node) => node.claim === remembered)) {
    return { id: remembered, of, why: 'as it was before' };
  }
  const id = partitionOf(myVmId, [...others, { vmId: myVmId }]);
  const rank = others.filter((node) => node.vmId < myVmId).length;
  return { id, of, why: id === rank ? 'by the order of the VM ids' : 'the free place' };
}

/** Whether this node may stay where it is; otherwise where it belongs. `of` follows the number of live nodes. */
export function reviewPartition({
  myVmId,
  nodes,
  mine,
}: Question & { readonly mine: Partition }): Choice | undefined {
  const others = nodes.filter((node) => node.vmId !== myVmId);
  const of = others.length + 1;
  const older = others.find((node) => node.claim === mine.id && node.vmId < myVmId);
  if (counts(mine.id, of) && older === undefined) {
    return mine.of === of
      ? undefined
      : { id: mine.id, of, why: `the role has ${of} nodes now, not ${mine.of}` };
  }
  const why =
    older === undefined
      ? `the role has only ${of} nodes now`
      : `VM ${older.vmId}, which is older, has place ${mine.id}`;
  return { id: partitionOf(myVmId, [...others, { vmId: myVmId }]), of, why };
}

/**
 * Where this node goes when a younger one goes on claiming the same place; undefined while none does. The younger should
 * move, but one that has its place by rank may have no reason to read the claims (partition-keeper.ts).
 */
export function makeWay({
  myVmId,
  nodes,
  mine,
}: Question & { readonly mine: Partition }): Choice | undefined {
  const others = nodes.filter((node) => node.vmId !== myVmId);
  const younger = others.find((node) => node.claim === mine.id && node.vmId > myVmId);
  if (younger === undefined) return undefined;
  const id = partitionOf(myVmId, [...others, { vmId: myVmId }]);
  return { id, of: others.length + 1, why: `VM ${younger.vmId} holds on to place ${mine.id}` };
}

const counts = (claim: number | undefined, of: number): claim is number =>
  claim !== undefined && claim >= 0 && claim < of;

function partitionOf(vmId: number, nodes: readonly Claimant[]): number {
  const byAge = [...nodes].sort((a, b) => a.vmId - b.vmId);
  const taken = new Set<number>();
  const without: number[] = [];
  for (const node of byAge) {
    if (counts(node.claim, nodes.length) && !taken.has(node.claim)) taken.add(node.claim);
    else without.push(node.vmId);
  }
  const free = byAge.map((_, id) => id).filter((id) => !taken.has(id));
  // As many places are free as nodes are without one.
  return free[without.indexOf(vmId)]!;
}

/** The live nodes of this VM's role, as one reading shows them. */
export interface Members {
  readonly nodes: readonly Claimant[];
  /** The ids of `nodes`, oldest first; equal rosters have equal keys. */
  readonly key: string;
  /** False: OneFlow does not list this VM (yet, or any more), or is about to end it. */
  readonly listed: boolean;
}

/** LCM states of a VM on its way out (include/VirtualMachine.h): EPILOG and SHUTDOWN. */
const LEAVING = new Set([11, 12]);

/**
 * Who counts: the nodes of the role that are neither ended nor ending (where the reading shows it: only an extended one
 * does). While a role shrinks OneFlow lowers the cardinality at once and still lists the nodes it ends, which are the
 * first of its list - those do not count either. A VM that is powered off counts: it comes back with its place.
 */
export function membersOf(service: Service, myVmId: number): Members {
  const role: Role | undefined = service.roles.find(({ nodes }) => nodes.some((node) => node.id === myVmId));
  const live = (role?.nodes ?? []).filter(
    (vm) => vm.state !== VM_STATE.done && !LEAVING.has(vm.lcmState ?? 0),
  );
  const staying = live.slice(Math.max(0, live.length - Math.max(1, role?.cardinality ?? 0)));
  const nodes = staying
    .map((vm): Claimant => ({ vmId: vm.id, claim: claimOf(vm) }))
    .sort((a, b) => a.vmId - b.vmId);
  return {
    nodes,
    key: nodes.map((node) => node.vmId).join(' '),
    listed: nodes.some((node) => node.vmId === myVmId),
  };
}

/** The place that a VM publishes as its own. */
export function claimOf(vm: Vm): number | undefined {
  const text = attribute(vm, 'FL_PARTITION_ID');
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

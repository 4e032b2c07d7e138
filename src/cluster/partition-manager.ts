// The partition of this SuperNode: the half that talks to OneGate. The rule is in partition.ts.
//
// At boot `choose` sends as few requests as possible. The list of VMs is enough while the role is being deployed for the
// first time (no node has a claim) and while the role has the same members as when the partition was stored. Otherwise it
// reads the claims of the other nodes, for which OpenNebula looks up each VM. Then `watch` polls the list of VMs.
//
// After a first deployment the partition of each node is the rank of its VM id. So the list is enough as long as only
// younger nodes are added; only the own claim is checked, because a peer may have overwritten it. After any other change
// the claims are read until everything is right, and from time to time later: a peer may have been restored.
//
// A change of the partition is slow on purpose, because it restarts Flower: two readings some seconds apart must agree,
// then the partition is claimed, checked again, and only then used.
import type { Clock, Random } from '../core/clock.ts';
import { withJitter } from '../core/jitter.ts';
import { Problem } from '../core/problem.ts';
import { ONCE, type OneGate, type RetryPolicy } from '../onegate/client.ts';
import { attribute, SERVICE_STATE, type Service, type Vm } from '../onegate/replies.ts';
import { OwnAttributes } from './own-attributes.ts';
import {
  type Choice,
  choosePartition,
  claimOf,
  type Members,
  makeWay,
  membersOf,
  orderedPartition,
  type Partition,
  reviewPartition,
} from './partition.ts';

/** What a SuperNode stores about its partition. */
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
  /** Why this node follows the order of the VM ids; it does so until `boot --fresh`. */
  readonly suspicion?: string | undefined;
}

export interface PartitionManagerOptions {
  readonly oneGate: OneGate;
  readonly clock: Clock;
  readonly random: Random;
  readonly memory?: PartitionMemory | undefined;
  /** Called before a partition is published or used. */
  readonly remember?: (memory: PartitionMemory) => void;
  /** A sentence for the journal. */
  readonly onNote?: (text: string) => void;
  /** From now on this node follows the order of the VM ids. */
  readonly onSuspicious?: (problem: Problem) => void;
}

/** How long to wait: `ms`, and `share` (0..1) of the time over which the nodes of the role spread their requests. */
interface Pause {
  readonly ms: number;
  readonly share: number;
}

interface WatchOptions {
  readonly signal: AbortSignal;
  readonly onMove: (to: Partition) => Promise<void>;
}

/** The claims cost the front-end one lookup per VM of the service, so the tries are few. */
const CLAIMS_POLICY: RetryPolicy = { tries: 3, tryTimeoutMs: 5_000, firstWaitMs: 500, maxWaitMs: 2_000 };
/** The lookups are made one after the other, so a reading of the claims may take longer by this much for each node. */
const CLAIMS_MS_PER_NODE = 20;
/** Between two polls of the list; in a large role longer, so that all nodes together poll once per 500 ms. */
const POLL_MS = 30_000;
const POLL_MS_PER_NODE = 500;
/** After so many polls the claims (after a first deployment: only the own claim) are read although the list is the same. */
const POLLS_PER_CLAIM_CHECK = 6;
/** The list is read at least this often, whatever size a reply gives the role. */
const LONGEST_LOOK_MS = 600_000;
/** One try of a reading, whatever size a reply gives the role. */
const LONGEST_TRY_MS = 30_000;
/** With the same members a node changes its partition at most once in this time. */
const MOVE_EVERY_MS = 600_000;
/** So many changes of its attributes by somebody else make a node follow the order. */
const ALTERED = 2;
const CONFIRM_MS = 2_000;
const CONFLICT_MS = 4_000;
/** So many readings a younger node with the same claim has time to notice it, before this node takes another partition. */
const MAKE_WAY_AFTER = POLLS_PER_CLAIM_CHECK;
/** Nodes of a role react to the same event. Their requests are spread over this much time per node, */
const SPREAD_MS_PER_NODE = 200;
/** and readings of the claims over this much per lookup (N nodes look up N nodes), four times what oned needs for one. */
const SPREAD_MS_PER_LOOKUP = 20;

/**
 * keep: the partition is right. conflict: another one is wanted. unpublished: OneGate shows another claim of this node.
 * contested: the partition is right, but a younger node claims it too. changed: the claims have to be read.
 */
type Finding = 'keep' | 'conflict' | 'unpublished' | 'contested' | 'changed';

export class PartitionManager {
  readonly #options: PartitionManagerOptions;
  readonly #oneGate: OneGate;
  #memory: PartitionMemory | undefined;
  /** The partition that is claimed; undefined outside a service. */
  #mine: Partition | undefined;
  /** The partition that Flower runs with. */
  #inUse: Partition | undefined;
  /** The partition that the last reading has chosen. */
  #wanted: Choice | undefined;
  #members = '';
  #byRank = false;
  /** How many nodes the role had in the last list. */
  #size = 1;
  readonly #own = new OwnAttributes();
  /** The end of the pause between two moves that was last reported. */
  #reportedUntil = 0;

  constructor(options: PartitionManagerOptions) {
    const { oneGate, memory } = options;
    this.#options = options;
    this.#oneGate = oneGate;
    this.#memory = (memory?.vmId ?? oneGate.vmId) === oneGate.vmId ? memory : undefined;
  }

  get partition(): Partition | undefined {
    return this.#mine;
  }

  /** Why this node follows the order of the VM ids; undefined when it goes by claims. */
  get suspicion(): Problem | undefined {
    const found = this.#memory?.suspicion;
    if (found === undefined) return undefined;
    return new Problem('peer_suspicious', {
      severity: 'degraded',
      doing: 'checking the partition of this node on OneGate',
      found: `${found}. The partition follows the order of the VM ids now`,
      remedy:
        'find the VM of the service that changes attributes of others (onegate.log on the front-end). Then `flower-context boot --fresh` on all nodes of the role: they go by their claims again',
    });
  }

  /**
   * The partition to boot with; undefined when this VM is in no service. `service` saves a request for the list. `stored` is
   * this VM as OneGate showed it when the boot began; without it the partition is not taken for the rank of a first
   * deployment. Throws Problem onegate_unreachable when OneGate does not even give the list.
   */
  async choose(
    given: { service?: Service | undefined; stored?: Vm | undefined; signal?: AbortSignal } = {},
  ): Promise<Choice | undefined> {
    const { stored, signal } = given;
    let service: Service;
    try {
      service = given.service ?? (await this.#oneGate.service({ signal }));
    } catch (error) {
      if (error instanceof Problem && error.code === 'not_in_service') return undefined;
      throw error;
    }
    const choice = await this.#chooseFrom(service, stored, signal);
    this.#take(choice);
    this.#inUse = choice;
    const wasByOrder = stored !== undefined && attribute(stored, 'FL_PARTITION_ORDER') === 'YES';
    const byOrder = this.#memory?.suspicion !== undefined;
    return byOrder || wasByOrder ? { ...choice, byOrder } : choice;
  }

  async #chooseFrom(list: Service, stored: Vm | undefined, signal: AbortSignal | undefined): Promise<Choice> {
    const myVmId = this.#oneGate.vmId;
    const memory = this.#memory;
    const { nodes, key } = this.#readMembers(list);
    const of = nodes.length;
    if (memory?.suspicion !== undefined) {
      const wanted = orderedPartition({ myVmId, nodes });
      if (wanted.id === memory.id || memory.id >= of || this.#pausesUntil() === undefined) return wanted;
      return { id: memory.id, of, why: 'as before, it has just changed' };
    }
    const byRank = await this.#isByRank(list, stored, signal);
    this.#byRank = byRank === true;
    if (memory !== undefined && memory.members === key && memory.id < of)
      return { id: memory.id, of, why: 'as before, the role has the same nodes' };
    if (memory !== undefined && this.#byRank)
      return { id: memory.id, of, why: 'as before, only younger nodes were added' };
    // Without an answer, `watch` reads the claims later, when the nodes of a role that boots do not all read at once.
    if (byRank !== false) return choosePartition({ myVmId, nodes });
    try {
      const full = await this.#oneGate.serviceInFull({ policy: this.#patient(CLAIMS_POLICY), signal });
      return choosePartition({ myVmId, nodes: this.#readMembers(full).nodes, remembered: memory?.id });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // OneGate answers 404 when OpenNebula cannot look up one of the VMs. Then the list decides, and `watch` corrects it.
      this.#options.onNote?.(
        `the claims of the other nodes could not be read (${error.facts.found}); the partition is checked again later`,
      );
      return choosePartition({ myVmId, nodes, remembered: memory?.id });
    }
  }

  /**
   * Whether the partition of this node is the rank of its VM id and no other node can have taken it: this VM has not
   * published any claim yet while the role is being deployed, or OneGate shows the claim that is remembered. Undefined:
   * OneGate did not answer.
   */
  async #isByRank(
    { state }: Service,
    stored: Vm | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean | undefined> {
    const memory = this.#memory;
    const deploying = state === SERVICE_STATE.deploying;
    const stayed = memory?.byRank === true && onlyGrew(memory.members ?? '', this.#members);
    if (memory === undefined ? !deploying : !stayed) return false;
    try {
      const vm = stored ?? (await this.#oneGate.vm({ policy: CLAIMS_POLICY, signal }));
      return attribute(vm, 'FL_PARTITION_ID') === undefined
        ? deploying
        : memory !== undefined && claimOf(vm) === memory.id;
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }

  /**
   * Checks the partition that the boot has published, until `signal` is aborted. `onMove` is called when another partition
   * is claimed and confirmed, to give it to Flower; when it throws it is called again later.
   */
  async watch({ signal, onMove }: WatchOptions): Promise<void> {
    let polls = 0;
    let conflicts = 0;
    let contests = 0;
    let readClaims = !this.#byRank;
    let pause = readClaims ? this.#spread(CONFIRM_MS) : this.#soon(this.#pollMs);
    while (!signal.aborted) {
      try {
        await this.#pause(pause, signal);
        pause = this.#soon(this.#pollMs);
        const due = ++polls >= this.#pollsPerClaimCheck;
        readClaims ||= due && !this.#byRank;
        const found =
          this.#memory?.suspicion !== undefined
            ? await this.#followOrder(signal)
            : readClaims
              ? await this.#review(signal)
              : await this.#poll(due, signal);
        if (readClaims || due) polls = 0;
        conflicts = found === 'conflict' ? conflicts + 1 : 0;
        contests = found === 'contested' ? contests + 1 : 0;
        if (found === 'keep' || found === 'contested') {
          if (this.#inUse?.id !== this.#mine?.id || this.#inUse?.of !== this.#mine?.of) {
            await onMove(this.#mine!);
            this.#inUse = this.#mine;
          }
          readClaims = found === 'contested';
          if (readClaims) pause = this.#spread(this.#pollMs);
        } else if (found === 'conflict') {
          pause = this.#spread(CONFLICT_MS);
        } else {
          readClaims = true;
          this.#leaveRank();
          if (found === 'unpublished') await this.#publish(signal);
          pause = this.#spread(CONFIRM_MS);
        }
        if ((conflicts >= 2 || contests > MAKE_WAY_AFTER) && this.#mustStay()) {
          pause = this.#spread(this.#pollMs);
        } else if (conflicts >= 2 || contests > MAKE_WAY_AFTER) {
          await this.#claim(signal);
          conflicts = 0;
          pause = this.#spread(CONFIRM_MS);
        }
      } catch (error) {
        if (signal.aborted) return;
        // Only a reading that was due is due again: after an outage not all nodes read all claims.
        if (readClaims) pause = this.#spread(this.#pollMs);
        this.#options.onNote?.(
          `the partition could not be checked: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }

  /** One request: this VM when its own claim is to be checked, otherwise the list. Both without the claims of others. */
  async #poll(ownClaim: boolean, signal: AbortSignal): Promise<Finding> {
    if (ownClaim) {
      const own = await this.#oneGate.vm({ policy: ONCE, signal });
      this.#compare(own);
      return claimOf(own) === this.#mine?.id ? 'keep' : 'changed';
    }
    const before = this.#members;
    const { key, nodes } = this.#readMembers(await this.#oneGate.service({ policy: ONCE, signal }));
    if (!(this.#byRank ? onlyGrew(before, key) : key === before)) return 'changed';
    const mine = this.#mine;
    if (!this.#byRank || mine === undefined || mine.of === nodes.length) return 'keep';
    // Only younger nodes were added: the rank is the same, out of more nodes.
    const of = nodes.length;
    this.#wanted = { id: mine.id, of, why: `the role has ${of} nodes now, not ${mine.of}` };
    return 'conflict';
  }

  /** Reads all claims. */
  async #review(signal: AbortSignal): Promise<Finding> {
    const mine = this.#mine;
    const myVmId = this.#oneGate.vmId;
    const service = await this.#oneGate.serviceInFull({ policy: this.#patient(ONCE), signal });
    const { nodes, listed } = this.#readMembers(service);
    const own = service.roles.flatMap((role) => role.nodes).find(({ id }) => id === myVmId);
    if (own !== undefined) this.#compare(own);
    const other = nodes.find(({ vmId, byOrder }) => byOrder === true && vmId !== myVmId);
    if (other !== undefined) this.#suspect(`VM ${other.vmId} reports that its attributes were changed`);
    if (this.#memory?.suspicion !== undefined) return 'changed';
    // A node that is about to be removed keeps its partition; the others no longer count it.
    if (mine === undefined || !listed) return 'keep';
    this.#wanted = reviewPartition({ myVmId, nodes, mine });
    if (this.#wanted !== undefined) return 'conflict';
    if (nodes.find((node) => node.vmId === myVmId)?.claim !== mine.id) return 'unpublished';
    this.#wanted = makeWay({ myVmId, nodes, mine });
    return this.#wanted === undefined ? 'keep' : 'contested';
  }

  /** As the order of the VM ids says. Reads no claims: they may be anybody's. */
  async #followOrder(signal: AbortSignal): Promise<Finding> {
    const mine = this.#mine;
    const { nodes, listed } = this.#readMembers(await this.#oneGate.service({ policy: ONCE, signal }));
    const own = await this.#oneGate.vm({ policy: ONCE, signal });
    this.#compare(own);
    if (mine === undefined || !listed) return 'keep';
    if (attribute(own, 'FL_PARTITION_ORDER') !== 'YES' || claimOf(own) !== mine.id)
      await this.#publish(signal);
    this.#wanted = orderedPartition({ myVmId: this.#oneGate.vmId, nodes });
    return this.#wanted.id === mine.id && this.#wanted.of === mine.of ? 'keep' : 'conflict';
  }

  /** Counts what others have changed of this node's attributes. */
  #compare(own: Vm): void {
    if (this.#mine === undefined) return;
    const changes = this.#own.changes(own, this.#attributes(this.#mine));
    if (changes.length === 0) return;
    const altered = (this.#memory?.altered ?? 0) + 1;
    const what = `somebody else has changed ${changes.join(', ')} of this VM`;
    this.#store({ ...this.#memory!, altered });
    if (this.#memory?.suspicion !== undefined) return;
    if (altered >= ALTERED) this.#suspect(`${what}, the last of ${altered} changes`);
    else this.#options.onNote?.(`${what}; it is published again`);
  }

  #suspect(why: string): void {
    if (this.#memory === undefined || this.#memory.suspicion !== undefined) return;
    this.#store({ ...this.#memory, suspicion: why });
    this.#options.onSuspicious?.(this.suspicion!);
  }

  /** What this node expects OneGate to show of it. The boot has published FL_NODE_READY and FL_NODE_ID. */
  #attributes({ id, of }: Partition) {
    return {
      FL_PARTITION_ID: String(id),
      FL_NUM_PARTITIONS: String(of),
      FL_NODE_ID: String(this.#oneGate.vmId),
      FL_NODE_READY: 'YES',
    } as const;
  }

  /** Until when the partition may not change, in ms since 1970; undefined: it may. */
  #pausesUntil(): number | undefined {
    const { moved } = this.#memory ?? {};
    if (moved === undefined || moved.members !== this.#members) return undefined;
    const since = this.#options.clock.now().getTime() - new Date(moved.at).getTime();
    // A clock that was set back must not make it longer.
    return since >= 0 && since < MOVE_EVERY_MS ? new Date(moved.at).getTime() + MOVE_EVERY_MS : undefined;
  }

  /** Whether the wanted partition has to wait, and says so once. */
  #mustStay(): boolean {
    const until = this.#wanted?.id === this.#mine?.id ? undefined : this.#pausesUntil();
    if (until === undefined) return false;
    if (this.#reportedUntil !== until)
      this.#options.onNote?.(
        `partition ${this.#mine?.id} stays until ${new Date(until).toISOString()}, although ${this.#wanted?.why}: it changes at most once in ten minutes`,
      );
    this.#reportedUntil = until;
    return true;
  }

  async #claim(signal: AbortSignal): Promise<void> {
    const { id, of, why } = this.#wanted!;
    const { id: before, of: ofBefore } = this.#mine!;
    this.#options.onNote?.(`partition ${id} of ${of} instead of ${before} of ${ofBefore}: ${why}`);
    this.#take({ id, of });
    await this.#publish(signal);
  }

  async #publish(signal: AbortSignal): Promise<void> {
    const { FL_NODE_READY: _, ...update } = this.#attributes(this.#mine!);
    const order =
      this.#memory?.suspicion === undefined ? {} : { FL_PARTITION_ORDER: 'YES', FL_ERROR: 'peer_suspicious' };
    await this.#oneGate.update({ ...update, ...order }, { signal });
    this.#own.accepted(update);
  }

  #take({ id, of }: Partition): void {
    this.#mine = { id, of };
    const byRank = this.#byRank ? { byRank: true } : {};
    const { moved, altered, suspicion } = this.#memory ?? {};
    const now = { at: this.#options.clock.now().toISOString(), members: this.#members };
    const changed = this.#memory !== undefined && this.#memory.id !== id;
    this.#store({
      ...{ id, of, vmId: this.#oneGate.vmId, members: this.#members, ...byRank },
      ...(changed ? { moved: now } : moved && { moved }),
      ...(altered !== undefined && { altered }),
      ...(suspicion !== undefined && { suspicion }),
    });
  }

  #leaveRank(): void {
    if (!this.#byRank) return;
    this.#byRank = false;
    this.#store({ ...this.#memory!, byRank: false });
  }

  #store(memory: PartitionMemory): void {
    this.#memory = memory;
    this.#options.remember?.(memory);
  }

  #readMembers(service: Service): Members {
    const members = membersOf(service, this.#oneGate.vmId);
    this.#members = members.key;
    this.#size = sizeOf(members);
    return members;
  }

  get #pollMs(): number {
    return Math.min(Math.max(POLL_MS, this.#size * POLL_MS_PER_NODE), LONGEST_LOOK_MS);
  }

  /** Readings of all claims without a reason are spread over ten times as much as those with one. */
  get #pollsPerClaimCheck(): number {
    const spreadMs = this.#byRank ? 0 : 10 * this.#size ** 2 * SPREAD_MS_PER_LOOKUP;
    return Math.max(POLLS_PER_CLAIM_CHECK, Math.round(spreadMs / this.#pollMs));
  }

  #patient = (policy: RetryPolicy): RetryPolicy => ({
    ...policy,
    tryTimeoutMs: Math.min(policy.tryTimeoutMs + this.#size * CLAIMS_MS_PER_NODE, LONGEST_TRY_MS),
  });

  /** The wait before a reaction to an event that all nodes of the role see: longer by a share of the role's spread. */
  #spread = (ms: number): Pause => ({ ms: this.#jitter(ms), share: this.#options.random() });

  #soon = (ms: number): Pause => ({ ms: this.#jitter(ms), share: 0 });

  get #spreadMs(): number {
    return this.#size * Math.max(SPREAD_MS_PER_NODE, this.#byRank ? 0 : this.#size * SPREAD_MS_PER_LOOKUP);
  }

  /**
   * Waits. The spread of a role of thousands takes hours, and its size is what one reply said: so the list is read
   * meanwhile, and the wait follows the size that it shows then.
   */
  async #pause({ ms, share }: Pause, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const began = clock.monotonicMs();
    for (;;) {
      const left = Math.max(0, ms + Math.round(share * this.#spreadMs) - (clock.monotonicMs() - began));
      await clock.sleep(Math.min(left, LONGEST_LOOK_MS), signal);
      if (left <= LONGEST_LOOK_MS) return;
      try {
        const list = await this.#oneGate.service({ policy: ONCE, signal });
        this.#size = sizeOf(membersOf(list, this.#oneGate.vmId));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
      }
    }
  }

  #jitter = (ms: number): number => withJitter(ms, this.#options.random);
}

const sizeOf = ({ nodes }: Members): number => Math.max(1, nodes.length);

/** Whether no node has left and all new ones are younger. `before` and `now` are `Members.key`. */
const onlyGrew = (before: string, now: string): boolean => now === before || now.startsWith(`${before} `);

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
// A change of the partition restarts Flower, so it is slow on purpose: two readings some seconds apart must agree, then the
// partition is claimed, checked again, and only then used.
import { Problem } from '../core/problem.ts';
import { ONCE, type OneGate, type RetryPolicy } from '../onegate/client.ts';
import { attribute, SERVICE_STATE, type Service, type Vm } from '../onegate/replies.ts';
import { OwnAttributes, ownAttributes } from './own-attributes.ts';
import { Pace, POLLS_PER_CLAIM_CHECK } from './pace.ts';
import {
  type Choice,
  choosePartition,
  claimOf,
  type Finding,
  followedElsewhere,
  isSame,
  type Members,
  makeWay,
  membersOf,
  onlyGrew,
  orderedPartition,
  type Partition,
  reviewPartition,
} from './partition.ts';
import { followsNow, type PartitionMemory, staysUntil, suspicionOf } from './partition-memory.ts';
import type { PartitionManagerOptions, WatchOptions } from './partition-options.ts';

export type { PartitionMemory } from './partition-memory.ts';

/** The claims cost the front-end one lookup per VM of the service, so the tries are few. */
const CLAIMS_POLICY: RetryPolicy = { tries: 3, tryTimeoutMs: 5_000, firstWaitMs: 500, maxWaitMs: 2_000 };
/** So many changes of its attributes by somebody else make a node follow the order. */
const ALTERED = 2;
const CONFIRM_MS = 2_000;
const CONFLICT_MS = 4_000;
/** So many readings a younger node with the same claim has time to notice it, before this node takes another partition. */
const MAKE_WAY_AFTER = POLLS_PER_CLAIM_CHECK;
export class PartitionManager {
  readonly #options: PartitionManagerOptions;
  readonly #oneGate: OneGate;
  #memory: PartitionMemory | undefined;
  /** The partition that is claimed; undefined outside a service. */
  #mine: Partition | undefined;
  /** The partition that Flower runs with. */
  #inUse: Partition | undefined;
  /** `WatchOptions.runs` */
  #runs: Partition | undefined;
  /** The partition that the last reading has chosen. */
  #wanted: Choice | undefined;
  #onOwn: WatchOptions['onOwn'];
  #members = '';
  #byRank = false;
  readonly #pace: Pace;
  readonly #own = new OwnAttributes();
  /** The last reading showed another node that follows the order. Not stored: each reading decides anew. */
  #heard = false;
  /** The end of the pause between two moves that was last reported. */
  #reportedUntil = 0;

  constructor(options: PartitionManagerOptions) {
    const { oneGate, memory } = options;
    this.#options = options;
    this.#oneGate = oneGate;
    this.#pace = new Pace(options);
    this.#memory = (memory?.vmId ?? oneGate.vmId) === oneGate.vmId ? memory : undefined;
  }

  get partition(): Partition | undefined {
    return this.#mine;
  }

  /** Why this node follows the order of the VM ids whatever others publish; undefined when it goes by what they publish. */
  get suspicion(): Problem | undefined {
    return this.#memory && suspicionOf(this.#memory);
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
      if (wanted.id === memory.id || memory.id >= of || this.#staysUntil === undefined) return wanted;
      return { id: memory.id, of, why: 'as before, it has just changed' };
    }
    const byRank = await this.#isByRank(list, stored, signal);
    this.#byRank = byRank === true;
    this.#pace.readsClaims = !this.#byRank;
    if (memory !== undefined && memory.members === key && memory.id < of)
      return { id: memory.id, of, why: 'as before, the role has the same nodes' };
    if (memory !== undefined && this.#byRank)
      return { id: memory.id, of, why: 'as before, only younger nodes were added' };
    // Without an answer, `watch` reads the claims later, when the nodes of a role that boots do not all read at once.
    if (byRank !== false) return choosePartition({ myVmId, nodes });
    try {
      const full = await this.#oneGate.serviceInFull({ policy: this.#pace.patient(CLAIMS_POLICY), signal });
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
  async watch({ signal, onMove, onOwn, published, runs }: WatchOptions): Promise<void> {
    this.#onOwn = onOwn;
    this.#runs = runs;
    if (published && this.#mine !== undefined)
      this.#own.accepted(ownAttributes(this.#mine, this.#oneGate.vmId, runs));
    let polls = 0;
    let conflicts = 0;
    let contests = 0;
    let readClaims = !this.#byRank;
    let pause = readClaims ? this.#pace.spread(CONFIRM_MS) : this.#pace.nextPoll();
    while (!signal.aborted) {
      try {
        await this.#pace.wait(pause, () => this.#measure(signal), signal);
        pause = this.#pace.nextPoll();
        const due = ++polls >= this.#pace.pollsPerClaimCheck;
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
          if (!isSame(this.#inUse, this.#mine)) {
            await onMove(this.#mine!);
            this.#inUse = this.#mine;
          }
          readClaims = found === 'contested';
          if (readClaims) pause = this.#pace.spread();
        } else if (found === 'conflict') {
          pause = this.#pace.spread(CONFLICT_MS);
        } else if (found === 'altered') {
          await this.#publish(signal);
        } else {
          readClaims = true;
          this.#leaveRank();
          if (found === 'unpublished') await this.#publish(signal);
          pause = this.#pace.spread(CONFIRM_MS);
        }
        if ((conflicts >= 2 || contests > MAKE_WAY_AFTER) && this.#mustStay()) {
          pause = this.#pace.spread();
        } else if (conflicts >= 2 || contests > MAKE_WAY_AFTER) {
          await this.#claim(signal);
          conflicts = 0;
          pause = this.#pace.spread(CONFIRM_MS);
        }
      } catch (error) {
        if (signal.aborted) return;
        // Only a reading that was due is due again: after an outage not all nodes read all claims.
        if (readClaims) pause = this.#pace.spread();
        this.#options.onNote?.(
          `the partition could not be checked: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }

  /** How many nodes the role has now. What else the list says is for the next poll. */
  async #measure(signal: AbortSignal): Promise<void> {
    try {
      const { nodes } = membersOf(await this.#oneGate.service({ policy: ONCE, signal }), this.#oneGate.vmId);
      this.#pace.size = Math.max(1, nodes.length);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }

  /** One request: this VM when its own claim is to be checked, otherwise the list. Both without the claims of others. */
  async #poll(ownClaim: boolean, signal: AbortSignal): Promise<Finding> {
    if (ownClaim) {
      const own = await this.#oneGate.vm({ policy: ONCE, signal });
      const altered = this.#compare(own);
      if (claimOf(own) === this.#mine?.id)
        return attribute(own, 'FL_PARTITION_ORDER') === 'YES' ? 'altered' : 'keep';
      // The rank of the VM id needs no claims, so those of others are not believed now.
      return altered ? 'altered' : 'changed';
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
    const service = await this.#oneGate.serviceInFull({ policy: this.#pace.patient(ONCE), signal });
    const { nodes, listed } = this.#readMembers(service);
    const own = service.roles.flatMap((role) => role.nodes).find(({ id }) => id === myVmId);
    if (own !== undefined) this.#compare(own);
    if (this.#memory?.suspicion !== undefined) return 'changed';
    // A node that is about to be removed keeps its partition; the others no longer count it.
    if (mine === undefined || !listed) return 'keep';
    const other = followedElsewhere({ myVmId, nodes });
    if (this.#heard !== (other !== undefined)) this.#options.onNote?.(followsNow(other));
    this.#heard = other !== undefined;
    this.#wanted = reviewPartition({ myVmId, nodes, mine });
    if (this.#wanted !== undefined) return 'conflict';
    const me = nodes.find((node) => node.vmId === myVmId);
    if (me?.claim !== mine.id || me.byOrder) return 'unpublished';
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
    return isSame(this.#wanted, mine) ? 'keep' : 'conflict';
  }

  #expected = (mine: Partition) => ({
    ...ownAttributes(mine, this.#oneGate.vmId, this.#runs),
    FL_PARTITION_ORDER: this.#memory?.suspicion === undefined ? 'NO' : 'YES',
  });

  /** Counts what others have changed of this node's attributes. Whether they have since the last look. */
  #compare(own: Vm): boolean {
    this.#onOwn?.(own);
    if (this.#mine === undefined) return false;
    const changes = this.#own.changes(own, this.#expected(this.#mine));
    if (changes.length === 0) return false;
    const altered = (this.#memory?.altered ?? 0) + 1;
    const what = `somebody else has changed ${changes.join(', ')} of this VM`;
    const before = this.#memory?.suspicion;
    const suspicion = before ?? (altered < ALTERED ? undefined : `${what}, the last of ${altered} changes`);
    this.#store({ ...this.#memory!, altered, ...(suspicion !== undefined && { suspicion }) });
    if (suspicion === undefined) this.#options.onNote?.(what);
    else if (before === undefined) this.#options.onSuspicious?.(this.suspicion!);
    return true;
  }

  get #staysUntil(): number | undefined {
    return this.#memory && staysUntil(this.#memory, this.#members, this.#options.clock.now());
  }

  /** Whether the wanted partition has to wait, and says so once. */
  #mustStay(): boolean {
    const until = this.#wanted?.id === this.#mine?.id ? undefined : this.#staysUntil;
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
    const { FL_NODE_READY: _, ...update } = this.#expected(this.#mine!);
    const error = update.FL_PARTITION_ORDER === 'YES' ? { FL_ERROR: 'peer_suspicious' } : {};
    await this.#oneGate.update({ ...update, ...error }, { signal });
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
    this.#pace.readsClaims = !this.#byRank && memory.suspicion === undefined;
    this.#options.remember?.(memory);
  }

  #readMembers(service: Service): Members {
    const members = membersOf(service, this.#oneGate.vmId);
    this.#members = members.key;
    this.#pace.size = Math.max(1, members.nodes.length);
    return members;
  }
}

// Which part of the data is this SuperNode's: the half that asks and tells OneGate. The rule is in partition.ts.
//
// At boot `choose` asks as little as possible: nothing more than the list of VMs when the role is being deployed for
// the first time (nobody has claimed anything) or is the same as when the place was remembered; else what the peers
// claim, which costs OpenNebula a lookup per VM. The boot publishes the place with everything else. Then `watch` looks at
// the list of VMs from time to time.
//
// After a first deployment each place is the rank of its VM id, all nodes have the same list, and whoever reads the claims
// makes way for what the others hold. So the claims are read only when the list has changed; and not even then when only
// younger nodes have come, because the ranks of the others stay. What has to be seen to is that OneGate still shows our
// claim: a peer may have written over it, and another node may have taken the place meanwhile. From then on, and from a
// list that has lost a node on, the claims are read: at once, until all is right, and now and then anyway, because a
// peer may have been restored, or have been given a claim that is not its own.
//
// A move is slow on purpose, because it restarts Flower: it is wanted by two readings some seconds apart, then
// claimed, then checked again, and only then used.
import type { Clock, Random } from '../core/clock.ts';
import { Problem } from '../core/problem.ts';
import { ONCE, type OneGate, type RetryPolicy } from '../onegate/client.ts';
import { attribute, SERVICE_STATE, type Service, type Vm } from '../onegate/replies.ts';
import {
  type Choice,
  choosePartition,
  claimOf,
  makeWay,
  membersOf,
  type Partition,
  reviewPartition,
} from './partition.ts';

/** What a SuperNode keeps on its disk about its place. */
export interface PartitionMemory extends Partition {
  /** Whose place it is: a disk image saved from another VM brings that VM's memory along. */
  readonly vmId?: number | undefined;
  /** The nodes of the role when the place was taken; while they are the same, nobody need be asked. */
  readonly roster?: string | undefined;
  /** The place is the rank of the VM id in a first deployment, and nothing has called that into question since. */
  readonly byRank?: boolean | undefined;
}

export interface KeeperOptions {
  readonly oneGate: OneGate;
  readonly clock: Clock;
  readonly random: Random;
  readonly memory?: PartitionMemory | undefined;
  /** Called before a place is published or used. */
  readonly remember?: (memory: PartitionMemory) => void;
  /** A sentence for the journal. */
  readonly onNote?: (text: string) => void;
}

/** The claims cost the front-end one lookup per VM of the service, so they are not asked for without end. */
const CLAIMS_POLICY: RetryPolicy = { tries: 3, tryTimeoutMs: 5_000, firstWaitMs: 500, maxWaitMs: 2_000 };
/** The lookups are made one after the other: so much longer a reading may take for each VM of the role. */
const CLAIMS_MS_PER_NODE = 20;
/** Between two looks at the list of VMs: half of it to all of it; longer where it is a look per 500 ms of all nodes. */
const LOOK_MS = 30_000;
const LOOK_MS_PER_NODE = 500;
/** Every so many looks the claims (after a first deployment: only our own) are read although the list is the same. */
const FULL_LOOK_EVERY = 6;
const CONFIRM_MS = 2_000;
const DOUBT_MS = 4_000;
/** So many looks a younger node with the same claim has time to notice it: as many as between two readings without a reason. */
const MAKE_WAY_AFTER = FULL_LOOK_EVERY;
/** What all nodes of a role do for the same reason is spread over this much time per node, */
const SPREAD_MS_PER_NODE = 200;
/**
 * and readings of the claims over this much per lookup (each of N nodes has N looked up), which is four times what oned
 * needs for one; without a reason, over ten times as much.
 */
const SPREAD_MS_PER_LOOKUP = 20;

export class PartitionManager {
  readonly #oneGate: OneGate;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #remember: (memory: PartitionMemory) => void;
  readonly #note: (text: string) => void;
  #memory: PartitionMemory | undefined;
  /** The place that is claimed; undefined outside a service. */
  #mine: Partition | undefined;
  /** The place that Flower runs with. */
  #inUse: Partition | undefined;
  #roster = '';
  #byRank = false;
  /** How many nodes the role had at the last look. */
  #size = 1;

  constructor({ oneGate, clock, random, memory, remember, onNote }: KeeperOptions) {
    this.#oneGate = oneGate;
    this.#clock = clock;
    this.#random = random;
    this.#memory = (memory?.vmId ?? oneGate.vmId) === oneGate.vmId ? memory : undefined;
    this.#remember = remember ?? (() => {});
    this.#note = onNote ?? (() => {});
  }

  get partition(): Partition | undefined {
    return this.#mine;
  }

  /**
   * The place to boot with; undefined when this VM is in no service. `service` saves asking for the list again; `stored` is
   * this VM as OneGate showed it when the boot began: without it the place is not taken for the rank of a first deployment.
   * Throws Problem onegate_unreachable when OneGate does not even give the list.
   */
  async choose({
    service,
    stored,
    signal,
  }: {
    service?: Service | undefined;
    stored?: Vm | undefined;
    signal?: AbortSignal;
  } = {}): Promise<Choice | undefined> {
    let list: Service;
    try {
      list = service ?? (await this.#oneGate.service({ signal }));
    } catch (error) {
      if (error instanceof Problem && error.code === 'not_in_service') return undefined;
      throw error;
    }
    const choice = await this.#chooseFrom(list, stored, signal);
    this.#take(choice);
    this.#inUse = choice;
    return choice;
  }

  async #chooseFrom(list: Service, stored: Vm | undefined, signal: AbortSignal | undefined): Promise<Choice> {
    const myVmId = this.#oneGate.vmId;
    const memory = this.#memory;
    const remembered = memory?.id;
    const { nodes, key } = this.#see(list);
    const byRank = await this.#isByRank(list, stored, signal);
    this.#byRank = byRank === true;
    if (memory !== undefined && memory.roster === key && memory.id < nodes.length) {
      return { id: memory.id, of: nodes.length, why: 'as before, the role has the same nodes' };
    }
    if (memory !== undefined && this.#byRank) {
      return { id: memory.id, of: nodes.length, why: 'as before, only younger nodes have come' };
    }
    // Not known: the watch reads the claims later, when not all nodes of a role that boots ask at once.
    if (byRank !== false) return choosePartition({ myVmId, nodes });
    try {
      const full = await this.#oneGate.serviceInFull({ policy: this.#patience(CLAIMS_POLICY), signal });
      return choosePartition({ myVmId, nodes: this.#see(full).nodes, remembered });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // One VM that OpenNebula cannot look up makes the whole reading a 404. Without claims: the list; the watch corrects it.
      this.#note(
        `what the other nodes claim could not be read (${error.facts.found}); the place is checked again later`,
      );
      return choosePartition({ myVmId, nodes, remembered });
    }
  }

  /**
   * Whether this node's place is the rank of its VM id and nobody can have taken it: this VM has not published any claim yet
   * while the role is being deployed, or OneGate shows the claim that is remembered. Undefined: OneGate did not answer.
   */
  async #isByRank(
    { state }: Service,
    known: Vm | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean | undefined> {
    const memory = this.#memory;
    const deploying = state === SERVICE_STATE.deploying;
    if (
      memory === undefined
        ? !deploying
        : memory.byRank !== true || !continues(memory.roster ?? '', this.#roster)
    )
      return false;
    try {
      const stored = known ?? (await this.#oneGate.vm({ policy: CLAIMS_POLICY, signal }));
      return attribute(stored, 'FL_PARTITION_ID') === undefined
        ? deploying
        : memory !== undefined && claimOf(stored) === memory.id;
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }

  /**
   * After the boot has published the place: keeps it right until `signal` is aborted. `onMove` is called when another
   * place is claimed and stands, to give it to Flower; when it throws it is called again later.
   */
  async watch({
    signal,
    onMove,
  }: {
    signal: AbortSignal;
    onMove: (to: Partition) => Promise<void>;
  }): Promise<void> {
    let doubts = 0;
    let contests = 0;
    let looks = 0;
    let full = !this.#byRank;
    let nextMs = full ? this.#spread(CONFIRM_MS) : this.#jittered(this.#lookMs);
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(nextMs, signal);
        nextMs = this.#jittered(this.#lookMs);
        const due = ++looks >= this.#fullLookEvery;
        full ||= due && !this.#byRank;
        const verdict = full ? await this.#review(signal) : await this.#glance(due, signal);
        if (full || due) looks = 0;
        doubts = verdict === 'doubt' ? doubts + 1 : 0;
        contests = verdict === 'contested' ? contests + 1 : 0;
        if (verdict === 'keep' || verdict === 'contested') {
          if (!this.#isInUse()) {
            await onMove(this.#mine!);
            this.#inUse = this.#mine;
          }
          full = verdict === 'contested';
          if (full) nextMs = this.#spread(this.#lookMs);
        } else if (verdict === 'doubt') {
          nextMs = this.#spread(DOUBT_MS);
        } else {
          full = true;
          this.#leaveRank();
          if (verdict === 'unpublished') await this.#publish(signal);
          nextMs = this.#spread(CONFIRM_MS);
        }
        if (doubts >= 2 || contests > MAKE_WAY_AFTER) {
          await this.#claim(signal);
          doubts = 0;
          nextMs = this.#spread(CONFIRM_MS);
        }
      } catch (error) {
        if (signal.aborted) return;
        // Only what was due is due again: an outage is no reason for all nodes to read all claims after it.
        if (full) nextMs = this.#spread(this.#lookMs);
        this.#note(
          `the partition could not be checked: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }

  /**
   * A look without the claims of others. keep: all is as before. doubt: only younger nodes have come, so that the rank is
   * what it was, of more. questioned: the claims have to be read.
   */
  async #glance(ownClaim: boolean, signal: AbortSignal): Promise<'keep' | 'doubt' | 'questioned'> {
    if (ownClaim) return (await this.#isShown(signal)) ? 'keep' : 'questioned';
    const before = this.#roster;
    const { key, nodes } = this.#see(await this.#oneGate.service({ policy: ONCE, signal }));
    if (!this.#byRank) return key === before ? 'keep' : 'questioned';
    if (!continues(before, key)) return 'questioned';
    if (this.#mine === undefined || this.#mine.of === nodes.length) return 'keep';
    this.#wanted = {
      id: this.#mine.id,
      of: nodes.length,
      why: `the role has ${nodes.length} nodes now, not ${this.#mine.of}`,
    };
    return 'doubt';
  }

  /** Whether OneGate shows the claim that this node has published. */
  async #isShown(signal: AbortSignal): Promise<boolean> {
    return claimOf(await this.#oneGate.vm({ policy: ONCE, signal })) === this.#mine?.id;
  }

  #leaveRank(): void {
    if (!this.#byRank) return;
    this.#byRank = false;
    this.#memory = { ...this.#memory!, byRank: false };
    this.#remember(this.#memory);
  }

  #wanted: Choice | undefined;

  /**
   * keep: it stands. doubt: it should be another. unpublished: OneGate shows another claim of ours than we have. contested:
   * it stands, but a younger node claims the same.
   */
  async #review(signal: AbortSignal): Promise<'keep' | 'doubt' | 'unpublished' | 'contested'> {
    const mine = this.#mine;
    const myVmId = this.#oneGate.vmId;
    const { nodes, listed } = this.#see(
      await this.#oneGate.serviceInFull({ policy: this.#patience(ONCE), signal }),
    );
    // On its way out: whatever it holds, the others no longer count it.
    if (mine === undefined || !listed) return 'keep';
    this.#wanted = reviewPartition({ myVmId, nodes, mine });
    if (this.#wanted !== undefined) return 'doubt';
    if (nodes.find((node) => node.vmId === myVmId)?.claim !== mine.id) return 'unpublished';
    this.#wanted = makeWay({ myVmId, nodes, mine });
    return this.#wanted === undefined ? 'keep' : 'contested';
  }

  async #claim(signal: AbortSignal): Promise<void> {
    const { id, of, why } = this.#wanted!;
    this.#note(`partition ${id} of ${of} instead of ${this.#mine?.id} of ${this.#mine?.of}: ${why}`);
    this.#take({ id, of });
    await this.#publish(signal);
  }

  async #publish(signal: AbortSignal): Promise<void> {
    const { id, of } = this.#mine!;
    await this.#oneGate.update({ FL_PARTITION_ID: String(id), FL_NUM_PARTITIONS: String(of) }, { signal });
  }

  #take({ id, of }: Partition): void {
    this.#mine = { id, of };
    this.#memory = {
      id,
      of,
      vmId: this.#oneGate.vmId,
      roster: this.#roster,
      ...(this.#byRank ? { byRank: true } : {}),
    };
    this.#remember(this.#memory);
  }

  #see(service: Service): ReturnType<typeof membersOf> {
    const roster = membersOf(service, this.#oneGate.vmId);
    this.#roster = roster.key;
    this.#size = Math.max(1, roster.nodes.length);
    return roster;
  }

  #isInUse = (): boolean => this.#inUse?.id === this.#mine?.id && this.#inUse?.of === this.#mine?.of;

  get #lookMs(): number {
    return Math.max(LOOK_MS, this.#size * LOOK_MS_PER_NODE);
  }

  get #fullLookEvery(): number {
    if (this.#byRank) return FULL_LOOK_EVERY;
    return Math.max(
      FULL_LOOK_EVERY,
      Math.round((10 * this.#size ** 2 * SPREAD_MS_PER_LOOKUP) / this.#lookMs),
    );
  }

  #patience = (policy: RetryPolicy): RetryPolicy => ({
    ...policy,
    tryTimeoutMs: policy.tryTimeoutMs + this.#size * CLAIMS_MS_PER_NODE,
  });
  #jittered = (ms: number): number => Math.round(ms * (0.5 + this.#random() / 2));
  #spread = (ms: number): number => {
    const lookups = this.#byRank ? 0 : this.#size ** 2;
    const over = Math.max(this.#size * SPREAD_MS_PER_NODE, lookups * SPREAD_MS_PER_LOOKUP);
    return this.#jittered(ms) + Math.round(this.#random() * over);
  };
}

/** Whether all nodes of the list before are still there, and besides them only younger ones: keys of rosters. */
const continues = (before: string, now: string): boolean => now === before || now.startsWith(`${before} `);

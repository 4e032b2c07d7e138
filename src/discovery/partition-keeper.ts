// Which part of the data is this SuperNode's: the half that asks and tells OneGate. The rule is in partition.ts.
//
// At boot `choose` asks as little as possible: nothing more than the list of VMs when the role is being deployed for
// the first time (nobody has claimed anything) or is the same as when the place was remembered; else what the peers
// claim. The boot publishes the place with everything else. Then `watch` reads the claims once to see that it stands,
// looks at the list of VMs from time to time, and at the claims when the list has changed - and now and then anyway,
// because a peer may have been restored, or may have written nonsense over ours.
//
// A move is slow on purpose, because it restarts Flower: it is wanted by two readings some seconds apart, then
// claimed, then checked again, and only then used.
import type { Clock, Random } from '../host/clock.ts';
import { ONCE, type OneGate, type RetryPolicy } from '../onegate/client.ts';
import { SERVICE_STATE, type Service } from '../onegate/replies.ts';
import { Problem } from '../status/problem.ts';
import { type Choice, choosePartition, type Partition, reviewPartition, rosterOf } from './partition.ts';

/** What a SuperNode keeps on its disk about its place. */
export interface PartitionMemory extends Partition {
  /** Whose place it is: a disk image saved from another VM brings that VM's memory along. */
  readonly vmId?: number | undefined;
  /** The nodes of the role when the place was taken; while they are the same, nobody need be asked. */
  readonly roster?: string | undefined;
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
/** Between two looks at the list of VMs: half of it to all of it; longer where it is a look per 100 ms of all nodes. */
const LOOK_MS = 30_000;
const LOOK_MS_PER_NODE = 100;
/** Every so many looks the claims are read although the list is the same. */
const FULL_LOOK_EVERY = 6;
const CONFIRM_MS = 2_000;
const DOUBT_MS = 4_000;
/** Readings of the claims by all nodes of a role together are spread over this much time per node, */
const SPREAD_MS_PER_NODE = 200;
/** and over this much per lookup (each of N nodes has N looked up); without a reason, over ten times as much. */
const SPREAD_MS_PER_LOOKUP = 1;

export class PartitionKeeper {
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
   * The place to boot with; undefined when this VM is in no service. `service` saves asking for the list again.
   * Throws Problem onegate_unreachable when OneGate does not even give the list.
   */
  async choose({
    service,
    signal,
  }: {
    service?: Service | undefined;
    signal?: AbortSignal;
  } = {}): Promise<Choice | undefined> {
    let list: Service;
    try {
      list = service ?? (await this.#oneGate.service({ signal }));
    } catch (error) {
      if (error instanceof Problem && error.code === 'not_in_service') return undefined;
      throw error;
    }
    const choice = await this.#chooseFrom(list, signal);
    this.#take(choice);
    this.#inUse = choice;
    return choice;
  }

  async #chooseFrom(list: Service, signal: AbortSignal | undefined): Promise<Choice> {
    const myVmId = this.#oneGate.vmId;
    const remembered = this.#memory?.id;
    const { nodes, key } = this.#see(list);
    if (this.#memory !== undefined && this.#memory.roster === key && this.#memory.id < nodes.length) {
      return { id: this.#memory.id, of: nodes.length, why: 'as before, the role has the same nodes' };
    }
    const first = this.#memory === undefined && list.state === SERVICE_STATE.deploying;
    if (first) return choosePartition({ myVmId, nodes });
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
    let looks = 0;
    let nextMs = this.#spread(CONFIRM_MS);
    let full = true;
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(nextMs, signal);
        nextMs = this.#jittered(this.#lookMs);
        full ||= ++looks >= this.#fullLookEvery;
        if (!full) {
          const before = this.#roster;
          this.#see(await this.#oneGate.service({ policy: ONCE, signal }));
          if (this.#roster !== before) {
            full = true;
            nextMs = this.#spread(CONFIRM_MS);
          }
          continue;
        }
        looks = 0;
        const verdict = await this.#review(signal);
        full = verdict !== 'keep';
        doubts = verdict === 'doubt' ? doubts + 1 : 0;
        if (verdict === 'doubt') {
          nextMs = this.#spread(DOUBT_MS);
          if (doubts >= 2) {
            await this.#claim(signal);
            doubts = 0;
            nextMs = this.#spread(CONFIRM_MS);
          }
        } else if (verdict === 'unpublished') {
          await this.#publish(signal);
          nextMs = this.#spread(CONFIRM_MS);
        } else if (!this.#isInUse()) {
          full = true;
          await onMove(this.#mine!);
          this.#inUse = this.#mine;
          full = false;
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

  #wanted: Choice | undefined;

  /** keep: it stands. doubt: it should be another. unpublished: OneGate shows another claim of ours than we have. */
  async #review(signal: AbortSignal): Promise<'keep' | 'doubt' | 'unpublished'> {
    const mine = this.#mine;
    const myVmId = this.#oneGate.vmId;
    const { nodes, listed } = this.#see(
      await this.#oneGate.serviceInFull({ policy: this.#patience(ONCE), signal }),
    );
    // On its way out: whatever it holds, the others no longer count it.
    if (mine === undefined || !listed) return 'keep';
    this.#wanted = reviewPartition({ myVmId, nodes, mine });
    if (this.#wanted !== undefined) return 'doubt';
    return nodes.find((node) => node.vmId === myVmId)?.claim === mine.id ? 'keep' : 'unpublished';
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
    this.#memory = { id, of, vmId: this.#oneGate.vmId, roster: this.#roster };
    this.#remember(this.#memory);
  }

  #see(service: Service): ReturnType<typeof rosterOf> {
    const roster = rosterOf(service, this.#oneGate.vmId);
    this.#roster = roster.key;
    this.#size = Math.max(1, roster.nodes.length);
    return roster;
  }

  #isInUse = (): boolean => this.#inUse?.id === this.#mine?.id && this.#inUse?.of === this.#mine?.of;

  get #lookMs(): number {
    return Math.max(LOOK_MS, this.#size * LOOK_MS_PER_NODE);
  }

  get #fullLookEvery(): number {
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
  #spread = (ms: number): number =>
    this.#jittered(ms) +
    Math.round(
      this.#random() * Math.max(this.#size * SPREAD_MS_PER_NODE, this.#size ** 2 * SPREAD_MS_PER_LOOKUP),
    );
}

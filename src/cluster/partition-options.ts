// What the partition manager of a SuperNode is given.
import type { Clock, Random } from '../core/clock.ts';
import type { Problem } from '../core/problem.ts';
import type { OneGate } from '../onegate/client.ts';
import type { Vm } from '../onegate/replies.ts';
import type { Partition } from './partition.ts';
import type { PartitionMemory } from './partition-memory.ts';

export interface PartitionManagerOptions {
  readonly oneGate: OneGate;
  readonly clock: Clock;
  readonly random: Random;
  readonly memory?: PartitionMemory | undefined;
  /** Called before a partition is published or used. */
  readonly remember?: (memory: PartitionMemory) => void;
  /** A sentence for the journal. */
  readonly onNote?: (text: string) => void;
  /** From now on this node follows the order of the VM ids, because its own attributes were changed. */
  readonly onSuspicious?: (problem: Problem) => void;
}

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly onMove: (to: Partition) => Promise<void>;
  /** Called with this VM each time that it was read. */
  readonly onOwn?: (vm: Vm) => void;
  /** OneGate has accepted what the boot published. */
  readonly published?: boolean;
  /** What Flower runs with: published while a new number of partitions waits. */
  readonly runs?: Partition | undefined;
}

// What OneGate shows of this node's own attributes. Every VM of the service may write them, so a value that was right once
// and is not right any more was changed by somebody else.
import { attribute, type PublishedName, type Vm } from '../onegate/replies.ts';
import type { Partition } from './partition.ts';

/**
 * What this node expects OneGate to show of it. `runs`: what Flower runs with, maybe still with another number of
 * partitions. The boot publishes FL_NODE_READY, nobody else: it opens the ready gate.
 */
export const ownAttributes = ({ id, of }: Partition, vmId: number, runs?: Partition) =>
  ({
    FL_PARTITION_ID: String(id),
    FL_NUM_PARTITIONS: String(runs?.id === id ? runs.of : of),
    FL_NODE_ID: String(vmId),
    FL_NODE_READY: 'YES',
  }) as const;

type Expected = Partial<Readonly<Record<PublishedName, string>>>;

/** Where OneGate shows something else than expected: 'FL_PARTITION_ID from 2 to 0'. */
export const changesOf = (vm: Vm, expected: Expected): string[] =>
  Object.entries(expected).flatMap(([name, value]) => {
    const found = attribute(vm, name as PublishedName);
    return found === value ? [] : [`${name} from ${shortened(value)} to ${shortened(found)}`];
  });

export class OwnAttributes {
  /** Those that OneGate has shown as expected, or has accepted from this node, with that value. */
  readonly #known = new Map<PublishedName, string>();

  /** OneGate has accepted an update of this node. */
  accepted(update: Expected): void {
    for (const [name, value] of Object.entries(update)) this.#known.set(name as PublishedName, value);
  }

  /** What somebody else has changed since the last look: 'FL_PARTITION_ID from 2 to 0'. */
  changes(vm: Vm, expected: Expected): string[] {
    return Object.entries(expected).flatMap(([key, value]) => {
      const name = key as PublishedName;
      // Without a suspicion, FL_PARTITION_ORDER may be absent.
      const found = attribute(vm, name) ?? (name === 'FL_PARTITION_ORDER' ? 'NO' : undefined);
      const wasRight = this.#known.get(name) === value;
      if (found === value) this.#known.set(name, value);
      else this.#known.delete(name);
      return wasRight && found !== value ? [`${name} from ${value} to ${shortened(found)}`] : [];
    });
  }
}

/** The text of somebody else, for a message. */
const shortened = (text: string | undefined): string =>
  text === undefined ? 'none' : /^[\w.-]{1,20}$/.test(text) ? text : `a text of ${text.length} characters`;

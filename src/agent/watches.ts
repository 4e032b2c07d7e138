// What is asked of Flower and of OneGate again and again after a boot, until the next one.
import type { Attributes } from '../boot/attributes.ts';
import type { BootResult } from '../boot/boot.ts';
import type { Machine } from '../host/machine.ts';
import type { OneGate } from '../onegate/client.ts';
import type { Vm } from '../onegate/replies.ts';
import { alterations, watchAttributes, withoutPartition } from './attribute-watch.ts';
import { watchFlower } from './flower-watch.ts';
import type { AgentEvent } from './life.ts';
import type { PendingWatch } from './pending-watch.ts';

interface On {
  readonly machine: Machine;
  /** Ends the watches. */
  readonly signal: AbortSignal;
  readonly dispatch: (event: AgentEvent) => void;
}

/** After a boot that succeeded. */
export function watchResult(result: BootResult, on: On & { readonly pending: PendingWatch }): void {
  const { published, partition, attributes, oneGate, config, runs } = result;
  const { machine, signal, dispatch } = on;
  const compare = published ? comparing(() => ownPart({ attributes, partition }), on) : () => {};
  const onMove = async (): Promise<void> => dispatch({ type: 'PartitionMoved' });
  if (partition !== undefined)
    void partition.manager.watch({ signal, onMove, published, runs, onOwn: compare });
  else if (oneGate !== undefined) void watchAttributes(machine, oneGate, signal, compare);
  const onDue = (): void => dispatch({ type: 'PendingDue' });
  void on.pending.watch(result.pending, config.role, { signal, onDue });
  callFlower(result, on);
}

/**
 * After a boot that failed, while Flower serves as in an earlier boot with this result. What only a boot can do is not
 * watched: that boot would fail, too. `oneGate` undefined: OneGate does not show what serves. `expected`: what it has to show.
 */
export function watchServing(
  result: BootResult,
  on: On & { readonly oneGate: OneGate | undefined; readonly expected: () => Attributes },
): void {
  callFlower(result, on);
  if (on.oneGate !== undefined)
    void watchAttributes(on.machine, on.oneGate, on.signal, comparing(on.expected, on), true);
}

/** What of the published attributes the partition manager does not publish, too. */
export const ownPart = ({
  attributes,
  partition,
}: Pick<BootResult, 'attributes' | 'partition'>): Attributes =>
  withoutPartition(attributes, partition !== undefined);

const comparing =
  (expected: () => Attributes, { dispatch }: On) =>
  (vm: Vm): void => {
    const found = alterations(vm, expected());
    if (found !== undefined) dispatch({ type: 'AttributesAltered', found });
  };

function callFlower({ endpoints, config }: BootResult, { machine, signal, dispatch }: On): void {
  void watchFlower({
    machine,
    endpoints,
    keepaliveSeconds: config.FL_GRPC_KEEPALIVE_TIME + config.FL_GRPC_KEEPALIVE_TIMEOUT,
    signal,
    notAnswering: (found, hung) => dispatch({ type: 'NotAnswering', found, hung }),
  });
}

// Why a run waits: which SuperNodes are missing, by OneGate and by Flower's own list.
import * as z from 'zod';
import { STOPPED_STATES } from '../cluster/select.ts';
import { parseJson } from '../core/json.ts';
import { Problem } from '../core/problem.ts';
import { plain } from '../core/text.ts';
import type { NodesWanted } from '../flower/rounds.ts';
import type { Machine } from '../host/machine.ts';
import { connectOneGate, ONCE } from '../onegate/client.ts';
import { attribute, type Service, type Vm } from '../onegate/replies.ts';
import { loadVm } from '../vm/load.ts';

const text = z.lazy(() => z.union([z.string(), z.number()]).transform((given) => plain(String(given), 40)));

const NODES = z.lazy(() =>
  z.object({
    nodes: z.array(z.object({ 'node-id': text, status: text, 'offline-at': text.catch('') })),
  }),
);

type ListedNode = z.infer<typeof NODES>['nodes'][number];

/** The SuperNodes in the output of `flwr supernode list --format json`; undefined when it is not one. */
export const nodesIn = (output: string): ListedNode[] | undefined =>
  parseJson(output.slice(output.indexOf('{')), NODES)?.nodes;

export const onlineOf = (nodes: readonly ListedNode[]): number =>
  nodes.filter(({ status }) => status === 'online').length;

/** The service of this VM as OneGate sees it. Undefined when it is not known. One try: the caller asks again. */
export async function readService(
  machine: Machine,
): Promise<{ service: Service; ownId: number } | undefined> {
  const { credentials } = loadVm(machine);
  if (credentials instanceof Problem || !('token' in credentials)) return undefined;
  try {
    const oneGate = connectOneGate({ ...credentials, ...machine, policy: ONCE });
    return { service: await oneGate.serviceInFull(), ownId: oneGate.vmId };
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

const MOST_LINES = 10;
const MOST_OFFLINE = 3;

/**
 * Sentences about the SuperNodes that are not there. First the VMs that say so themselves; if all say that they are ready,
 * what Flower lists as offline. A node that starts again has a new id, so the list also has nodes that are gone for good.
 */
export function missingNodes(
  { needed }: NodesWanted,
  seen: { service: Service; ownId: number } | undefined,
  listed: readonly ListedNode[],
): string[] {
  const roles = (seen?.service.roles ?? []).filter(
    ({ nodes }) => !nodes.some(({ id }) => id === seen?.ownId),
  );
  const vms = roles.flatMap(({ name, nodes }) =>
    nodes.filter(isSuperNode).map((vm) => ({ vm, role: plain(name, 40) })),
  );
  const waiting = [
    ...vms.flatMap(({ vm, role }) => {
      const why = whyMissing(vm);
      return why === undefined ? [] : [`VM ${vm.id} (role ${role}): ${why}`];
    }),
    ...roles.flatMap(({ name, nodes, cardinality }) =>
      nodes.length < cardinality
        ? [`role ${plain(name, 40)}: ${nodes.length} of ${cardinality} VMs exist`]
        : [],
    ),
  ];
  if (waiting.length > MOST_LINES)
    return [...waiting.slice(0, MOST_LINES), `and ${waiting.length - MOST_LINES} more`];
  if (waiting.length > 0) return waiting;
  const few =
    seen !== undefined && vms.length < needed
      ? [
          vms.length === 0
            ? 'the service has no SuperNode VM'
            : `SuperNode VMs of the service: ${vms.length}, all ready. Add nodes, or lower the minimum (FL_MIN_AVAILABLE_CLIENTS)`,
        ]
      : [];
  const offline = listed
    .filter(({ status }) => status === 'offline')
    .sort((a, b) => b['offline-at'].localeCompare(a['offline-at']))
    .slice(0, MOST_OFFLINE)
    .map((node) => `Flower lists node ${node['node-id']} as offline since ${node['offline-at']}`);
  return [...few, ...offline];
}

/** A VM that has not booted yet has published no role. */
const isSuperNode = (vm: Vm): boolean => (attribute(vm, 'FL_ROLE') ?? 'supernode') === 'supernode';

function whyMissing(vm: Vm): string | undefined {
  const stopped = vm.state === undefined ? undefined : STOPPED_STATES[vm.state];
  if (stopped !== undefined) return stopped;
  if (attribute(vm, 'FL_NODE_READY') === 'YES') return undefined;
  if (attribute(vm, 'FL_ROLE') === undefined) return 'its agent has published nothing yet';
  const error = attribute(vm, 'FL_ERROR') ?? '-';
  return /^[a-z][a-z0-9_]{0,63}$/.test(error) ? `not ready, FL_ERROR=${error}` : 'not ready yet';
}

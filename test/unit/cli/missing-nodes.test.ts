// Which SuperNodes a run waits for, from OneGate's service and from Flower's list of nodes.
import { expect, test } from 'vitest';
import { missingNodes, nodesIn, onlineOf } from '../../../src/cli/missing-nodes.ts';
import { MOST_NODES } from '../../../src/onegate/limits.ts';
import { parseService } from '../../../src/onegate/replies.ts';

const vm = (id: number, attributes: Readonly<Record<string, string>>, state = 3) => ({
  deploy_id: id,
  vm_info: { VM: { ID: String(id), STATE: String(state), USER_TEMPLATE: attributes } },
});
const READY = { FL_ROLE: 'supernode', FL_NODE_READY: 'YES', FL_ERROR: '-' };

/** What OneGate says, seen from VM 10, the SuperLink. */
function known(nodes: readonly object[], cardinality = nodes.length) {
  const roles = [
    {
      name: 'superlink',
      cardinality: 1,
      state: 2,
      nodes: [vm(10, { FL_ROLE: 'superlink', FL_READY: 'YES' })],
    },
    { name: 'supernode', cardinality, state: 2, nodes },
  ];
  return { service: parseService({ SERVICE: { id: 1, state: 2, roles } }), ownId: 10 };
}
const wanted = { online: 1, needed: 2 };

test('each VM that is not ready, with the reason that it gives', () => {
  const nodes = [
    vm(11, READY),
    vm(12, { FL_ROLE: 'supernode', FL_NODE_READY: 'NO', FL_ERROR: 'ca_mismatch' }),
    vm(13, { FL_ROLE: 'supernode', FL_NODE_READY: 'NO', FL_ERROR: '-' }),
    vm(14, {}),
    vm(15, READY, 8),
    vm(16, { FL_ROLE: 'superlink' }),
  ];
  expect(missingNodes(wanted, known(nodes), [])).toEqual([
    'VM 12 (role supernode): not ready, FL_ERROR=ca_mismatch',
    'VM 13 (role supernode): not ready yet',
    'VM 14 (role supernode): its agent has published nothing yet',
    'VM 15 (role supernode): powered off',
  ]);
});

test('VMs that OneFlow has not made yet', () => {
  expect(missingNodes(wanted, known([vm(11, READY)], 2), [])).toEqual(['role supernode: 1 of 2 VMs exist']);
  expect(missingNodes(wanted, known([], 2), [])).toEqual(['role supernode: 0 of 2 VMs exist']);
});

test('a run that needs more SuperNodes than the service has', () => {
  expect(missingNodes(wanted, known([vm(11, READY)]), [])).toEqual([
    'SuperNode VMs of the service: 1, all ready. Add nodes, or lower the minimum (FL_MIN_AVAILABLE_CLIENTS)',
  ]);
});

test('a service without SuperNodes', () => {
  expect(missingNodes(wanted, known([]), [])).toEqual(['the service has no SuperNode VM']);
});

test("all say that they are ready: the latest offline nodes of Flower's list; without OneGate too", () => {
  const offline = (id: number) => ({
    'node-id': String(id),
    status: 'offline',
    'offline-at': `2026-11-30 17:0${id}:00Z`,
  });
  const listed = [offline(1), offline(2), { 'node-id': '5', status: 'online' }, offline(4), offline(3)];
  const nodes = nodesIn(`Listing all nodes...\n${JSON.stringify({ success: true, nodes: listed })}\n`)!;
  const lines = [4, 3, 2].map((id) => `Flower lists node ${id} as offline since 2026-11-30 17:0${id}:00Z`);
  expect(onlineOf(nodes)).toBe(1);
  expect(missingNodes(wanted, known([vm(11, READY), vm(12, READY)]), nodes)).toEqual(lines);
  expect(missingNodes(wanted, undefined, nodes)).toEqual(lines);
});

test('texts of others are plain, and a large service is cut', () => {
  const bad = vm(12, { FL_ROLE: 'supernode', FL_ERROR: 'x\u001b[2J' });
  expect(missingNodes(wanted, known([bad]), [])).toEqual(['VM 12 (role supernode): not ready yet']);
  const many = Array.from({ length: Math.min(MOST_NODES, 1_000) }, (_, at) => vm(100 + at, {}));
  const lines = missingNodes({ online: 0, needed: 1_000 }, known(many), []);
  expect([lines.length, lines.at(-1)]).toEqual([11, 'and 990 more']);
});

test.each(['', 'no JSON', '{"success": false, "error-message": "x"}', '{"nodes": [{"status": 1}]}'])(
  'an output that is no list of nodes: %s',
  (output) => {
    expect(nodesIn(output)).toBeUndefined();
  },
);

// What real OneGate answered, read as the agent reads it.
import { describe, expect, test } from 'vitest';
import { attribute, parseService, parseVm } from '../../../src/onegate/replies.ts';
import { recordedJson } from '../../support/recorded.ts';

const vmWith = (userTemplate: unknown): unknown => ({
  VM: { ID: '7', NAME: 'n', STATE: '3', LCM_STATE: '3', USER_TEMPLATE: userTemplate },
});

describe('a recorded VM', () => {
  test('has its id, states and addresses as numbers and texts', () => {
    const vm = parseVm(recordedJson('02'));
    expect(vm).toMatchObject({ id: 1, state: 3, lcmState: 3, addresses: ['172.20.0.101'] });
    expect(attribute(vm, 'FL_ENDPOINT')).toBeUndefined();
  });

  test('shows what it published', () => {
    const vm = parseVm(recordedJson('24'));
    expect(attribute(vm, 'FL_ENDPOINT')).toBe('172.20.0.101:9092');
    expect(attribute(vm, 'FL_READY')).toBe('NO');
    expect(attribute(vm, 'READY')).toBe('YES');
  });

  test('has the state of a VM that is powered off or deleted', () => {
    expect(parseVm(recordedJson('310')).state).toBe(8);
    expect(parseVm(recordedJson('374')).state).toBe(6);
  });
});

describe('a recorded service', () => {
  test('lists roles that have no nodes yet, with the cardinality they will have', () => {
    const { state, roles } = parseService(recordedJson('04'));
    expect(state).toBe(1);
    expect(
      roles.map(({ name, cardinality, nodes }) => [name, cardinality, nodes.map((node) => node.id)]),
    ).toEqual([
      ['superlink', 1, [1]],
      ['supernode', 2, []],
    ]);
  });

  test('in its plain form has only the id of each node', () => {
    const [, superNodes] = parseService(recordedJson('20')).roles;
    expect(superNodes?.nodes.map((node) => [node.id, node.state, node.attributes.size])).toEqual([
      [2, undefined, 0],
      [3, undefined, 0],
    ]);
  });

  test('in its extended form shows what every node publishes, with a single NIC as an object', () => {
    const [superLink, superNodes] = parseService(recordedJson('21')).roles;
    expect(attribute(superLink!.nodes[0]!, 'FL_ENDPOINT')).toBe('172.20.0.101:9092');
    expect(superLink!.nodes[0]!.addresses).toEqual(['172.20.0.101']);
    expect(attribute(superNodes!.nodes[0]!, 'FL_NODE_READY')).toBe('YES');
  });

  test('keeps no CONTEXT of a peer and no attribute that is not for peers', () => {
    const kept = JSON.stringify(parseService(recordedJson('21')), (_, value) =>
      value instanceof Map ? [...value] : value,
    );
    expect(kept).not.toMatch(/CONTEXT|SSH_PUBLIC_KEY|ROLE_HINT|ONEGATE_ENDPOINT|HYPERVISOR|UUID/);
  });

  test('is read in every state that was recorded', () => {
    const numbers = [
      '04',
      '05',
      '17',
      '20',
      '21',
      '22',
      '23',
      '301',
      '304',
      '311',
      '313',
      '314',
      '322',
      '323',
      '325',
      '330',
      '364',
      '370',
    ];
    for (const number of numbers) expect(parseService(recordedJson(number)).roles.length).toBeGreaterThan(0);
    expect(parseService(recordedJson('330')).roles[1]!.nodes.map((node) => node.lcmState)).toContain(36);
    expect(parseService(recordedJson('323')).roles[1]!.nodes.map((node) => node.state)).toEqual([3, 6, 3]);
  });
});

describe('an attribute', () => {
  test('that was sent twice is its last text', () => {
    expect(attribute(parseVm(vmWith({ FL_ENDPOINT: ['a:1', 'b:2'] })), 'FL_ENDPOINT')).toBe('b:2');
  });

  test.each([{}, { A: '1' }, '', 5, null, [], [{}], [['x']]])('that is %j is none', (value) => {
    expect(attribute(parseVm(vmWith({ FL_ENDPOINT: value })), 'FL_ENDPOINT')).toBeUndefined();
  });

  test.each([{}, [], '', null, undefined, 'text'])('is none in a USER_TEMPLATE that is %j', (template) => {
    expect(parseVm(vmWith(template)).attributes.size).toBe(0);
  });

  test('with the name of a JavaScript property has no effect', () => {
    const vm = parseVm(
      JSON.parse(
        '{"VM":{"ID":"7","NAME":"n","USER_TEMPLATE":{"__proto__":{"FL_READY":"YES"},"constructor":"x"}}}',
      ),
    );
    expect(attribute(vm, 'FL_READY')).toBeUndefined();
  });
});

describe('an invalid reply', () => {
  test.each([
    null,
    [],
    'Not authorized',
    {},
    { VM: {} },
    { VM: { ID: 'x' } },
    { VM: { ID: '-1' } },
    { VM: { ID: 1.5 } },
  ])('%j is no VM', (json) => {
    expect(() => parseVm(json)).toThrow();
  });

  test.each([
    null,
    {},
    { SERVICE: {} },
    { SERVICE: { id: '1', state: 2, roles: 'x' } },
    { SERVICE: { id: '1', state: 'x', roles: [] } },
  ])('%j is no service', (json) => {
    expect(() => parseService(json)).toThrow();
  });

  test('a service with too many roles is invalid', () => {
    const roles = Array.from({ length: 1_001 }, () => ({ name: 'r', cardinality: 0, state: 1, nodes: [] }));
    expect(() => parseService({ SERVICE: { name: 's', id: '1', state: 2, roles } })).toThrow();
    expect(
      parseService({ SERVICE: { name: 's', id: '1', state: 2, roles: roles.slice(1) } }).roles,
    ).toHaveLength(1_000);
  });

  test('a node without a VM is left out; one whose vm_info is of another VM keeps only its id', () => {
    const role = {
      name: 'supernode',
      cardinality: 3,
      state: 1,
      nodes: [
        { deploy_id: null },
        { deploy_id: 4, vm_info: { VM: { ID: '9', STATE: '3', USER_TEMPLATE: { FL_READY: 'YES' } } } },
        { deploy_id: 5 },
      ],
    };
    const [read] = parseService({ SERVICE: { name: 's', id: '1', state: 1, roles: [role] } }).roles;
    expect(read!.nodes.map((node) => [node.id, node.attributes.size])).toEqual([
      [4, 0],
      [5, 0],
    ]);
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Claimant,
  choosePartition,
  membersOf,
  reviewPartition,
} from '../../../src/cluster/partition.ts';
import { parseService } from '../../../src/onegate/replies.ts';
import { recordedJson } from '../../support/recorded.ts';

const unclaimed = (...ids: number[]): Claimant[] => ids.map((vmId) => ({ vmId }));

/** Roles of up to nine nodes with any claims, numbers out of range and equal ones among them. */
const roles = fc.uniqueArray(
  fc.record({ vmId: fc.nat(500), claim: fc.option(fc.integer({ min: -2, max: 12 }), { nil: undefined }) }),
  { minLength: 1, maxLength: 9, selector: (node) => node.vmId },
);

describe('the partition of a node', () => {
  test('in a first deployment is the rank of its VM id', () => {
    const nodes = unclaimed(12, 7, 30);
    expect([7, 12, 30].map((myVmId) => choosePartition({ myVmId, nodes }))).toEqual([
      { id: 0, of: 3, why: 'by the order of the VM ids' },
      { id: 1, of: 3, why: 'by the order of the VM ids' },
      { id: 2, of: 3, why: 'by the order of the VM ids' },
    ]);
  });

  test('is one of 0..N-1, and no two nodes that read the same and have no claim yet choose the same', () => {
    fc.assert(
      fc.property(roles, fc.uniqueArray(fc.nat({ max: 500 }), { maxLength: 5 }), (known, fresh) => {
        const nodes = [
          ...known,
          ...unclaimed(...fresh.filter((id) => !known.some(({ vmId }) => vmId === id))),
        ];
        const without = nodes.filter(({ claim }) => claim === undefined).map(({ vmId }) => vmId);
        const chosen = without.map((myVmId) => choosePartition({ myVmId, nodes }));
        for (const { id, of } of chosen) {
          expect(of).toBe(nodes.length);
          expect(id).toBeGreaterThanOrEqual(0);
          expect(id).toBeLessThan(of);
        }
        expect(new Set(chosen.map(({ id }) => id)).size).toBe(without.length);
      }),
    );
  });

  test('after a reboot is the one that it published before', () => {
    const nodes = [
      { vmId: 7, claim: 2 },
      { vmId: 12, claim: 0 },
      { vmId: 30, claim: 1 },
    ];
    expect(choosePartition({ myVmId: 7, nodes, remembered: 1 })).toMatchObject({ id: 2 });
  });

  test('after a restore from a snapshot is what it published since, also when the older partition is free', () => {
    const nodes = [{ vmId: 7, claim: 2 }, { vmId: 12, claim: 0 }, { vmId: 30 }];
    expect(choosePartition({ myVmId: 7, nodes, remembered: 1 })).toMatchObject({ id: 2 });
  });

  test('is the stored one after somebody overwrote its claim', () => {
    const nodes = [{ vmId: 7 }, { vmId: 12, claim: 0 }, { vmId: 30, claim: 1 }];
    expect(choosePartition({ myVmId: 7, nodes, remembered: 2 })).toMatchObject({
      id: 2,
      why: 'as before',
    });
  });

  test('after a restore from an old snapshot is not one that another node has meanwhile', () => {
    const nodes = [{ vmId: 7 }, { vmId: 12, claim: 0 }, { vmId: 30, claim: 1 }];
    expect(choosePartition({ myVmId: 7, nodes, remembered: 0 })).toMatchObject({
      id: 2,
      why: 'lowest free partition',
    });
  });

  test('of a node that joins is the one that a removed node left, not the end of the list', () => {
    const nodes = [{ vmId: 12, claim: 1 }, { vmId: 30, claim: 2 }, { vmId: 41 }];
    expect(choosePartition({ myVmId: 41, nodes })).toMatchObject({ id: 0, of: 3 });
  });
});

describe('a review', () => {
  test('moves no node when nodes are added, and only updates their number', () => {
    const nodes = [
      { vmId: 7, claim: 0 },
      { vmId: 12, claim: 1 },
      { vmId: 30, claim: undefined },
    ];
    expect(reviewPartition({ myVmId: 7, nodes, mine: { id: 0, of: 2 } })).toEqual({
      id: 0,
      of: 3,
      why: 'the role has 3 nodes now, not 2',
    });
    expect(reviewPartition({ myVmId: 7, nodes, mine: { id: 0, of: 3 } })).toBeUndefined();
  });

  test('moves only nodes beyond the end when the oldest has left', () => {
    const nodes = [
      { vmId: 12, claim: 1 },
      { vmId: 30, claim: 2 },
    ];
    expect(reviewPartition({ myVmId: 12, nodes, mine: { id: 1, of: 3 } })).toMatchObject({ id: 1, of: 2 });
    expect(reviewPartition({ myVmId: 30, nodes, mine: { id: 2, of: 3 } })).toMatchObject({ id: 0, of: 2 });
  });

  test('does not move the older of two nodes with the same partition', () => {
    const nodes = [
      { vmId: 7, claim: 1 },
      { vmId: 12, claim: 1 },
    ];
    expect(reviewPartition({ myVmId: 7, nodes, mine: { id: 1, of: 2 } })).toBeUndefined();
    expect(reviewPartition({ myVmId: 12, nodes, mine: { id: 1, of: 2 } })).toEqual({
      id: 0,
      of: 2,
      why: 'VM 7, which is older, has partition 1',
    });
  });

  test('gives each node its final partition in one round when all read the same, and in at most N rounds otherwise', () => {
    fc.assert(
      fc.property(roles, fc.infiniteStream(fc.nat()), (start, order) => {
        const nodes = start.map((node) => ({ vmId: node.vmId, claim: node.claim ?? 0 }));
        const next = order[Symbol.iterator]();
        let quiet = 0;
        let steps = 0;
        // A random node, and after a stay all in their order: after N + 1 rounds no node moves any more.
        while (quiet <= nodes.length) {
          const node = nodes[(quiet > 0 ? steps : (next.next().value as number)) % nodes.length]!;
          const move = reviewPartition({
            myVmId: node.vmId,
            nodes,
            mine: { id: node.claim, of: nodes.length },
          });
          if (move !== undefined) node.claim = move.id;
          quiet = move === undefined ? quiet + 1 : 0;
          expect(++steps).toBeLessThan(nodes.length * nodes.length * 4 + 10);
        }
        expect(nodes.map(({ claim }) => claim).sort((a, b) => a - b)).toEqual(nodes.map((_, id) => id));
      }),
    );
  });
});

describe('the members', () => {
  const service = (
    cardinality: number,
    nodes: { id: number; state?: number; lcm?: number; claim?: unknown }[],
  ) =>
    parseService({
      SERVICE: {
        name: 's',
        id: '1',
        state: 2,
        roles: [
          {
            name: 'supernode',
            cardinality,
            state: 2,
            nodes: nodes.map(({ id, state = 3, lcm = 3, claim }) => ({
              deploy_id: id,
              vm_info: {
                VM: {
                  ID: `${id}`,
                  NAME: '',
                  STATE: `${state}`,
                  LCM_STATE: `${lcm}`,
                  USER_TEMPLATE: { FL_PARTITION_ID: claim },
                },
              },
            })),
          },
        ],
      },
    });

  test('are the nodes of the role in which OneFlow lists this VM', () => {
    expect(membersOf(parseService(recordedJson('20')), 3)).toMatchObject({ key: '2 3', listed: true });
    expect(membersOf(parseService(recordedJson('20')), 99)).toMatchObject({ nodes: [], listed: false });
  });

  test('do not include a VM that is DONE and still listed during a cooldown (exchange 323)', () => {
    expect(membersOf(parseService(recordedJson('323')), 2).key).toBe('2 12');
    expect(membersOf(parseService(recordedJson('322')), 2).key).toBe('2 3 12');
  });

  test('include a VM that is powered off, because it returns with its partition', () => {
    expect(membersOf(service(2, [{ id: 4, state: 8, lcm: 0, claim: '0' }, { id: 5 }]), 5).nodes).toEqual([
      { vmId: 4, claim: 0 },
      { vmId: 5, claim: undefined },
    ]);
  });

  test('do not include the oldest ones while the role shrinks, nor a VM that is shutting down', () => {
    expect(membersOf(service(2, [{ id: 4 }, { id: 5 }, { id: 6 }]), 6).key).toBe('5 6');
    expect(membersOf(service(2, [{ id: 4, lcm: 12 }, { id: 5 }, { id: 6 }]), 6).key).toBe('5 6');
    expect(membersOf(service(2, [{ id: 4 }, { id: 5 }, { id: 6 }]), 4).listed).toBe(false);
    for (const lcm of [11, 12])
      expect(membersOf(service(3, [{ id: 4, lcm }, { id: 5 }, { id: 6 }]), 6).key).toBe('5 6');
  });

  test.each(['abc', '-1', '1.5', '1e3', '٣', ' 1', '', {}, '99999999999999'])(
    'a claim of %j is none',
    (claim) => {
      expect(membersOf(service(1, [{ id: 4, claim }]), 4).nodes).toEqual([{ vmId: 4, claim: undefined }]);
    },
  );
});

// Which change of a launch plan restarts Flower at once, and which one waits.

import { describe, expect, test } from 'vitest';
import { differenceOf, PART_NAMES, PARTS, type Parts, partitionIn } from '../../../src/boot/parts.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';

const SUPERLINK: Parts = {
  tls: 'YES',
  trust: 'a b',
  operator_key: '',
  isolation: 'subprocess ',
  listen: '0.0.0.0:9092 127.0.0.1:9093',
  certificate: 'c1',
  flower: BAKED_FLOWER,
  environment: `/opt/flower/envs/${BAKED_FLOWER}-none`,
  database: 'state/state.db',
  keepalive: '60 20',
  log_level: 'INFO',
};
const SUPERNODE: Parts = {
  tls: 'YES',
  trust: 'a',
  superlink: '10.0.0.1:9092',
  partition_id: '0',
  num_partitions: '1',
  node_config: 'n',
};

const urgentOf = (before: Parts, change: Parts): string | undefined =>
  differenceOf(before, { ...before, ...change }).urgent;

describe('a change waits when Flower may run on without it:', () => {
  test.each<[string, Parts, Parts]>([
    ['a renewed certificate under the same CA', SUPERLINK, { certificate: 'c2' }],
    [
      'another version of Flower',
      SUPERLINK,
      { flower: '1.38.0', environment: '/opt/flower/envs/1.38.0-none' },
    ],
    ['another database', SUPERLINK, { database: 'state/other.db' }],
    ['keepalive and log level', SUPERLINK, { keepalive: '30 10', log_level: 'DEBUG' }],
    ['another number of partitions with the same id', SUPERNODE, { num_partitions: '2' }],
    ['another node config', SUPERNODE, { node_config: 'm' }],
    ['an added CA', SUPERNODE, { trust: 'a b' }],
    ['a plan that only another package explains', SUPERNODE, {}],
  ])('%s', (_, before, change) => {
    expect(urgentOf(before, change)).toBeUndefined();
  });
});

describe('a change does not wait when what serves is wrong or unsafe:', () => {
  test.each<[string, Parts, Parts]>([
    ['TLS switched off', SUPERLINK, { tls: 'NO', trust: '', certificate: '' }],
    ['TLS switched on', { ...SUPERLINK, tls: 'NO', trust: '', certificate: '' }, { tls: 'YES', trust: 'a' }],
    ['another CA', SUPERLINK, { trust: 'b z', certificate: 'c2' }],
    ['a CA that is not trusted any more', SUPERLINK, { trust: 'b' }],
    [
      "another key of the operator's certificate",
      { ...SUPERLINK, operator_key: 'k1' },
      { operator_key: 'k2', certificate: 'c2' },
    ],
    ['apps with another user', SUPERLINK, { isolation: 'process s' }],
    ['another secret of SuperExec', { ...SUPERLINK, isolation: 'process s' }, { isolation: 'process t' }],
    ['another listen address', SUPERLINK, { listen: '0.0.0.0:9192 127.0.0.1:9093' }],
    ['another SuperLink', SUPERNODE, { superlink: '10.0.0.2:9092' }],
    ['another partition', SUPERNODE, { partition_id: '1', num_partitions: '2' }],
    ['one of several changes', SUPERLINK, { certificate: 'c2', listen: '0.0.0.0:1 127.0.0.1:9093' }],
  ])('%s', (_, before, change) => {
    expect(urgentOf(before, change)).toBeDefined();
  });
});

test('the reason names each part that differs, with the values where they help', () => {
  const { reason } = differenceOf(SUPERNODE, { ...SUPERNODE, num_partitions: '2', node_config: 'm' });
  expect(reason).toBe('another number of data partitions (2 instead of 1), another node config');
  expect(differenceOf(SUPERNODE, SUPERNODE).reason).toBe('another launch plan of a new package');
});

test('a part that only one of two packages knows does not differ', () => {
  const { listen: _, ...older } = SUPERLINK;
  expect(differenceOf(older, SUPERLINK)).toEqual(differenceOf(SUPERLINK, SUPERLINK));
  expect(differenceOf(SUPERLINK, older)).toEqual(differenceOf(SUPERLINK, SUPERLINK));
});

test('the partition that Flower runs with', () => {
  expect(partitionIn(SUPERNODE)).toEqual({ id: 0, of: 1 });
  expect(partitionIn({ partition_id: '-', num_partitions: '-' })).toBeUndefined();
  expect(partitionIn(SUPERLINK)).toBeUndefined();
});

test('a variable belongs to one part', () => {
  const all = PART_NAMES.flatMap((name): readonly string[] => PARTS[name].variables);
  expect(all.filter((name, at) => all.indexOf(name) !== at)).toEqual([]);
});

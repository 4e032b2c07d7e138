// The node config that a SuperNode gives to Flower for its share of the data: the built program, and the file that Flower reads.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { NET, supernode, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

const SUPERLINK = { FL_READY: 'YES', FL_TLS: 'NO', FL_ENDPOINT: `${NET}.200.1:9092` };

async function nodeConfigOf(vm: Vm): Promise<string[]> {
  await vm.waitFor('the launch plan', ({ steps }) =>
    steps.some(({ id, state }) => id === 'start_flower' && state === 'done'),
  );
  const lines = readFileSync(vm.at('run/flower-context/node-config.toml'), 'utf8').trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('data-path'))).toEqual([
    `data-path = "${vm.at('opt/flower/data')}"`,
  ]);
  return lines.filter((line) => !line.startsWith('data-path'));
}

describe('the node config of a SuperNode', () => {
  test('in a service gets the partition that it claims, and the number of partitions', async () => {
    const { vm } = await supernode(SUPERLINK);
    expect(await nodeConfigOf(vm)).toEqual(['num-partitions = 1', 'partition-id = 0']);
    expect(vm.status()?.facts).toMatchObject({ partition_id: 0, num_partitions: 1 });
  });

  test.each([
    ['partition-id=9 site=a', ['num-partitions = 1', 'partition-id = 9', 'site = "a"']],
    ['num-partitions=12', ['num-partitions = 12', 'partition-id = 0']],
  ])('uses each key of FL_NODE_CONFIG: %s', async (given, lines) => {
    const { vm } = await supernode(SUPERLINK, { FL_NODE_CONFIG: given });
    expect(await nodeConfigOf(vm)).toEqual(lines);
    // The peers use the partition on OneGate, whatever the node config gives to the app of this node.
    expect(vm.status()?.facts).toMatchObject({ partition_id: 0, num_partitions: 1 });
  });

  test('outside a service has no partition, and one line of the journal says so', async () => {
    const { vm, one, federation } = await supernode(
      {},
      { FL_SUPERLINK_ADDRESS: `${NET}.200.1:9092`, FL_TLS_ENABLED: 'NO', FL_NODE_CONFIG: 'site=a' },
    );
    expect(await nodeConfigOf(vm)).toEqual(['site = "a"']);
    const lines = vm.journal().filter(({ message }) => message.includes('partition'));
    expect(lines.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /choose the data partition: skipped - outside a service: partition-id and num-partitions are left to FL_NODE_CONFIG$/,
      ),
    ]);
    expect(
      federation.zone.log.filter(({ vm: from }) => from === one.id).map(({ path }) => path),
    ).not.toContain('/service');
    expect(one.userTemplate.get('FL_PARTITION_ID')).toBeUndefined();
  });
});

test('a SuperNode whose attributes others have changed says so in status, journal and FL_ERROR, and still serves', async () => {
  const federation = zone({ supernodes: 1 });
  await federation.deploy();
  await federation.zone.until(() => federation.supernodes.length === 1);
  const vm = federation.supernodes[0]!;
  await vm.whenReady();
  const attributes = () => federation.seenBy(vm).userTemplate;
  expect(attributes().get('FL_PARTITION_ORDER')).toBeUndefined();
  await vm.shutdown();
  // The agent stores this after two changes, which takes minutes.
  const path = vm.at('var/lib/flower-context/checkpoint.json');
  const checkpoint = JSON.parse(readFileSync(path, 'utf8')) as { partition: object };
  const suspicion = 'somebody else has changed FL_PARTITION_ID from 0 to 1 of this VM';
  writeFileSync(path, JSON.stringify({ ...checkpoint, partition: { ...checkpoint.partition, suspicion } }));
  await vm.boot();
  const { problems, steps } = await vm.whenReady();
  expect(problems.find(({ code }) => code === 'peer_suspicious')).toMatchObject({
    kind: 'degraded',
    found: expect.stringContaining('FL_PARTITION_ID from 0 to 1'),
  });
  expect(steps.find(({ id }) => id === 'partition')?.state).toBe('degraded');
  expect(vm.journal().some(({ message }) => message.includes('peer_suspicious'))).toBe(true);
  for (const [name, value] of [
    ['FL_NODE_READY', 'YES'],
    ['FL_ERROR', 'peer_suspicious'],
    ['FL_PARTITION_ORDER', 'YES'],
  ] as const)
    expect(attributes().get(name)).toBe(value);
});

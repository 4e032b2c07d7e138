import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Checkpoint } from '../../../src/boot/checkpoint.ts';
import { PartitionManager } from '../../../src/cluster/partition-manager.ts';
import { connectOneGate } from '../../../src/onegate/client.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { chance, SmallZone } from '../../support/small-zone.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a node keeps its partition over an upgrade from 0.1, whose checkpoint has another name for the members', async () => {
  const file = join(folder, 'checkpoint.json');
  writeFileSync(
    file,
    JSON.stringify({
      version: 1,
      steps: {},
      partition: { id: 1, of: 2, vmId: 2, roster: '2 3', byRank: false },
    }),
  );
  const checkpoint = new Checkpoint(file, new Date());
  expect(checkpoint.damage).toBeUndefined();
  const clock = new FakeClock();
  const random = chance(1);
  const zone = new SmallZone(clock, random);
  zone.add(zone.superLinks);
  zone.superNodes.cardinality = 2;
  for (let n = 0; n < 2; n++) zone.add(zone.superNodes);
  const paths: string[] = [];
  zone.onRequest = (_vmId, path) => paths.push(path);
  const manager = new PartitionManager({
    oneGate: connectOneGate({
      endpoint: 'http://127.34.0.1:5030',
      token: 'dA==',
      vmId: 2,
      clock,
      random,
      send: zone.send(2),
    }),
    clock,
    random,
    memory: checkpoint.partition,
    remember: (memory) => checkpoint.rememberPartition(memory),
  });
  expect(await clock.run(manager.choose())).toMatchObject({ id: 1, of: 2 });
  // The members are the same, so no claim was read.
  expect(paths).toEqual(['GET /service']);
  const written = JSON.parse(readFileSync(file, 'utf8')) as { partition: object };
  expect(written.partition).toEqual({ id: 1, of: 2, vmId: 2, members: '2 3' });
});

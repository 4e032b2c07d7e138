// The partition protocol in a thousand simulated lives of a service: the real protocol over the real client, on a clock
// that the test controls (test/support/partition-scenario.ts), and then a few lives against the OneGate stub, over
// real sockets and in real time.
//
// 200 of them in every run of the tests, LIVES=all 1,000, SEEDS=5000 as many; SEED=17 runs one and prints what happened.
import { afterAll, describe, expect, test } from 'vitest';
import { PartitionManager } from '../../src/cluster/partition-manager.ts';
import { findSuperLink } from '../../src/cluster/resolver.ts';
import { type Clock, realClock } from '../../src/core/clock.ts';
import { connectOneGate } from '../../src/onegate/client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { published, type Service, type Vm, Zone } from '../support/onegate/index.ts';
import { type Outcome, Scenario } from '../support/partition-scenario.ts';
import { chance, SmallZone } from '../support/small-zone.ts';

const SEEDS = Number(process.env.SEEDS ?? (process.env.LIVES === 'all' ? 1_000 : 200));
const ONE = process.env.SEED;
const PARTS = 5;

const outcomes: Outcome[] = [];

const spread = (values: number[]): string => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return `median ${at(0.5)}, 99 of 100 within ${at(0.99)}, at most ${at(1)}`;
};

afterAll(() => {
  if (outcomes.length === 0) return;
  console.log(
    [
      `${outcomes.length} lives of up to ${Math.max(...outcomes.map((one) => one.nodes))} nodes; after the last disturbance:`,
      `  seconds until every partition is right and in use: ${spread(outcomes.map((one) => one.seconds))}`,
      `  readings of the claims by one node:            ${spread(outcomes.map((one) => one.rounds))}`,
      `  restarts of Flower on one node:                ${spread(outcomes.map((one) => one.restarts))}`,
    ].join('\n'),
  );
});

describe('after any disturbances of a role each node gets a partition of its own out of 0..N-1', () => {
  const parts = ONE === undefined ? Array.from({ length: PARTS }, (_, part) => part) : [Number(ONE)];
  test.each(parts)('part %d', async (part) => {
    for (let seed = part; seed < (ONE === undefined ? SEEDS : part + 1); seed += PARTS) {
      const scenario = new Scenario(seed);
      const outcome = await scenario.run(1 + (seed % 10));
      if (ONE !== undefined) console.log(scenario.log.join('\n'), outcome);
      expect(outcome.fault, `SEED=${seed}\n${scenario.log.join('\n')}`).toBeUndefined();
      // Twice what a node lets pass between two readings of all claims, and some.
      expect(outcome.seconds, `SEED=${seed}`).toBeLessThan(400);
      outcomes.push(outcome);
    }
  });
});

test('a first deployment of all nodes in the same second never gives two nodes one partition and restarts no Flower', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const scenario = new Scenario(seed);
    scenario.zone.serviceState = 1;
    scenario.scaleUp(1 + (seed % 12));
    for (let second = 0; second < 60; second++) {
      await scenario.clock.advance(1_000);
      const partitions = scenario.nodes.flatMap((node) => (node.inUse === undefined ? [] : [node.inUse.id]));
      expect(new Set(partitions).size).toBe(partitions.length);
    }
    expect(scenario.fault()).toBeUndefined();
    expect(scenario.nodes.map((node) => node.restarts).every((count) => count === 0)).toBe(true);
    for (const node of scenario.nodes) node.crash();
  }
});

test('a boot sends four requests, for its VM, the service, the SuperLink and the update, and later only reads the list', async () => {
  const clock = new FakeClock();
  const random = chance(3);
  const zone = new SmallZone(clock, random);
  Object.assign(zone.add(zone.superLinks).template, {
    FL_READY: 'YES',
    FL_ENDPOINT: '172.20.0.101:9092',
    FL_TLS: 'NO',
  });
  zone.superNodes.cardinality = 2;
  zone.add(zone.superNodes);
  zone.add(zone.superNodes);
  zone.serviceState = 1;
  const asked: string[] = [];
  zone.onRequest = (vmId, path) => vmId === 3 && asked.push(path);
  const oneGate = connectOneGate({
    endpoint: 'http://127.34.0.1:5030',
    token: 'dA==',
    vmId: 3,
    clock,
    random,
    send: zone.send(3),
  });
  const manager = new PartitionManager({ oneGate, clock, random });
  const stop = new AbortController();
  const boot = async (): Promise<void> => {
    const stored = await oneGate.vm();
    const { service } = await findSuperLink({
      oneGate,
      clock,
      random,
      backoff: 'exponential',
      maxBackoffSeconds: 300,
    });
    const partition = await manager.choose({ service, stored });
    await oneGate.update(
      {
        FL_PARTITION_ID: `${partition!.id}`,
        FL_NUM_PARTITIONS: `${partition!.of}`,
        FL_NODE_READY: 'YES',
        READY: 'YES',
      },
      { ready: true },
    );
  };
  await clock.run(boot());
  manager.watch({ signal: stop.signal, onMove: async () => {} });
  await clock.advance(10_000);
  expect(asked).toEqual(['GET /vm', 'GET /service', 'GET /vms/1', 'PUT /vm']);
  await clock.advance(60_000);
  stop.abort();
  expect(new Set(asked.slice(4))).toEqual(new Set(['GET /service']));
});

describe('against the OneGate stub, over sockets, a hundred times faster than real time', () => {
  const SPEED = 100;
  const fast: Clock = { ...realClock, sleep: (ms, signal) => realClock.sleep(ms / SPEED, signal) };

  /** The agents of all SuperNodes of a zone, reduced to their partitions. */
  function run(zone: Zone, service: Service) {
    const agents = new Map<number, { stop: AbortController; manager: PartitionManager }>();
    const problems: unknown[] = [];
    const start = (vm: Vm): void => {
      if (vm.role !== 'supernode') return;
      const stop = new AbortController();
      const { signal } = stop;
      const oneGate = connectOneGate({
        endpoint: zone.endpoint,
        token: vm.token,
        vmId: vm.id,
        clock: fast,
        random: Math.random,
        signal,
      });
      const manager = new PartitionManager({ oneGate, clock: fast, random: Math.random });
      agents.set(vm.id, { stop, manager });
      const live = async (): Promise<void> => {
        const partition = (await manager.choose({ signal }))!;
        await oneGate.update(
          { FL_PARTITION_ID: `${partition.id}`, FL_NUM_PARTITIONS: `${partition.of}`, FL_NODE_READY: 'YES' },
          { ready: true },
        );
        await manager.watch({ signal, onMove: async () => {} });
      };
      live().catch((error: unknown) => signal.aborted || problems.push(error));
    };
    const end = (vm: Vm): void => agents.get(vm.id)?.stop.abort();
    zone.onDeploy(start);
    zone.onResume(start);
    zone.onPoweroff(end);
    zone.onTerminate(end);
    const partitions = (): string[] =>
      service
        .role('supernode')
        .nodes.filter((vm) => vm.state !== 'DONE')
        .map((vm) => `${published(vm, 'FL_PARTITION_ID')}/${published(vm, 'FL_NUM_PARTITIONS')}`)
        .sort();
    const settled = async (count: number): Promise<void> => {
      const wanted = Array.from({ length: count }, (_, id) => `${id}/${count}`).sort();
      await expect.poll(partitions, { timeout: 20_000, interval: 20 }).toEqual(wanted);
      expect(problems).toEqual([]);
    };
    const endAll = (): void => {
      for (const { stop } of agents.values()) stop.abort();
    };
    return { settled, endAll };
  }

  test('partitions are right after deployment, growth, shrinkage, a power cut, an outside termination and vandalism', async () => {
    const zone = await new Zone({ address: '127.34.0.7', cooldownMs: 50, shutdownMs: 100 }).start();
    try {
      const service = zone.addService({
        name: 'flower',
        roles: [{ name: 'superlink' }, { name: 'supernode', cardinality: 4, parents: ['superlink'] }],
      });
      const { settled, endAll } = run(zone, service);
      const superLink = service.role('superlink').nodes[0]!;
      const oneGate = connectOneGate({
        endpoint: zone.endpoint,
        token: superLink.token,
        vmId: superLink.id,
        clock: fast,
        random: Math.random,
      });
      await oneGate.update({ READY: 'YES' }, { ready: true });
      const running = (): Promise<void> => zone.until(() => service.state === 'RUNNING', 10_000);
      await settled(4);
      await running();
      expect(service.scale('supernode', 6)).toBeUndefined();
      await settled(6);
      await running();
      expect(service.scale('supernode', 3)).toBeUndefined();
      await settled(3);
      await running();
      const [first, second] = service.role('supernode').nodes as [Vm, Vm];
      zone.poweroff(first);
      second.userTemplate.set('FL_PARTITION_ID', '99');
      zone.resume(first);
      await settled(3);
      zone.terminate(second);
      await settled(2);
      endAll();
    } finally {
      await zone.stop();
    }
  });
});

import { describe, expect, test } from 'vitest';
import type { Partition } from '../../../src/cluster/partition.ts';
import { PartitionManager, type PartitionMemory } from '../../../src/cluster/partition-manager.ts';
import type { PartitionManagerOptions } from '../../../src/cluster/partition-options.ts';
import type { Problem } from '../../../src/core/problem.ts';
import { connectOneGate, type OneGate } from '../../../src/onegate/client.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ONED_MS_PER_CALL } from '../../support/onegate/oned-calls.ts';
import { chance, SmallZone } from '../../support/small-zone.ts';

/** A service with SuperNodes 2..count+1. */
function role(count: number) {
  const clock = new FakeClock();
  const random = chance(7);
  const zone = new SmallZone(clock, random);
  zone.add(zone.superLinks);
  zone.superNodes.cardinality = count;
  for (let n = 0; n < count; n++) zone.add(zone.superNodes);
  const paths: string[] = [];
  zone.onRequest = (vmId, path) => paths.push(`${vmId} ${path}`);
  const oneGateOf = (vmId: number): OneGate =>
    connectOneGate({
      endpoint: 'http://127.34.0.1:5030',
      token: 'dA==',
      vmId,
      clock,
      random,
      send: zone.send(vmId),
    });
  const keeperOf = (vmId: number, options: Partial<PartitionManagerOptions> = {}): PartitionManager =>
    new PartitionManager({ oneGate: oneGateOf(vmId), clock, random, ...options });
  const claim = (vmId: number, text: unknown): void => {
    zone.superNodes.nodes.find((vm) => vm.id === vmId)!.template.FL_PARTITION_ID = text;
  };
  const claims = (): unknown[] => zone.superNodes.nodes.map((vm) => vm.template.FL_PARTITION_ID);
  return { clock, zone, paths, oneGateOf, keeperOf, claim, claims };
}

/** Watches until the test ends; `moves` is what Flower was given. */
function watch(keeper: PartitionManager) {
  const moves: Partition[] = [];
  const stop = new AbortController();
  const end = keeper.watch({ signal: stop.signal, onMove: async (to) => void moves.push(to) });
  return { moves, stop: () => stop.abort(), end };
}

describe('at boot', () => {
  test('a first deployment needs only this VM and the list, which the boot has read before', async () => {
    const { clock, zone, paths, oneGateOf, keeperOf } = role(3);
    zone.serviceState = 1;
    const stored = await clock.run(oneGateOf(3).vm());
    const service = await clock.run(oneGateOf(3).service());
    paths.length = 0;
    expect(await clock.run(keeperOf(3).choose({ service, stored }))).toEqual({
      id: 1,
      of: 3,
      why: 'by the order of the VM ids',
    });
    expect(paths).toEqual([]);
  });

  test.each([
    ['this VM shows a claim already', '2'],
    ['this VM shows a claim of another life', 'x'],
  ])('the partition is not the rank of a first deployment where %s', async (_what, shown) => {
    const { clock, zone, paths, keeperOf, claim } = role(3);
    zone.serviceState = 1;
    claim(3, shown);
    await clock.run(keeperOf(3).choose());
    expect(paths).toContain('3 GET /service?extended=true');
  });

  test('the rank of a first deployment is checked against the claims when OneGate does not show this VM', async () => {
    const { clock, zone, paths, oneGateOf, keeperOf } = role(3);
    zone.serviceState = 1;
    const service = await clock.run(oneGateOf(3).service());
    zone.down = true;
    const keeper = keeperOf(3);
    expect(await clock.run(keeper.choose({ service }))).toMatchObject({ id: 1, of: 3 });
    // Not at once: all nodes of a role that boots would.
    expect(paths).not.toContain('3 GET /service?extended=true');
    zone.down = false;
    paths.length = 0;
    const { stop } = watch(keeper);
    await clock.advance(10_000);
    stop();
    expect(paths).toContain('3 GET /service?extended=true');
  });

  test('a reboot into the same role needs only the list', async () => {
    const { clock, paths, keeperOf } = role(3);
    const memory: PartitionMemory = { vmId: 3, id: 2, of: 3, members: '2 3 4' };
    expect(await clock.run(keeperOf(3, { memory }).choose())).toMatchObject({ id: 2, of: 3 });
    expect(paths).toEqual(['3 GET /service']);
  });

  test('a node that joins reads the claims of the others once', async () => {
    const { clock, paths, keeperOf, claim } = role(3);
    claim(2, '1');
    claim(3, '2');
    expect(await clock.run(keeperOf(4).choose())).toMatchObject({ id: 0, of: 3 });
    expect(paths).toEqual(['4 GET /service', '4 GET /service?extended=true']);
  });

  test('a disk with the partition of another VM counts as an empty disk', async () => {
    const { clock, keeperOf, claim } = role(2);
    claim(2, '1');
    const memory: PartitionMemory = { vmId: 2, id: 1, of: 2, members: '2 3' };
    expect(await clock.run(keeperOf(3, { memory }).choose())).toMatchObject({ id: 0 });
  });

  test('a chosen partition is stored before it is used', async () => {
    const { clock, keeperOf } = role(2);
    const memories: PartitionMemory[] = [];
    await clock.run(keeperOf(3, { remember: (memory) => memories.push(memory) }).choose());
    expect(memories).toEqual([{ vmId: 3, id: 1, of: 2, members: '2 3' }]);
  });

  test('a node uses the order of the ids and reports it when the claims cannot be read (one broken VM makes them 404)', async () => {
    const { clock, zone, keeperOf } = role(3);
    zone.unreadable = true;
    const notes: string[] = [];
    const choice = await clock.run(keeperOf(4, { onNote: (text) => notes.push(text) }).choose());
    expect(choice).toMatchObject({ id: 2, of: 3 });
    expect(notes.join()).toContain('404');
  });

  test('a node outside a service has no partition', async () => {
    const clock = new FakeClock();
    const oneGate = connectOneGate({
      endpoint: 'http://127.34.0.1:5030',
      token: 'dA==',
      vmId: 9,
      clock,
      random: () => 0,
      send: async () => ({ status: 400, headers: {}, body: 'Empty or invalid SERVICE_ID' }),
    });
    expect(await new PartitionManager({ oneGate, clock, random: () => 0 }).choose()).toBeUndefined();
  });
});

describe('afterwards', () => {
  test('the claims are read once, and then only the list, every half minute or so', async () => {
    const { clock, paths, keeperOf, claim } = role(2);
    const keeper = keeperOf(3);
    await clock.run(keeper.choose());
    claim(3, '1');
    paths.length = 0;
    const { moves, stop } = watch(keeper);
    await clock.advance(65_000);
    stop();
    expect(paths[0]).toBe('3 GET /service?extended=true');
    expect(paths.slice(1).every((path) => path === '3 GET /service')).toBe(true);
    expect(paths.length).toBeGreaterThanOrEqual(3);
    expect(moves).toEqual([]);
  });

  test('a role that shrinks moves the nodes beyond the end once, after the claim was checked', async () => {
    const { clock, zone, keeperOf, claim, claims } = role(3);
    const keeper = keeperOf(4);
    claim(2, '0');
    claim(3, '1');
    await clock.run(keeper.choose());
    claim(4, '2');
    const { moves, stop } = watch(keeper);
    await clock.advance(10_000);
    zone.superNodes.cardinality = 2;
    zone.remove(zone.superNodes, zone.superNodes.nodes[0]!);
    for (let second = 0; second < 60 && claims()[1] !== '0'; second++) await clock.advance(1_000);
    expect(claims()).toEqual(['1', '0']);
    expect(moves).toEqual([]);
    await clock.advance(10_000);
    stop();
    expect(moves).toEqual([{ id: 0, of: 2 }]);
  });

  test('a short inconsistency moves no node', async () => {
    const { clock, keeperOf, claim, paths } = role(2);
    const keeper = keeperOf(3);
    claim(2, '0');
    await clock.run(keeper.choose());
    claim(3, '1');
    claim(2, '1');
    const { moves, stop } = watch(keeper);
    await clock.advance(3_000);
    claim(2, '0');
    await clock.advance(60_000);
    stop();
    expect(moves).toEqual([]);
    expect(keeper.partition).toEqual({ id: 1, of: 2 });
    expect(paths).not.toContain('3 PUT /vm');
  });

  test('a node that OneFlow is about to end does not claim its partition again', async () => {
    const { clock, zone, keeperOf, claim, paths } = role(3);
    const keeper = keeperOf(2);
    claim(3, '1');
    claim(4, '2');
    await clock.run(keeper.choose());
    claim(2, '0');
    zone.superNodes.cardinality = 2;
    paths.length = 0;
    const { moves, stop } = watch(keeper);
    await clock.advance(120_000);
    stop();
    expect(paths).toContain('2 GET /service?extended=true');
    expect(paths).not.toContain('2 PUT /vm');
    expect(moves).toEqual([]);
  });

  test('a claim that somebody overwrote is published again', async () => {
    const { clock, keeperOf, claim, claims } = role(2);
    const keeper = keeperOf(3);
    claim(2, '0');
    await clock.run(keeper.choose());
    claim(3, 'nonsense');
    const { moves, stop } = watch(keeper);
    await clock.advance(5_000);
    stop();
    expect(claims()).toEqual(['0', '1']);
    expect(moves).toEqual([]);
  });

  test('an outage is logged and does not end the watch', async () => {
    const { clock, zone, keeperOf, claim, claims } = role(2);
    const notes: string[] = [];
    const keeper = keeperOf(3, { onNote: (text) => notes.push(text) });
    await clock.run(keeper.choose());
    zone.down = true;
    const { stop } = watch(keeper);
    await clock.advance(60_000);
    expect(notes.join()).toContain('connection refused');
    zone.down = false;
    claim(2, '0');
    await clock.advance(60_000);
    stop();
    expect(claims()).toEqual(['0', '1']);
  });

  test('an outage alone is no reason to read the claims', async () => {
    const { clock, zone, keeperOf, paths, claim } = role(2);
    const keeper = keeperOf(3);
    await clock.run(keeper.choose());
    claim(3, '1');
    const { stop } = watch(keeper);
    await clock.advance(10_000);
    zone.down = true;
    await clock.advance(60_000);
    zone.down = false;
    paths.length = 0;
    await clock.advance(45_000);
    stop();
    expect(paths.length).toBeGreaterThanOrEqual(1);
    expect(paths).not.toContain('3 GET /service?extended=true');
  });

  test('a large role sends at most 15 requests a second, which take a quarter of oned', async () => {
    const nodes = 400;
    const { clock, zone, keeperOf, claim } = role(nodes);
    const watches: { stop: () => void }[] = [];
    for (let vmId = 2; vmId < nodes + 2; vmId += 40) {
      const keeper = keeperOf(vmId);
      claim(vmId, String(vmId - 2));
      await clock.run(keeper.choose());
      watches.push(watch(keeper));
    }
    zone.counts.clear();
    const seconds = 3_600;
    await clock.advance(seconds * 1_000);
    for (const { stop } of watches) stop();
    // One node in forty is watched here.
    const perSecond = (path: string): number => ((zone.counts.get(path) ?? 0) * 40) / seconds;
    expect(perSecond('GET /service')).toBeLessThan(15);
    expect((perSecond('GET /service?extended=true') * nodes * ONED_MS_PER_CALL) / 1_000).toBeLessThan(0.3);
    expect(zone.counts.get('GET /service?extended=true')).toBeGreaterThanOrEqual(watches.length);
  });

  test('a large role does not read the claims in the same minute when it has lost a node', async () => {
    const nodes = 400;
    const { clock, zone, keeperOf, claim } = role(nodes);
    zone.serviceState = 1;
    const watches: { stop: () => void }[] = [];
    for (let vmId = 2; vmId < nodes + 2; vmId += 40) {
      const keeper = keeperOf(vmId);
      await clock.run(keeper.choose());
      claim(vmId, String(vmId - 2));
      watches.push(watch(keeper));
    }
    const read: number[] = [];
    zone.onRequest = (_vmId, path) => path.includes('extended') && read.push(clock.monotonicMs());
    zone.superNodes.cardinality--;
    zone.remove(zone.superNodes, zone.superNodes.nodes.at(-1)!);
    await clock.advance(3_600_000);
    for (const { stop } of watches) stop();
    expect(read.length).toBeGreaterThanOrEqual(watches.length);
    expect(Math.max(...read) - Math.min(...read)).toBeGreaterThan(60_000);
  });

  test('Flower is offered the partition again after a failed restart', async () => {
    const { clock, keeperOf, claim } = role(2);
    const keeper = keeperOf(3);
    claim(2, '1');
    await clock.run(keeper.choose());
    claim(2, '0');
    claim(3, '0');
    let tries = 0;
    const stop = new AbortController();
    keeper.watch({
      signal: stop.signal,
      onMove: async () => {
        if (++tries === 1) throw new Error('busy');
      },
    });
    await clock.advance(120_000);
    stop.abort();
    expect(tries).toBe(2);
  });

  test('the watch ends with its signal and leaves no timer', async () => {
    const { clock, keeperOf } = role(2);
    const keeper = keeperOf(3);
    await clock.run(keeper.choose());
    const { stop, end } = watch(keeper);
    await clock.advance(7_000);
    stop();
    await end;
    expect(clock.pending).toBe(0);
  });
});

describe('after a first deployment', () => {
  /** The three nodes of a role that is being deployed, each with its partition published. */
  async function deployed(options: Partial<PartitionManagerOptions> = {}) {
    const setup = role(3);
    const { zone, clock, keeperOf, claim } = setup;
    zone.serviceState = 1;
    const keepers = [2, 3, 4].map((vmId) => keeperOf(vmId, vmId === 3 ? options : {}));
    for (const keeper of keepers) await clock.run(keeper.choose());
    for (const [id, keeper] of keepers.entries()) {
      expect(keeper.partition).toEqual({ id, of: 3 });
      claim(id + 2, String(id));
    }
    zone.serviceState = 2;
    setup.paths.length = 0;
    const read = (): string[] => setup.paths.filter((path) => path.includes('extended'));
    return { ...setup, keepers, read };
  }

  test('the claims are not read while the list of VMs is the same', async () => {
    const { clock, keepers, paths, read } = await deployed();
    const watches = keepers.map(watch);
    await clock.advance(3_600_000);
    for (const { stop } of watches) stop();
    expect(read()).toEqual([]);
    expect(new Set(paths.map((path) => path.slice(2)))).toEqual(new Set(['GET /service', 'GET /vm']));
  });

  test('nodes that come later are counted without reading what they claim', async () => {
    const { clock, zone, keepers, read, claims } = await deployed();
    const watches = keepers.map(watch);
    zone.superNodes.cardinality = 5;
    zone.add(zone.superNodes);
    zone.add(zone.superNodes);
    await clock.advance(120_000);
    for (const { stop } of watches) stop();
    expect(watches.map(({ moves }) => moves)).toEqual([0, 1, 2].map((id) => [{ id, of: 5 }]));
    expect(zone.superNodes.nodes.slice(0, 3).map((vm) => vm.template.FL_NUM_PARTITIONS)).toEqual([
      '5',
      '5',
      '5',
    ]);
    expect(claims().slice(0, 3)).toEqual(['0', '1', '2']);
    expect(read()).toEqual([]);
  });

  test('a list that has lost a node is a reason to read them', async () => {
    const { clock, zone, keepers, read } = await deployed();
    const { moves, stop } = watch(keepers[2]!);
    zone.superNodes.cardinality = 2;
    zone.remove(zone.superNodes, zone.superNodes.nodes[0]!);
    await clock.advance(60_000);
    stop();
    expect(read().length).toBeGreaterThanOrEqual(2);
    expect(moves).toEqual([{ id: 0, of: 2 }]);
  });

  test('a claim that somebody overwrote is noticed within three minutes, published again, and the claims are read', async () => {
    const { clock, keepers, claim, claims, read } = await deployed();
    const { stop } = watch(keepers[1]!);
    await clock.advance(20_000);
    claim(3, '0');
    await clock.advance(200_000);
    stop();
    expect(claims()).toEqual(['0', '1', '2']);
    expect(read().length).toBeGreaterThanOrEqual(1);
  });

  test('the younger node moves when an older one took the partition while its claim was not visible', async () => {
    const { clock, keepers, claim, claims } = await deployed();
    const { stop } = watch(keepers[2]!);
    await clock.advance(20_000);
    claim(4, 'x');
    claim(3, '2');
    await clock.advance(240_000);
    stop();
    expect(claims()).toEqual(['0', '2', '1']);
  });

  test('a node that reads the claims leaves its partition to a younger one that keeps the same partition', async () => {
    const { clock, keeperOf, keepers, claim, claims } = await deployed();
    // Its disk and its claim are lost, and an invalid claim of the youngest hides which partition is free.
    claim(3, 'x');
    claim(4, '1');
    const rebooted = keeperOf(3);
    expect(await clock.run(rebooted.choose())).toMatchObject({ id: 2 });
    claim(3, '2');
    claim(4, '2');
    const watches = [watch(rebooted), watch(keepers[2]!)];
    await clock.advance(400_000);
    for (const { stop } of watches) stop();
    expect(claims()).toEqual(['0', '1', '2']);
    expect(watches[1]!.moves).toEqual([]);
  });

  test('a reboot with the same list and the own claim shown reads no claims', async () => {
    const memories: PartitionMemory[] = [];
    const { clock, keeperOf, read } = await deployed({ remember: (memory) => memories.push(memory) });
    const keeper = keeperOf(3, { memory: memories.at(-1) });
    expect(await clock.run(keeper.choose())).toMatchObject({ id: 1, of: 3 });
    const { stop } = watch(keeper);
    await clock.advance(600_000);
    stop();
    expect(read()).toEqual([]);
  });

  test('a reboot after somebody wrote over the claim reads them', async () => {
    const memories: PartitionMemory[] = [];
    const { clock, keeperOf, claim, read } = await deployed({ remember: (memory) => memories.push(memory) });
    claim(3, '0');
    const keeper = keeperOf(3, { memory: memories.at(-1) });
    expect(await clock.run(keeper.choose())).toMatchObject({ id: 1, of: 3 });
    const { stop } = watch(keeper);
    await clock.advance(10_000);
    stop();
    expect(read().length).toBeGreaterThanOrEqual(1);
  });

  test('a reboot after younger nodes have come counts them without reading', async () => {
    const memories: PartitionMemory[] = [];
    const { clock, zone, keeperOf, read } = await deployed({ remember: (memory) => memories.push(memory) });
    zone.superNodes.cardinality = 4;
    zone.add(zone.superNodes);
    const keeper = keeperOf(3, { memory: memories.at(-1) });
    expect(await clock.run(keeper.choose())).toEqual({
      id: 1,
      of: 4,
      why: 'as before, only younger nodes were added',
    });
    expect(read()).toEqual([]);
  });
});

describe('the size of the role, which is what a reply says', () => {
  test('once 10,000 nodes: every look is within ten minutes, every try within 30 s, and the next true list heals the wait', async () => {
    const { clock, zone, paths, keeperOf, claim } = role(3);
    for (const [vmId, text] of [
      [2, '1'],
      [3, '0'],
      [4, '2'],
    ] as const)
      claim(vmId, text);
    const keeper = keeperOf(3);
    await clock.run(keeper.choose());
    const { stop } = watch(keeper);
    const lie = Array.from({ length: 10_000 }, () => zone.add(zone.superNodes));
    zone.superNodes.cardinality += lie.length;
    await clock.advance(40_000);
    for (const vm of lie) zone.remove(zone.superNodes, vm);
    zone.superNodes.cardinality = 3;
    paths.length = 0;
    await clock.advance(1_800_000);
    stop();
    expect(paths).toContain('3 GET /service?extended=true');
    expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(600_000);
  });

  test('always 10,000 nodes: a try takes at most 30 s', async () => {
    const { clock, zone } = role(10_000);
    const timeouts: number[] = [];
    const real = zone.send(3);
    const oneGate = connectOneGate({
      endpoint: 'http://127.34.0.1:5030',
      token: 'dA==',
      vmId: 3,
      clock,
      random: chance(1),
      send: async (request) => {
        timeouts.push(request.timeoutMs);
        return real(request);
      },
    });
    const keeper = new PartitionManager({ oneGate, clock, random: chance(1) });
    await clock.run(keeper.choose());
    const { stop } = watch(keeper);
    await clock.advance(3_600_000);
    stop();
    expect(Math.max(...timeouts)).toBe(30_000);
    expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(600_000);
  });
});

describe('when somebody else changes attributes of this node', () => {
  /** VM 3 of a role in which the claims are not the order of the ids. */
  async function claimed(options: Partial<PartitionManagerOptions> = {}) {
    const one = role(3);
    for (const [vmId, text] of [
      [2, '1'],
      [3, '0'],
      [4, '2'],
    ] as const)
      one.claim(vmId, text);
    const problems: Problem[] = [];
    const notes: string[] = [];
    const memories: PartitionMemory[] = [];
    const keeper = one.keeperOf(3, {
      onSuspicious: (problem) => problems.push(problem),
      onNote: (note) => notes.push(note),
      remember: (memory) => memories.push(memory),
      ...options,
    });
    await one.clock.run(keeper.choose());
    const watched = watch(keeper);
    await one.clock.advance(30_000);
    const own = one.zone.superNodes.nodes.find((vm) => vm.id === 3)!.template;
    return { ...one, ...watched, keeper, problems, notes, memories, own };
  }

  test('once: it is noted, and the claim is published again', async () => {
    const { clock, own, notes, problems, moves, stop } = await claimed();
    own['FL_PARTITION_ID'] = '2';
    await clock.advance(300_000);
    stop();
    expect(notes).toContain('somebody else has changed FL_PARTITION_ID from 0 to 2 of this VM');
    expect(own['FL_PARTITION_ID']).toBe('0');
    expect([problems, moves]).toEqual([[], []]);
  });

  test('twice: it is reported with what was changed, and the partition is the rank of the VM id', async () => {
    const { clock, own, problems, moves, memories, stop } = await claimed();
    for (const lie of ['2', '\u001b[2J\n<4>x'.repeat(20)]) {
      own['FL_PARTITION_ID'] = lie;
      await clock.advance(300_000);
    }
    stop();
    expect(problems.map(({ code, severity }) => [code, severity])).toEqual([['peer_suspicious', 'degraded']]);
    expect(problems[0]!.facts.found).toMatch(/FL_PARTITION_ID from 0 to a text of 180 characters of this VM/);
    expect(moves.map(({ id }) => id)).toEqual([1]);
    expect(own).toMatchObject({
      FL_PARTITION_ID: '1',
      FL_PARTITION_ORDER: 'YES',
      FL_ERROR: 'peer_suspicious',
    });
    expect(memories.at(-1)?.suspicion).toBe(problems[0]!.facts.found.replace(/\. The partition.*/, ''));
  });

  test.each([
    ['FL_NODE_READY', 'NO'],
    ['FL_NODE_ID', '4'],
    ['FL_NUM_PARTITIONS', '77'],
  ])('%s counts as well', async (name, lie) => {
    const { clock, own, problems, stop } = await claimed();
    const right: Record<string, string> = {
      FL_NODE_READY: 'YES',
      FL_NODE_ID: '3',
      FL_NUM_PARTITIONS: '3',
    };
    for (let time = 0; time < 2; time++) {
      own[name] = right[name];
      await clock.advance(300_000);
      own[name] = lie;
      await clock.advance(300_000);
    }
    stop();
    expect(problems[0]?.facts.found).toContain(`${name} from ${right[name]} to ${lie}`);
  });

  test('a node that hears of it follows the order as long as it hears it, and then keeps its partition', async () => {
    const { clock, zone, problems, notes, memories, moves, stop, own } = await claimed();
    const other = zone.superNodes.nodes[2]!.template;
    other['FL_PARTITION_ORDER'] = 'YES';
    await clock.advance(600_000);
    expect(notes).toContain(
      'VM 4 publishes FL_PARTITION_ORDER=YES: the partition follows the order of the VM ids meanwhile',
    );
    expect(own).toMatchObject({ FL_PARTITION_ID: '1', FL_PARTITION_ORDER: 'NO' });
    // As the order says for VM 2.
    zone.superNodes.nodes[0]!.template['FL_PARTITION_ID'] = '0';
    other['FL_PARTITION_ORDER'] = 'NO';
    await clock.advance(600_000);
    stop();
    expect(notes.at(-1)).toMatch(/^no other VM publishes .* goes by claims again$/);
    expect(memories.filter(({ suspicion }) => suspicion !== undefined)).toEqual([]);
    expect([problems, moves.map(({ id }) => id)]).toEqual([[], [1]]);
  });

  test('a new node that hears of it begins with its partition by order', async () => {
    const { clock, zone, keeperOf, claim } = role(3);
    claim(2, '2');
    claim(4, '1');
    zone.superNodes.nodes[2]!.template['FL_PARTITION_ORDER'] = 'YES';
    expect(await clock.run(keeperOf(3).choose())).toMatchObject({ id: 1, of: 3 });
  });

  test('FL_PARTITION_ORDER=YES by somebody else is withdrawn, noted, and the second time reported', async () => {
    const { clock, own, notes, problems, stop } = await claimed();
    own['FL_PARTITION_ORDER'] = 'YES';
    await clock.advance(300_000);
    expect(own['FL_PARTITION_ORDER']).toBe('NO');
    expect(notes).toContain('somebody else has changed FL_PARTITION_ORDER from NO to YES of this VM');
    own['FL_PARTITION_ORDER'] = 'YES';
    await clock.advance(300_000);
    stop();
    expect(problems).toHaveLength(1);
  });

  test('a node that follows the order does so after a reboot, and reads no claims', async () => {
    const memory: PartitionMemory = { vmId: 3, id: 1, of: 3, members: '2 3 4', suspicion: 'x was changed' };
    const { clock, keeper, paths, moves, stop } = await claimed({ memory });
    expect(keeper.suspicion?.facts.found).toContain('x was changed');
    await clock.advance(3_600_000);
    stop();
    expect(paths.filter((path) => path.includes('extended'))).toEqual([]);
    expect(moves).toEqual([]);
  });

  test('within ten minutes of a move it stays, says so, and moves later', async () => {
    const at = new FakeClock().now().toISOString();
    const moved = { at, members: '2 3 4' };
    const memory = { vmId: 3, id: 0, of: 3, members: '2 3 4', suspicion: 'x was changed', moved } as const;
    const { clock, notes, moves, stop } = await claimed({ memory });
    await clock.advance(500_000);
    expect(moves).toEqual([]);
    expect(notes.filter((note) => note.includes('at most once in ten minutes'))).toHaveLength(1);
    await clock.advance(200_000);
    stop();
    expect(moves.map(({ id }) => id)).toEqual([1]);
  });
});

// A VM of the service that writes attributes of the SuperNodes, in many rhythms, for hours. SEED=17 runs one life; LIVES=all
// runs ten times as many.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/partition-scenario.ts';
import type { SmallVm } from '../support/small-zone.ts';

const HOURS = 2;
/** What a move takes: two readings that agree, the claim, its check, and the restart of Flower. */
const MOVE_S = 45;
const LIVES = process.env.LIVES === 'all' ? 10 : 1;
const NAMES = [
  'FL_PARTITION_ID',
  'FL_NUM_PARTITIONS',
  'FL_NODE_ID',
  'FL_NODE_READY',
  'FL_PARTITION_ORDER',
  'FL_ERROR',
  'READY',
];
const VALUES = [
  '0',
  '1',
  '2',
  '3',
  '999999',
  '-1',
  'YES',
  'NO',
  '-',
  'x'.repeat(100),
  ['1', '2'],
  { A: '1' },
];

/** One write, or several, at a moment of the attack. */
type Attack = (scenario: Scenario, victims: readonly SmallVm[]) => void;
const claim = (vm: SmallVm | undefined, value: unknown): void => {
  if (vm !== undefined) vm.template['FL_PARTITION_ID'] = value;
};
const inUse = (scenario: Scenario, vm: SmallVm | undefined): unknown =>
  `${scenario.nodes.find((node) => node.vm === vm)?.inUse?.id ?? 0}`;
const pick = <T>({ random }: Scenario, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

const ATTACKS: Record<string, Attack> = {
  'the first claims 999999, the second 0': (_, [first, second]) => {
    claim(first, '999999');
    claim(second, '0');
  },
  'the first claims what the second uses': (scenario, [first, second]) =>
    claim(first, inUse(scenario, second)),
  'the last claims what the first uses': (scenario, victims) =>
    claim(victims.at(-1), inUse(scenario, victims[0])),
  'two claims are exchanged': (scenario, [first, second]) => {
    claim(first, inUse(scenario, second));
    claim(second, inUse(scenario, first));
  },
  'all claim the same': (_, victims) => {
    for (const vm of victims) claim(vm, '1');
  },
  'all claims are removed': (_, victims) => {
    for (const vm of victims) delete vm.template['FL_PARTITION_ID'];
  },
  'each claims anything': (scenario, victims) => {
    for (const vm of victims) claim(vm, pick(scenario, VALUES));
  },
  'one claims anything': (scenario, victims) => claim(pick(scenario, victims), pick(scenario, VALUES)),
  'one claims what another uses': (scenario, victims) =>
    claim(pick(scenario, victims), inUse(scenario, pick(scenario, victims))),
  'any attribute of any VM': (scenario, victims) => {
    pick(scenario, victims).template[pick(scenario, NAMES)] = pick(scenario, VALUES);
  },
};
/** 0: at once after each update of any VM, and every 5 s. */
const EVERY_S = [0, 1, 7, 31, 140, 700];

interface Seen {
  /** The longest time in which two nodes used one partition, in seconds. */
  readonly shared: number;
  readonly scenario: Scenario;
}

/** A role that has lost nodes (`lost`) or none, settled; then hours of the attack, while nodes come and go if `alive`. */
async function live(seed: number, attack: Attack, everyS: number, lost: number): Promise<Seen> {
  const scenario = new Scenario(seed);
  const { clock, zone } = scenario;
  zone.serviceState = 1;
  scenario.scaleUp(4 + lost);
  await clock.advance(120_000);
  zone.serviceState = 2;
  if (lost > 0) {
    scenario.scaleDown(lost);
    await clock.advance(900_000);
  }
  expect(scenario.fault()).toBeUndefined();
  for (const node of scenario.nodes) node.moves.length = 0;
  clock.sleeps.length = 0;
  const strike = (): void =>
    attack(
      scenario,
      scenario.staying.map(({ vm }) => vm),
    );
  if (everyS === 0)
    zone.onRequest = (_vmId, path) => {
      // The update is stored when this turn of the event loop is over.
      if (path.startsWith('PUT')) queueMicrotask(strike);
    };
  const since = new Map<string, number>();
  let shared = 0;
  let next = 0;
  for (let second = 0; second < HOURS * 3_600; second++) {
    if (second >= next) {
      attack(
        scenario,
        scenario.staying.map(({ vm }) => vm),
      );
      next = second + everyS;
    }
    await clock.advance(1_000);
    const nodes = scenario.staying;
    for (const [at, one] of nodes.entries())
      for (const other of nodes.slice(at + 1)) {
        const pair = `${one.vm.id} ${other.vm.id}`;
        if (one.inUse === undefined || one.inUse.id !== other.inUse?.id) since.delete(pair);
        else if (!since.has(pair)) since.set(pair, second);
        shared = Math.max(shared, second - (since.get(pair) ?? second));
      }
  }
  for (const node of scenario.nodes) node.crash();
  return { shared, scenario };
}

const rhythms = Object.entries(ATTACKS).flatMap(([name, attack]) =>
  EVERY_S.map((everyS) => ({ name, attack, everyS })),
);

describe.each(rhythms)('every $everyS s: $name', ({ name, attack, everyS }) => {
  test.each([0, 2])('in a role that has lost %d nodes', async (lost) => {
    for (let life = 0; life < LIVES; life++) {
      const seed = Number(process.env.SEED ?? life * 100 + everyS);
      const { shared, scenario } = await live(seed, attack, everyS, lost);
      const { nodes, clock } = scenario;
      const about = `SEED=${seed} ${name}, ${everyS} s, ${lost} lost`;
      expect(scenario.broken, about).toBeUndefined();
      for (const { moves } of nodes)
        for (const [at, moved] of moves.slice(1).entries())
          expect(moved - moves[at]!, about).toBeGreaterThanOrEqual(600_000);
      if (lost === 0)
        expect(
          nodes.flatMap(({ moves }) => moves),
          about,
        ).toEqual([]);
      expect(shared, about).toBeLessThanOrEqual(600 + MOVE_S);
      expect(Math.max(...clock.sleeps), about).toBeLessThanOrEqual(600_000);
    }
  });
});

/** VMs whose attributes say that they follow the order. */
const published = ({ staying }: Scenario): number =>
  staying.filter(({ vm }) => vm.template['FL_PARTITION_ORDER'] === 'YES').length;

describe.each(Array.from({ length: 5 * LIVES }, (_, seed) => seed))('after an attack, life %d', (seed) => {
  /** A role that has lost two nodes, whose first `attacked` nodes have seen changes of their attributes. */
  async function suspecting(attacked: number): Promise<Scenario> {
    const scenario = new Scenario(seed);
    const { clock, zone } = scenario;
    zone.serviceState = 1;
    scenario.scaleUp(6);
    await clock.advance(120_000);
    zone.serviceState = 2;
    scenario.scaleDown(2);
    await clock.advance(900_000);
    for (let time = 0; time < 3; time++) {
      for (const { vm } of scenario.staying.slice(0, attacked)) claim(vm, '77');
      await clock.advance(400_000);
    }
    await clock.advance(1_800_000);
    expect(scenario.fault()).toBeUndefined();
    expect(published(scenario)).toBe(attacked);
    expect(scenario.staying.map(({ inUse }) => inUse?.id)).toEqual([0, 1, 2, 3]);
    for (const node of scenario.nodes) node.moves.length = 0;
    return scenario;
  }

  test.each([1, 2, 4])(
    'the remedy on one node after the other ends it, without a move: %d attacked',
    async (attacked) => {
      const scenario = await suspecting(attacked);
      const { clock, staying } = scenario;
      for (const node of staying.filter(({ disk }) => disk?.suspicion !== undefined)) {
        node.fresh();
        for (let second = 0; second < 300; second += 5) {
          await clock.advance(5_000);
          const used = staying.flatMap(({ inUse }) => inUse?.id ?? []);
          expect(new Set(used).size).toBe(used.length);
        }
      }
      await clock.advance(300_000);
      expect(published(scenario)).toBe(0);
      expect(staying.map(({ disk }) => disk?.suspicion)).toEqual(staying.map(() => undefined));
      await clock.advance(3_600_000);
      expect(published(scenario)).toBe(0);
      expect(scenario.fault()).toBeUndefined();
      expect(staying.flatMap(({ moves }) => moves)).toEqual([]);
      // By order each node would move when the oldest one has gone.
      scenario.scaleDown(1);
      await clock.advance(1_800_000);
      expect(scenario.fault()).toBeUndefined();
      expect(scenario.staying.flatMap(({ moves }) => moves)).toHaveLength(1);
      for (const node of scenario.nodes) node.crash();
    },
  );

  test('when the attacked node leaves the role, the others go by claims again', async () => {
    const scenario = await suspecting(1);
    const { clock } = scenario;
    scenario.scaleDown(1);
    await clock.advance(1_800_000);
    expect(published(scenario)).toBe(0);
    for (const { notes } of scenario.staying) expect(notes.at(-1)).toMatch(/goes by claims again|instead of/);
    expect(scenario.fault()).toBeUndefined();
    for (const node of scenario.nodes) node.crash();
  });
});

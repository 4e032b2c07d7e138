// The faults of a soak run, and when they happen: the same seed gives the same schedule.

/** Every fault that the run knows. `hold`: how long it lasts, from..to seconds. `rest`: the pause after it, in seconds. */
interface Kind {
  readonly target: 'superlink' | 'supernode' | 'any' | 'all';
  readonly hold: readonly [number, number];
  readonly rest: number;
  /** What the injector is given; one of them, by the seed. */
  readonly choices?: readonly string[];
}

export const KINDS = {
  'kill Flower': { target: 'any', hold: [0, 0], rest: 75 },
  'stop Flower': { target: 'any', hold: [0, 0], rest: 75 },
  // Until it is restarted; at the end it is continued, if it still exists.
  'hang Flower': { target: 'any', hold: [200, 240], rest: 90 },
  'pause Flower': { target: 'any', hold: [5, 30], rest: 45 },
  'kill the agent': { target: 'any', hold: [0, 0], rest: 45 },
  'stop the agent': { target: 'any', hold: [20, 60], rest: 45 },
  'hang the agent': { target: 'any', hold: [130, 170], rest: 60 },
  'kill SuperExec': { target: 'any', hold: [0, 0], rest: 60 },
  'cut the path to the SuperLink': { target: 'supernode', hold: [20, 150], rest: 90 },
  'unplug the VM': { target: 'any', hold: [20, 120], rest: 90 },
  'OneGate is down': { target: 'all', hold: [20, 120], rest: 40 },
  'OneGate hangs': { target: 'all', hold: [20, 120], rest: 40 },
  'OneGate is slow': { target: 'all', hold: [20, 120], rest: 30, choices: ['2', '8'] },
  'OneGate answers errors': { target: 'all', hold: [20, 120], rest: 40, choices: ['500', '404', '401'] },
  'change the CONTEXT': {
    target: 'any',
    hold: [0, 0],
    rest: 75,
    choices: ['rounds', 'checkpoints', 'certificate', 'node config'],
  },
  'invalid CONTEXT': {
    target: 'any',
    hold: [30, 90],
    rest: 60,
    choices: ['FL_NUM_ROUNDS=zero', 'FL_TLS_ENABLED=perhaps', 'FL_LOG_FORMAT=prose', 'FLOWER_VERSION=1.2'],
  },
  // Seconds; the SuperLink refuses a node that is more than 5 s ahead or 305 s behind.
  'step the clock': {
    target: 'any',
    hold: [15, 60],
    rest: 120,
    choices: ['8', '-400', '7200', '-7200', '345600000'],
  },
  'scale up and down': { target: 'all', hold: [90, 150], rest: 120 },
  'reboot the VM': { target: 'any', hold: [0, 0], rest: 100 },
  'cut the power': { target: 'any', hold: [0, 20], rest: 120 },
  // No fault: a run that has to be completed, unless a fault meets it.
  'submit a run': { target: 'all', hold: [0, 0], rest: 75 },
} as const satisfies Record<string, Kind>;

export type FaultKind = keyof typeof KINDS;
export const FAULT_KINDS = Object.keys(KINDS) as FaultKind[];
export const isFaultKind = (text: string): text is FaultKind => text in KINDS;

export interface Planned {
  /** Seconds from the begin of the schedule. */
  readonly at: number;
  readonly kind: FaultKind;
  /** `superlink`, `all`, or `supernode N`: the Nth by its VM id, counted round. */
  readonly target: string;
  /** Seconds. */
  readonly hold: number;
  readonly choice?: string;
}

/** 0 <= x < 1, the same sequence for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
}

/** Of five faults one begins before the one before it is over. */
const OVERLAPS = 0.2;

interface Wanted {
  readonly seed: number;
  readonly seconds: number;
  readonly supernodes: number;
  /** Pauses and holds are so many times longer: a busy machine takes longer to recover. 1: a quiet machine. */
  readonly pace: number;
  /** Only these kinds. */
  readonly kinds?: readonly FaultKind[];
}

/** All kinds in random order, then again. Each ends, with its pause, within `seconds`; so the last ones may be missing. */
export function scheduleOf({ seed, seconds, supernodes, pace, kinds = FAULT_KINDS }: Wanted): Planned[] {
  const random = generator(seed);
  const between = (from: number, to: number): number => from + random() * (to - from);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const planned: Planned[] = [];
  let bag: FaultKind[] = [];
  let at = between(5, 15) * pace;
  for (;;) {
    if (bag.length === 0) bag = [...kinds];
    const fitting = bag.filter((kind) => at + (KINDS[kind].hold[1] + KINDS[kind].rest) * pace <= seconds);
    if (fitting.length === 0) return planned;
    const kind = pick(fitting);
    bag.splice(bag.indexOf(kind), 1);
    const { target, hold, rest, choices }: Kind = KINDS[kind];
    const held = between(...hold) * pace;
    const node = `supernode ${Math.floor(random() * supernodes)}`;
    const on = target === 'any' ? pick(['superlink', node]) : target === 'supernode' ? node : target;
    const choice = choices && pick(choices);
    planned.push({
      at: Math.round(at),
      kind,
      target: on,
      hold: Math.round(held),
      ...(choice && { choice }),
    });
    const next = held + rest * pace + between(3, 20) * pace;
    at += random() < OVERLAPS ? between(3, next / 2) : next;
  }
}

export const lineOf = ({ at, kind, target, hold, choice }: Planned): string =>
  [
    `${String(at).padStart(6)} s`,
    kind.padEnd(30),
    target.padEnd(12),
    hold > 0 ? `for ${hold} s` : '',
    choice ?? '',
  ]
    .join('  ')
    .trimEnd();

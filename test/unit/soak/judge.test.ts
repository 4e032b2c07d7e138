// The judge of `make soak` on made-up timelines: good ones are accepted, and each kind of untruth is found.
import { describe, expect, test } from 'vitest';
import {
  ALL_READY,
  type Contradiction,
  type Fault,
  judge,
  outagesOf,
  PROBLEMS_GONE,
  RECOVERY,
  RULES,
  type Sample,
  type Source,
  type Timeline,
} from '../../soak/judge.ts';
import { FAULT_KINDS, type FaultKind } from '../../soak/schedule.ts';

/** Seconds for which one character of a line holds. */
const STEP = 10;
const SOURCES: readonly Source[] = ['power', 'probe', 'onegate', 'status', 'exit', 'ready', 'superexec'];

/** What each source says, a character for every ten seconds: `+` yes, `-` no, `?` not known. A source left out says yes. */
type Lines = Partial<Record<Source, string>>;

const YES = '+'.repeat(200);

function samplesOf(vm: string, lines: Lines, length: number): Sample[] {
  return SOURCES.flatMap((source) =>
    [...(lines[source] ?? (source === 'exit' ? lines.status : undefined) ?? YES).slice(0, length)].map(
      (sign, index) => ({
        at: index * STEP,
        vm,
        source,
        value: sign === '?' ? null : sign === '+',
      }),
    ),
  ).sort((one, other) => one.at - other.at);
}

interface Made extends Partial<Omit<Timeline, 'samples'>> {
  readonly link?: Lines;
  readonly node?: Lines;
  /** In characters. */
  readonly length?: number;
}

function timeline({ link = {}, node = {}, length = 60, ...rest }: Made = {}): Timeline {
  return {
    superlink: 'link',
    end: length * STEP,
    samples: [...samplesOf('link', link, length), ...samplesOf('node', node, length)].sort(
      (one, other) => one.at - other.at,
    ),
    published: [],
    faults: [],
    runs: [],
    load: [{ at: 0, factor: 1 }],
    problems: [],
    ...rest,
  };
}

const rulesOf = (found: readonly Contradiction[]): string[] => [
  ...new Set(found.map(({ rule, vm }) => `${rule} ${vm}`)),
];
const fault = (kind: FaultKind, vm: string, from: number, to = from): Fault => ({ kind, vm, from, to });

/** `+` for the first characters, `-` for the next, then `+`. */
const gap = (before: number, down: number): string => `${'+'.repeat(before)}${'-'.repeat(down)}${YES}`;

describe('a run is good', () => {
  test('when everything says yes', () => expect(judge(timeline())).toEqual([]));

  test('when a killed Flower is seen at once, and withdrawn from OneGate only by a longer outage', () => {
    const seen = { probe: gap(6, 2), status: gap(6, 2), ready: gap(6, 2) };
    expect(judge(timeline({ link: seen, faults: [fault('kill Flower', 'link', 60)] }))).toEqual([]);
    const long = { probe: gap(6, 5), status: gap(6, 5), ready: gap(6, 5), onegate: gap(8, 5) };
    expect(judge(timeline({ link: long, faults: [fault('kill Flower', 'link', 60)] }))).toEqual([]);
  });

  test('when a hung Flower is reported within two minutes, and serves again', () => {
    const seen = { probe: gap(6, 18), status: gap(16, 8), ready: gap(16, 8), onegate: gap(17, 8) };
    const faults = [fault('hang Flower', 'link', 60, 250)];
    expect(judge(timeline({ link: seen, node: seen, faults }))).toEqual([]);
  });

  test('when nothing can be withdrawn from OneGate because it is down, and it is withdrawn soon after', () => {
    const seen = { probe: gap(10, 40), status: gap(11, 40), ready: gap(11, 40), onegate: gap(40, 12) };
    const faults = [fault('OneGate is down', 'all', 60, 380), fault('hang Flower', 'link', 100, 470)];
    expect(judge(timeline({ link: seen, length: 90, faults }))).toEqual([]);
  });

  test('when a VM is off for a time, whatever OneGate shows of it meanwhile', () => {
    const off = { power: gap(10, 12), probe: gap(10, 14), status: gap(22, 2), ready: gap(22, 2) };
    expect(judge(timeline({ node: off, faults: [fault('cut the power', 'node', 100, 220)] }))).toEqual([]);
  });

  test('when a VM that OneFlow has removed leaves its partition to another one', () => {
    const published = [
      { at: 0, vm: 'link', name: 'partition', value: '1' },
      { at: 0, vm: 'node', name: 'partition', value: '0' },
      { at: 320, vm: 'link', name: 'partition', value: '0' },
    ] as const;
    const removed = { power: gap(30, 300) };
    expect(judge(timeline({ node: removed, published }))).toEqual([]);
    expect(rulesOf(judge(timeline({ published })))).toEqual(['partition_shared link, node']);
  });

  test('when the machine is slow, and all is as late as the machine', () => {
    const late = { probe: gap(6, 24), status: gap(24, 6), ready: gap(24, 6), onegate: gap(24, 7) };
    const faults = [fault('hang Flower', 'link', 60, 260)];
    const slow = timeline({ link: late, node: late, faults, load: [{ at: 0, factor: 2 }] });
    expect(judge(slow)).toEqual([]);
    expect(rulesOf(judge({ ...slow, load: [] }))).toContain('published_but_down link');
  });

  test('when what is not known is not known', () => {
    const dark = { probe: '?'.repeat(60), status: '?'.repeat(60), ready: '?'.repeat(60) };
    const found = judge(timeline({ node: dark }));
    // Only at the end everything has to be known.
    expect(rulesOf(found)).toEqual(['not_ready_at_end node']);
  });
});

describe('a run is not good', () => {
  test.each<[string, Made, string]>([
    [
      'a hung Flower that stays READY',
      { link: { probe: gap(6, 20) }, faults: [fault('hang Flower', 'link', 60, 260)] },
      'published_but_down link',
    ],
    [
      'a killed Flower for which `ready` succeeds for 30 s',
      { link: { probe: gap(6, 3), status: gap(6, 3) }, faults: [fault('kill Flower', 'link', 60)] },
      'ready_but_down link',
    ],
    [
      'a killed Flower that `status` still shows as serving after 30 s',
      { link: { probe: gap(6, 3), ready: gap(6, 3) }, faults: [fault('kill Flower', 'link', 60)] },
      'status_serves_but_down link',
    ],
    [
      'a Flower that does not come back',
      {
        link: { probe: gap(6, 300), status: gap(6, 300), ready: gap(6, 300), onegate: gap(6, 300) },
        faults: [fault('kill Flower', 'link', 60)],
      },
      'not_recovered link',
    ],
    [
      'a SuperNode that goes away without any fault',
      { node: { probe: gap(6, 6), status: gap(6, 6), ready: gap(6, 6), onegate: gap(6, 6) } },
      'not_recovered node',
    ],
    [
      'a Flower that ends because OneGate is down',
      {
        link: { probe: gap(7, 4), status: gap(7, 4), ready: gap(7, 4) },
        faults: [fault('OneGate is down', 'all', 60, 200)],
      },
      'harmless_fault_felt link',
    ],
    [
      'a Flower that ends with an invalid CONTEXT',
      {
        node: { probe: gap(7, 4), status: gap(7, 4), ready: gap(7, 4) },
        faults: [fault('invalid CONTEXT', 'node', 60, 200)],
      },
      'harmless_fault_felt node',
    ],
    ['a VM that serves and is not published', { link: { onegate: gap(6, 8) } }, 'up_but_not_published link'],
    [
      'a VM that is not published again after OneGate is back',
      { link: { onegate: gap(6, 300) }, length: 80, faults: [fault('OneGate is down', 'all', 50, 100)] },
      'up_but_not_published link',
    ],
    [
      'a VM that serves and is not ready',
      { node: { ready: gap(6, 8), status: gap(6, 8) } },
      'up_but_not_ready node',
    ],
    ['a VM that serves and does not say so', { node: { status: gap(6, 8) } }, 'up_but_not_serving node'],
    ['`status` and `ready` that disagree', { link: { status: gap(6, 4) } }, 'status_against_ready link'],
    [
      '`status` that ends with 0 and does not say that it serves',
      {
        node: { probe: gap(6, 5), status: gap(6, 5), exit: YES },
        faults: [fault('kill Flower', 'node', 60)],
      },
      'status_against_its_exit node',
    ],
    [
      '`status` and OneGate that disagree',
      { link: { status: gap(6, 5), ready: gap(6, 5) } },
      'status_against_onegate link',
    ],
    ['a SuperExec that does not come back', { node: { superexec: gap(6, 6) } }, 'superexec_gone node'],
    [
      'a killed SuperExec that does not come back',
      { link: { superexec: gap(6, 6) }, faults: [fault('kill SuperExec', 'link', 60)] },
      'superexec_gone link',
    ],
    ['a VM that says no at the end', { node: { onegate: `${'+'.repeat(59)}-` } }, 'not_ready_at_end node'],
    [
      'a CA that is replaced',
      {
        published: [
          { at: 0, vm: 'link', name: 'ca', value: 'one' },
          { at: 100, vm: 'link', name: 'ca', value: 'two' },
        ],
      },
      'ca_changed link',
    ],
    [
      'two VMs that keep one partition',
      {
        published: [
          { at: 0, vm: 'link', name: 'partition', value: '0' },
          { at: 30, vm: 'node', name: 'partition', value: '0' },
          { at: 300, vm: 'node', name: 'partition', value: '1' },
        ],
      },
      'partition_shared link, node',
    ],
    [
      'two VMs that have one partition at the end',
      {
        published: [
          { at: 0, vm: 'link', name: 'partition', value: '0' },
          { at: 580, vm: 'node', name: 'partition', value: '0' },
        ],
      },
      'partition_shared link, node',
    ],
    [
      'a run that fails without a fault',
      { runs: [{ from: 100, to: 150, code: 1, said: 'no', last: false }] },
      'run_failed link',
    ],
    [
      'a last run that fails',
      {
        runs: [{ from: 560, to: 590, code: 1, said: 'no', last: true }],
        faults: [fault('kill Flower', 'link', 500)],
      },
      'last_run_failed link',
    ],
    [
      'a problem that is left open',
      { problems: [{ vm: 'node', code: 'clock_off', found: '8 s ahead' }] },
      'problem_left_open node',
    ],
  ])('with %s', (_what, made, rule) => {
    expect(rulesOf(judge(timeline(made)))).toContain(rule);
  });

  test('and the rule, the limit, its reason, what each source said and the fault are in the sentence', () => {
    const [found] = judge(
      timeline({ link: { probe: gap(6, 20) }, faults: [fault('hang Flower', 'link', 60, 260)] }),
    );
    expect(found!.what).toMatch(
      /READY=YES.*120 s.*two minutes.*probe: false; onegate: true.*hang Flower of link at 60 s/,
    );
    expect(found).toMatchObject({ from: 60, to: 260 });
  });

  test('but a fault of one SuperNode explains nothing of another VM', () => {
    const seen = { probe: gap(6, 6), status: gap(6, 6), ready: gap(6, 6), onegate: gap(6, 6) };
    const faults = [fault('cut the path to the SuperLink', 'node', 50, 120)];
    expect(judge(timeline({ node: seen, faults }))).toEqual([]);
    expect(rulesOf(judge(timeline({ link: seen, faults })))).toContain('not_recovered link');
  });

  test('and a run that a fault has met may fail', () => {
    const runs = [{ from: 100, to: 150, code: 1, said: 'no', last: false }];
    expect(judge(timeline({ runs, faults: [fault('kill Flower', 'node', 120)] }))).toEqual([]);
    expect(judge(timeline({ runs, faults: [fault('kill Flower', 'node', 50)] }))).toEqual([]);
  });
});

test('an outage is measured from the fault to what is seen, and from its end until all say yes', () => {
  const link = { probe: gap(6, 8), status: gap(7, 8), ready: gap(7, 8), onegate: gap(9, 9) };
  const faults = [fault('unplug the VM', 'link', 60, 120)];
  expect(outagesOf(timeline({ link, faults }))).toEqual([
    { kind: 'unplug the VM', noticed: 10, withdrawn: 30, again: 60 },
  ]);
});

test('a fault that nobody sees has an outage without times, and overlapping faults are not measured', () => {
  const one = fault('OneGate is down', 'all', 60, 120);
  expect(outagesOf(timeline({ faults: [one] }))).toEqual([{ kind: 'OneGate is down', again: 0 }]);
  expect(outagesOf(timeline({ faults: [one, fault('kill Flower', 'node', 100)] }))).toEqual([]);
});

test('all limits are positive, and each has its reason', () => {
  const limits = [
    ...Object.values(RECOVERY).slice(0, -1),
    ALL_READY,
    PROBLEMS_GONE,
    ...RULES.flatMap((rule) => [rule, ...(rule.during ?? [])]),
  ];
  for (const { seconds, reason } of limits) {
    expect(seconds, reason).toBeGreaterThan(0);
    expect(reason.length).toBeGreaterThan(10);
  }
  expect(Object.keys(RECOVERY)).toEqual(FAULT_KINDS);
});

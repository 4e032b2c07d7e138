// The verdict on a soak run: whether what the VMs said and published agreed, within limits, with what an outside probe saw.
// Pure: a timeline in, contradictions and figures out. All limits are data, with their reasons.
import type { FaultKind } from './schedule.ts';

/** Each source has a value from its sample on, until its next sample. */
export interface Sample {
  /** Seconds since the begin. */
  readonly at: number;
  readonly vm: string;
  readonly source: Source;
  /** null: not known. */
  readonly value: boolean | null;
  /** What was said, for a person. */
  readonly said?: string | undefined;
}

export type Source =
  /** The VM is switched on. */
  | 'power'
  /** The outside probe. SuperLink: the Fleet API answers. SuperNode: the SuperLink answers and lists it as online. */
  | 'probe'
  /** OneGate has READY=YES, and FL_READY=YES or FL_NODE_READY=YES. */
  | 'onegate'
  /** `flower-context status` says that it serves. */
  | 'status'
  /** `flower-context status` ends with 0. */
  | 'exit'
  /** `flower-context ready --timeout 0` ends with 0. */
  | 'ready'
  /** A process of SuperExec exists. */
  | 'superexec';

export interface Fault {
  readonly kind: FaultKind;
  /** The VM, or `all`. */
  readonly vm: string;
  /** Seconds since the begin; `to`: when it was ended. */
  readonly from: number;
  readonly to: number;
}

export interface Run {
  readonly from: number;
  readonly to: number;
  readonly code: number;
  readonly said: string;
  /** The run after the last fault. */
  readonly last: boolean;
}

/** A text of a VM that is looked at beside the boolean sources. */
interface Published {
  readonly at: number;
  readonly vm: string;
  readonly name: 'partition' | 'ca';
  readonly value: string | null;
}

export interface Timeline {
  readonly superlink: string;
  readonly end: number;
  readonly samples: readonly Sample[];
  readonly published: readonly Published[];
  readonly faults: readonly Fault[];
  readonly runs: readonly Run[];
  /** How many times slower than a quiet machine this one was, from `at` on. */
  readonly load: readonly { readonly at: number; readonly factor: number }[];
  /** Problems of `flower-context status` at the end that the VM did not have at the begin. */
  readonly problems: readonly { readonly vm: string; readonly code: string; readonly found: string }[];
}

export interface Contradiction {
  readonly rule: string;
  readonly vm: string;
  readonly from: number;
  readonly to: number;
  readonly what: string;
}

/**
 * How long after its end a fault still explains that a VM does not serve or is not reported. Seconds of a quiet machine.
 * Two boots are enough for a VM: one that the fault has cut off, and one more.
 */
export const RECOVERY: Readonly<Record<FaultKind, { readonly seconds: number; readonly reason: string }>> = {
  'kill Flower': {
    seconds: 120,
    reason: 'systemd waits 10 s; the SuperLink refuses a node for up to 60 s after its process has ended',
  },
  'stop Flower': {
    seconds: 120,
    reason: 'the agent starts it after 15 s; the SuperLink refuses a node for up to 60 s',
  },
  'hang Flower': {
    seconds: 180,
    reason: 'the process that was continued may be replaced only now; then as after a kill',
  },
  'pause Flower': { seconds: 60, reason: 'calls that failed meanwhile are repeated with pauses up to 20 s' },
  'kill the agent': {
    seconds: 60,
    reason: 'systemd waits 5 s, longer after several ends; then a boot that keeps all',
  },
  'stop the agent': { seconds: 60, reason: 'a boot that keeps all' },
  'hang the agent': { seconds: 60, reason: 'systemd ends it after 120 s; then a boot that keeps all' },
  'kill SuperExec': {
    seconds: 90,
    reason: 'a new SuperExec within 20 s; on a SuperNode Flower may be restarted with it',
  },
  'cut the path to the SuperLink': {
    seconds: 120,
    reason: 'pauses between tries are up to 20 s; a node that has lost its session is refused for up to 60 s',
  },
  'unplug the VM': {
    seconds: 150,
    reason: 'as a cut path, and what could not be published is tried again after up to 60 s',
  },
  'OneGate is down': { seconds: 330, reason: 'the longest pause between two tries to publish is 300 s' },
  'OneGate hangs': { seconds: 330, reason: 'the longest pause between two tries to publish is 300 s' },
  'OneGate is slow': { seconds: 90, reason: 'a try that was under way ends at its own limit' },
  'OneGate answers errors': {
    seconds: 330,
    reason: 'the longest pause between two tries to publish is 300 s',
  },
  'change the CONTEXT': { seconds: 120, reason: 'one-context runs, then a boot that may restart Flower' },
  'invalid CONTEXT': { seconds: 120, reason: 'one-context runs, then a boot with the corrected CONTEXT' },
  'step the clock': {
    seconds: 150,
    reason: 'Flower ends when its calls are refused, and is started again; then as after a kill',
  },
  'scale up and down': {
    seconds: 240,
    reason: 'a VM boots, and the others start Flower with another number of partitions',
  },
  'reboot the VM': { seconds: 180, reason: 'a boot of the VM, then as after a kill' },
  'cut the power': { seconds: 180, reason: 'a boot of the VM, then as after a kill' },
  'submit a run': { seconds: 0, reason: 'no fault' },
};

/** Faults that Flower does not notice: it has to serve all the time. */
const HARMLESS: readonly FaultKind[] = [
  'kill the agent',
  'stop the agent',
  'hang the agent',
  'OneGate is down',
  'OneGate hangs',
  'OneGate is slow',
  'OneGate answers errors',
  'invalid CONTEXT',
  'submit a run',
];
const ONEGATE: readonly FaultKind[] = [
  'OneGate is down',
  'OneGate hangs',
  'OneGate is slow',
  'OneGate answers errors',
  'unplug the VM',
];
const AGENT: readonly FaultKind[] = ['kill the agent', 'stop the agent', 'hang the agent'];

interface View {
  readonly probe: boolean | null;
  readonly onegate: boolean | null;
  readonly status: boolean | null;
  readonly exit: boolean | null;
  readonly ready: boolean | null;
  readonly superexec: boolean | null;
  /** Faults that are under way or whose recovery is, and that can have an effect on this VM. */
  readonly recent: readonly Fault[];
}

interface Limit {
  /** Of a quiet machine. */
  readonly seconds: number;
  readonly reason: string;
}

interface Rule extends Limit {
  readonly id: string;
  readonly what: string;
  readonly violated: (view: View) => boolean;
  /** Time does not count while one of these is under way: the agent cannot do what the rule asks. */
  readonly excused?: readonly FaultKind[];
  /** Other limits while such a fault is recent. `own`: only on the VM that has the fault. The longest one counts. */
  readonly during?: readonly (Limit & { readonly kinds: readonly FaultKind[]; readonly own?: true })[];
}

const quietly = ({ recent }: View): boolean => recent.every(({ kind }) => kind === 'submit a run');
const differ = (one: boolean | null, other: boolean | null): boolean =>
  one !== null && other !== null && one !== other;

/** @internal */
export const RULES: readonly Rule[] = [
  {
    id: 'published_but_down',
    what: 'OneGate has READY=YES, and the probe says no',
    seconds: 120,
    reason: 'a Flower that hangs is reported, and READY is withdrawn, within two minutes',
    violated: ({ onegate, probe }) => onegate === true && probe === false,
    excused: [...ONEGATE, ...AGENT],
    during: [
      {
        kinds: ['OneGate is down', 'OneGate hangs', 'OneGate answers errors', 'unplug the VM'],
        seconds: 330,
        reason: 'the longest pause between two tries to publish is 300 s',
      },
      {
        kinds: ['hang the agent'],
        seconds: 180,
        reason: 'systemd has to end the agent first',
      },
    ],
  },
  {
    id: 'ready_but_down',
    what: '`flower-context ready` succeeds, and the probe says no',
    seconds: 120,
    reason:
      'a Flower that hangs is noticed within two minutes, a path without an answer after 80 s of keepalive',
    violated: ({ ready, probe }) => ready === true && probe === false,
    during: [
      {
        kinds: ['kill Flower', 'stop Flower'],
        own: true,
        seconds: 15,
        reason: 'a process that has ended is seen within seconds; the command is asked every 4 s',
      },
    ],
  },
  {
    id: 'status_serves_but_down',
    what: '`flower-context status` says that it serves, and the probe says no',
    seconds: 120,
    reason:
      'a Flower that hangs is noticed within two minutes, a path without an answer after 80 s of keepalive',
    violated: ({ status, probe }) => status === true && probe === false,
    during: [
      {
        kinds: ['kill Flower', 'stop Flower'],
        own: true,
        seconds: 15,
        reason: 'a process that has ended is seen within seconds; the command is asked every 4 s',
      },
    ],
  },
  {
    id: 'not_recovered',
    what: 'the probe says no, and no fault explains it',
    seconds: 45,
    reason: "every fault has its own time to recover; Flower's list may be late by one heartbeat, 22.5 s",
    violated: (view) => view.probe === false && quietly(view),
  },
  {
    id: 'harmless_fault_felt',
    what: 'the probe says no during a fault that Flower does not notice',
    seconds: 15,
    reason:
      'neither OneGate nor the agent nor an invalid CONTEXT stops a Flower that serves; a call may be slow',
    violated: (view) => view.probe === false && !quietly(view) && onlyHarmless(view),
  },
  {
    id: 'up_but_not_published',
    what: 'the probe says yes, and OneGate has no READY=YES, without a fault',
    seconds: 60,
    reason: 'one update after the probe of the agent has passed',
    violated: (view) => view.onegate === false && view.probe === true && quietly(view),
  },
  {
    id: 'up_but_not_ready',
    what: 'the probe says yes, and `flower-context ready` fails, without a fault',
    seconds: 60,
    reason: 'a boot that keeps all takes seconds; meanwhile `ready` waits',
    violated: (view) => view.ready === false && view.probe === true && quietly(view),
  },
  {
    id: 'up_but_not_serving',
    what: 'the probe says yes, and `flower-context status` does not say that it serves, without a fault',
    seconds: 60,
    reason: 'a boot that keeps all takes seconds',
    violated: (view) => view.status === false && view.probe === true && quietly(view),
  },
  {
    id: 'status_against_ready',
    what: '`flower-context status` and `flower-context ready` disagree',
    seconds: 20,
    reason: 'both go by the same state of the agent; one is asked after the other',
    violated: ({ status, ready }) => differ(status, ready),
    during: [
      {
        kinds: [
          'change the CONTEXT',
          'invalid CONTEXT',
          'scale up and down',
          'kill the agent',
          'stop the agent',
          'hang the agent',
          'reboot the VM',
          'cut the power',
          'step the clock',
          'kill Flower',
          'stop Flower',
          'hang Flower',
          'cut the path to the SuperLink',
          'kill SuperExec',
        ],
        seconds: 90,
        reason: 'while a boot is under way `ready` waits and Flower may serve',
      },
      {
        kinds: ONEGATE,
        seconds: 330,
        reason: 'a boot without OneGate takes as long as its tries',
      },
    ],
  },
  {
    id: 'status_against_its_exit',
    what: '`flower-context status` ends with 0 and does not say that it serves',
    seconds: 30,
    reason: 'programs go by the exit status; after an outage of 15 s a boot begins, and the status is 3',
    violated: ({ status, exit }) => exit === true && status === false,
  },
  {
    id: 'status_against_onegate',
    what: '`flower-context status` and OneGate disagree whether this VM serves',
    seconds: 30,
    reason: 'one update after the change',
    violated: ({ status, onegate }) => differ(status, onegate),
    excused: [...ONEGATE, ...AGENT],
    during: [
      {
        kinds: [
          'kill Flower',
          'stop Flower',
          'hang Flower',
          'pause Flower',
          'kill SuperExec',
          'cut the path to the SuperLink',
          'change the CONTEXT',
          'invalid CONTEXT',
          'step the clock',
          'scale up and down',
          'reboot the VM',
          'cut the power',
        ],
        seconds: 120,
        reason:
          'an outage of less than 15 s changes nothing on OneGate; a longer one begins a boot, which publishes at its end',
      },
      {
        kinds: [...ONEGATE, ...AGENT],
        seconds: 330,
        reason: 'the longest pause between two tries to publish is 300 s',
      },
    ],
  },
  {
    id: 'superexec_gone',
    what: 'Flower serves, and no SuperExec exists: runs would wait',
    seconds: 30,
    reason: 'a SuperExec that ended is started again within 20 s; it is looked for every 4 s',
    violated: ({ superexec, probe }) => superexec === false && probe === true,
    during: [
      {
        kinds: [
          'kill Flower',
          'stop Flower',
          'hang Flower',
          'step the clock',
          'change the CONTEXT',
          'scale up and down',
          'reboot the VM',
          'cut the power',
          'cut the path to the SuperLink',
          'unplug the VM',
        ],
        seconds: 120,
        reason:
          "Flower's list shows a node as online for up to 60 s after its end; SuperExec starts after Flower",
      },
    ],
  },
];

function onlyHarmless({ recent }: View): boolean {
  return recent.every(({ kind }) => HARMLESS.includes(kind));
}

/** Two VMs may have one partition for so long: claims are read again after that. Of a quiet machine. */
const PARTITION_SHARED: Limit = {
  seconds: 120,
  reason: 'two VMs that start at the same time see each other at the next look; then one of them starts over',
};

/** All VMs serve again so long after the last fault. Of a quiet machine. */
export const ALL_READY: Limit = {
  seconds: 360,
  reason: 'the longest pause between two tries is 300 s, and a boot follows',
};

/** Problems of faults are gone so long after all serve again. Of any machine. */
export const PROBLEMS_GONE: Limit = {
  seconds: 660,
  reason: 'a failure of Flower is shown until Flower has served for ten minutes without another one',
};

/** The verdict: an empty list is a good run. */
export function judge(timeline: Timeline): Contradiction[] {
  const clock = new QuietClock(timeline.load);
  const vms = [...new Set(timeline.samples.map(({ vm }) => vm))];
  return [
    ...vms.flatMap((vm) => judgeVm(timeline, clock, vm)),
    ...sharedPartitions(timeline, clock, vms),
    ...changedCa(timeline),
    ...failedRuns(timeline, clock),
    ...vms.flatMap((vm) => notReadyAtEnd(timeline, vm)),
    ...timeline.problems.map(({ vm, code, found }) => ({
      rule: 'problem_left_open',
      vm,
      from: timeline.end,
      to: timeline.end,
      what: `${code}: ${found} (${PROBLEMS_GONE.reason})`,
    })),
  ].sort((one, other) => one.from - other.from);
}

/** Turns time of this machine into time of a quiet one. */
class QuietClock {
  readonly #load: Timeline['load'];

  constructor(load: Timeline['load']) {
    this.#load = load.length === 0 ? [{ at: 0, factor: 1 }] : load;
  }

  factor(at: number): number {
    return Math.max(1, this.#load.findLast((one) => one.at <= at)?.factor ?? this.#load[0]!.factor);
  }

  /** The moments in between at which the factor changes. */
  changes(from: number, to: number): number[] {
    return this.#load.map(({ at }) => at).filter((at) => at > from && at < to);
  }

  /** The moment at which so many seconds of a quiet machine have passed. */
  after(from: number, seconds: number): number {
    let [at, rest] = [from, seconds];
    for (const next of [...this.changes(from, Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY]) {
      const passed = (next - at) / this.factor(at);
      if (passed >= rest) return at + rest * this.factor(at);
      rest -= passed;
      at = next;
    }
    return Number.POSITIVE_INFINITY;
  }
}

const concerns = ({ vm: faulty }: Fault, vm: string, superlink: string): boolean =>
  faulty === 'all' || faulty === vm || faulty === superlink;

function judgeVm(timeline: Timeline, clock: QuietClock, vm: string): Contradiction[] {
  const { superlink, end } = timeline;
  const samples = timeline.samples.filter((sample) => sample.vm === vm);
  const faults = timeline.faults
    .filter((fault) => concerns(fault, vm, superlink))
    .map((fault) => ({ fault, until: clock.after(fault.to, RECOVERY[fault.kind].seconds) }));
  const first = samples[0]?.at ?? end;
  const moments = [
    ...samples.map(({ at }) => at),
    ...faults.flatMap(({ fault, until }) => [fault.from, fault.to, until]),
    ...clock.changes(first, end),
    end,
  ];
  const edges = [...new Set(moments)].filter((at) => at >= first && at <= end).sort((one, two) => one - two);
  const found: Contradiction[] = [];
  const open = new Map<string, { from: number; spent: number; reported?: { to: number } }>();
  const values: Record<Source, boolean | null> = {
    power: null,
    probe: null,
    onegate: null,
    status: null,
    exit: null,
    ready: null,
    superexec: null,
  };
  const said: Partial<Record<Source, string>> = {};
  let index = 0;
  for (const [position, at] of edges.entries()) {
    for (; index < samples.length && samples[index]!.at <= at; index++) {
      const { source, value, said: words } = samples[index]!;
      values[source] = value;
      said[source] = words ?? String(value);
    }
    const till = edges[position + 1];
    if (till === undefined) break;
    const recent = faults
      .filter(({ fault, until }) => fault.from <= at && at < until)
      .map(({ fault }) => fault);
    const view: View = { ...values, recent };
    for (const rule of RULES) {
      if (values.power !== true || !rule.violated(view)) {
        open.delete(rule.id);
        continue;
      }
      const state = open.get(rule.id) ?? { from: at, spent: 0 };
      open.set(rule.id, state);
      if (!recent.some(({ kind, from, to }) => rule.excused?.includes(kind) && from <= at && at < to))
        state.spent += (till - at) / clock.factor(at);
      const limit = limitOf(rule, vm, recent);
      if (state.reported !== undefined) state.reported.to = till;
      else if (state.spent > limit.seconds) {
        const sources = (['probe', 'onegate', 'status', 'ready', 'superexec'] as const)
          .map((source) => `${source}: ${said[source] ?? 'not known'}`)
          .join('; ');
        const because = recent.map(({ kind, vm: on, from }) => `${kind} of ${on} at ${from.toFixed(0)} s`);
        const entry = {
          rule: rule.id,
          vm,
          from: state.from,
          to: till,
          what: `${rule.what}, for longer than ${limit.seconds} s (${limit.reason}); ${sources}; recent faults: ${because.join(', ') || 'none'}`,
        };
        state.reported = entry;
        found.push(entry);
      }
    }
  }
  return found;
}

/** The longest limit of the faults that are recent; without one of them that of the rule. */
function limitOf(rule: Rule, vm: string, recent: readonly Fault[]): Limit {
  const others = (rule.during ?? []).filter(({ kinds, own }) =>
    recent.some((fault) => kinds.includes(fault.kind) && (own === undefined || fault.vm === vm)),
  );
  if (others.length === 0) return rule;
  // A shorter limit holds only while nothing else is recent.
  const explained = recent.every(
    (fault) => fault.kind === 'submit a run' || others.some(({ kinds }) => kinds.includes(fault.kind)),
  );
  const all: readonly Limit[] = explained ? others : [...others, rule];
  return all.reduce((longest, one) => (one.seconds > longest.seconds ? one : longest));
}

function sharedPartitions(
  { published, samples, end }: Timeline,
  clock: QuietClock,
  vms: readonly string[],
): Contradiction[] {
  const of = (vm: string): { at: number; value: string | null }[] =>
    published.filter((one) => one.vm === vm && one.name === 'partition');
  // OneGate keeps what a VM that is off or removed has published.
  const isOn = (vm: string, at: number): boolean =>
    (['power', 'onegate'] as const).every(
      (wanted) =>
        samples.findLast((one) => one.vm === vm && one.source === wanted && one.at <= at)?.value === true,
    );
  const found: Contradiction[] = [];
  for (const [index, one] of vms.entries())
    for (const other of vms.slice(index + 1)) {
      const changes = [...of(one), ...of(other)].map(({ at }) => at);
      const switches = samples.flatMap(({ vm, source, at }) =>
        (source === 'onegate' || source === 'power') && (vm === one || vm === other) ? [at] : [],
      );
      let since: { at: number; partition: string } | undefined;
      for (const at of [...new Set([...changes, ...switches, end])].sort((a, b) => a - b)) {
        const [mine, theirs] = [one, other].map((vm) => of(vm).findLast((entry) => entry.at <= at)?.value);
        const shared =
          mine !== null && mine !== undefined && mine === theirs && isOn(one, at) && isOn(other, at);
        if (shared) since ??= { at, partition: mine };
        if (since === undefined || (shared && at < end)) continue;
        // Two that share one at the end share it for ever.
        if (shared || at > clock.after(since.at, PARTITION_SHARED.seconds))
          found.push({
            rule: 'partition_shared',
            vm: `${one}, ${other}`,
            from: since.at,
            to: at,
            what: `both are READY with partition ${since.partition}, for longer than ${PARTITION_SHARED.seconds} s or at the end (${PARTITION_SHARED.reason})`,
          });
        since = undefined;
      }
    }
  return found;
}

function changedCa({ published }: Timeline): Contradiction[] {
  const found: Contradiction[] = [];
  let before: { value: string; vm: string } | undefined;
  for (const { at, vm, name, value } of published) {
    if (name !== 'ca' || value === null) continue;
    if (before !== undefined && before.value !== value)
      found.push({
        rule: 'ca_changed',
        vm,
        from: at,
        to: at,
        what: `the CA was ${before.value} (${before.vm}) and is now ${value}; no fault replaces a CA`,
      });
    before = { value, vm };
  }
  return found;
}

/** A run that no fault met has to be completed; so has the last one. */
function failedRuns({ runs, faults, superlink }: Timeline, clock: QuietClock): Contradiction[] {
  return runs.flatMap(({ from, to, code, said, last }) => {
    const met = faults.filter(
      (fault) =>
        fault.kind !== 'submit a run' &&
        fault.from < to &&
        clock.after(fault.to, RECOVERY[fault.kind].seconds) > from,
    );
    if (code === 0 || (met.length > 0 && !last)) return [];
    const rule = last ? 'last_run_failed' : 'run_failed';
    return [{ rule, vm: superlink, from, to, what: `submit ended with ${code}: ${said}` }];
  });
}

function notReadyAtEnd({ samples, end }: Timeline, vm: string): Contradiction[] {
  const last = (source: Source): boolean | null =>
    samples.findLast((one) => one.vm === vm && one.source === source)?.value ?? null;
  if (last('power') !== true) return [];
  const wrong = (['probe', 'onegate', 'status', 'ready'] as const).filter((source) => last(source) !== true);
  if (wrong.length === 0) return [];
  return [
    {
      rule: 'not_ready_at_end',
      vm,
      from: end,
      to: end,
      what: `${wrong.join(', ')} said no at the end (${ALL_READY.reason})`,
    },
  ];
}

/** What a fault cost; seconds, undefined: it was not seen there, or it did not end. */
export interface Outage {
  readonly kind: FaultKind;
  /** From the begin of the fault until `status` or `ready` of a VM that it concerns said no. */
  readonly noticed?: number;
  /** The same until READY=YES was gone from OneGate. */
  readonly withdrawn?: number;
  /** From the end of the fault until the probe, `status`, `ready` and OneGate of every VM said yes again. */
  readonly again?: number;
}

/** The outages of faults that no other fault overlapped, in their order. */
export function outagesOf(timeline: Timeline): Outage[] {
  const { faults, samples, superlink, end } = timeline;
  const real = faults.filter(({ kind }) => kind !== 'submit a run');
  const vms = [...new Set(samples.map(({ vm }) => vm))];
  return real.flatMap((fault, index): Outage[] => {
    const before = real.slice(0, index).some(({ to }) => to > fault.from);
    const next = Math.min(end, ...real.slice(index + 1).map(({ from }) => from));
    if (before || next < fault.to) return [];
    const concerned = vms.filter((vm) => concerns(fault, vm, superlink));
    // It interrupts nothing. The next CONTEXT is a change, and a change may restart Flower.
    const over = fault.kind === 'invalid CONTEXT' ? fault.to : next;
    const within = samples.filter(({ vm, at }) => concerned.includes(vm) && at >= fault.from && at < over);
    const first = (sources: readonly Source[]): number | undefined =>
      within.find(({ source, value }) => sources.includes(source) && value === false)?.at;
    const noticed = first(['status', 'ready']);
    const withdrawn = first(['onegate']);
    const again = settledAt(timeline, concerned, fault.to, next);
    return [
      {
        kind: fault.kind,
        ...(noticed !== undefined && { noticed: noticed - fault.from }),
        ...(withdrawn !== undefined && { withdrawn: withdrawn - fault.from }),
        ...(again !== undefined && { again: again - fault.to }),
      },
    ];
  });
}

/** From when on all sources say yes until `next`; undefined when they do not. */
function settledAt(
  { samples }: Timeline,
  vms: readonly string[],
  to: number,
  next: number,
): number | undefined {
  const sources: readonly Source[] = ['probe', 'onegate', 'status', 'ready'];
  let settled = to;
  for (const vm of vms) {
    const own = samples.filter((one) => one.vm === vm && one.at < next);
    if (own.findLast(({ source }) => source === 'power')?.value !== true) continue;
    for (const source of sources) {
      const values = own.filter((one) => one.source === source);
      const bad = values.findLastIndex(({ value }) => value !== true);
      if (bad === values.length - 1 && bad >= 0) return undefined;
      const good = values[bad + 1];
      if (bad >= 0 && good !== undefined && good.at > settled) settled = good.at;
    }
  }
  return settled;
}

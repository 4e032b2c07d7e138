// What goes wrong with a Flower that served, as pure data: ends that nobody asked for, a process that does not answer, memory
// that was used up, attributes that somebody else has changed. A trouble outlives a boot: it is over after some time without
// another one. The supervisor reports it in the status and the journal, and FL_ERROR on OneGate has its code.
import { CATALOGUE, type ProblemCode } from '../core/catalogue.ts';
import { Problem } from '../core/problem.ts';

export type TroubleCode = Extract<
  ProblemCode,
  | 'app_out_of_memory'
  | 'flower_crash_loop'
  | 'flower_hung'
  | 'flower_out_of_memory'
  | 'health_check_timeout'
  | 'peer_suspicious'
>;

export interface Trouble {
  readonly code: TroubleCode;
  /** One clause for a person; it may end with Flower's last lines. */
  readonly found: string;
  /** When it was last seen, in ms of the monotonic clock. */
  readonly at: number;
}

/** How a process of a unit ended, of which nobody had asked that. */
export interface FlowerEnd {
  readonly unit: string;
  /** systemd's Result: signal, exit-code, watchdog, timeout, core-dump, oom-kill; 'unknown' when it is not known any more. */
  readonly result: string;
  /** The exit status, or the number of the signal. */
  readonly status: number;
  /** What the process logged last, oldest first. */
  readonly lines: readonly string[];
  /** The kernel killed a process of Flower's slice for memory at that moment. */
  readonly outOfMemory: boolean;
}

export interface Troubles {
  /** When Flower or SuperExec has ended, in ms of the monotonic clock, oldest first; those of the last ten minutes. */
  readonly ends: readonly number[];
  readonly troubles: readonly Trouble[];
}

export const NO_TROUBLES: Troubles = { ends: [], troubles: [] };

/** So many ends within this time are a loop: systemd starts Flower again after ten seconds each time. */
const LOOP_OF = 3;
const WITHIN_MS = 600_000;
/** So long Flower has to run without an end before a VM in such a loop is ready again. */
const STEADY_MS = 180_000;
/** How long a trouble is shown after it was last seen. An hour: nobody knows whether the other writer has stopped. */
const SHOWN_MS = 600_000;
const SUSPICIOUS_MS = 3_600_000;

const DOING: Readonly<Record<TroubleCode, string>> = {
  app_out_of_memory: 'supervising Flower',
  flower_crash_loop: 'supervising Flower',
  flower_hung: 'supervising Flower',
  flower_out_of_memory: 'supervising Flower',
  health_check_timeout: 'calling the Fleet API as a SuperNode does',
  peer_suspicious: 'comparing the attributes of this VM on OneGate with what it has published',
};

const REMEDIES: { readonly [C in TroubleCode]?: string } = {
  peer_suspicious:
    'nothing: they are published again. Find who writes: every VM of the service can. /var/log/one/onegate.log on the front-end lists the requests',
};

export const problemOf = ({ code, found }: Trouble): Problem =>
  new Problem(code, {
    doing: DOING[code],
    found,
    ...(code === 'peer_suspicious' && { severity: 'degraded' as const }),
    ...(REMEDIES[code] !== undefined && { remedy: REMEDIES[code] }),
  });

/** Adds a trouble; one of the same code is replaced. */
export const withTrouble = <T extends Troubles>(state: T, trouble: Trouble): T => ({
  ...state,
  troubles: [...state.troubles.filter(({ code }) => code !== trouble.code), trouble],
});

/** Counts an end, and adds what follows from it. `at`: ms of the monotonic clock. */
export function withEnd<T extends Troubles>(before: T, end: FlowerEnd, at: number): T {
  const ends = [...before.ends.filter((other) => at - other < WITHIN_MS), at];
  const state = { ...before, ends };
  const how = `${end.unit} ended with ${describe(end)}`;
  const lines = end.lines.map((line) => `\n    ${line}`).join('');
  const found = `${how}${lines && `; its last lines:${lines}`}`;
  const first: Trouble | undefined =
    end.outOfMemory || end.result === 'oom-kill'
      ? { code: 'flower_out_of_memory', found, at }
      : end.result === 'watchdog'
        ? { code: 'flower_hung', found: `systemd ended a process that made no progress: ${found}`, at }
        : undefined;
  const noted = first === undefined ? state : withTrouble(state, first);
  if (ends.length < LOOP_OF) return noted;
  const count = `${ends.length} ends within ${Math.ceil((at - ends[0]!) / 60_000)} min; the last: ${found}`;
  return withTrouble(noted, { code: 'flower_crash_loop', found: count, at });
}

/** `Result=signal, status 9`, as systemd names it. */
export const describe = ({ result, status, outOfMemory }: FlowerEnd): string =>
  `Result=${result}, status ${status}${outOfMemory ? ', killed by the kernel because memory was used up' : ''}`;

const severityOf = ({ code }: Trouble) =>
  code === 'peer_suspicious' ? 'degraded' : CATALOGUE[code].severity;

/** What FL_ERROR is, for a VM that serves or does not; undefined when no trouble is worth it. */
export function errorOf({ troubles }: Troubles, serves: boolean): TroubleCode | undefined {
  const newest = [...troubles].reverse();
  const fatal = serves ? undefined : newest.find((one) => severityOf(one) === 'fatal');
  return (fatal ?? newest.find((one) => severityOf(one) === 'degraded'))?.code;
}

/** Of a VM that serves again: what kept it from serving is over. */
export const served = (troubles: readonly Trouble[]): readonly Trouble[] =>
  troubles.filter((one) => severityOf(one) !== 'fatal');

export const keepsEnding = ({ troubles }: Pick<Troubles, 'troubles'>): boolean =>
  troubles.some(({ code }) => code === 'flower_crash_loop');

/** Until when a VM is not ready because Flower has ended again and again, in ms of the monotonic clock; undefined: it is not held. */
export function heldUntil({ ends, troubles }: Troubles, now: number): number | undefined {
  if (!keepsEnding({ troubles })) return undefined;
  const until = (ends.at(-1) ?? Number.NEGATIVE_INFINITY) + STEADY_MS;
  return until > now ? until : undefined;
}

const isOver = ({ code, at }: Trouble, now: number): boolean =>
  now - at >= (code === 'peer_suspicious' ? SUSPICIOUS_MS : SHOWN_MS);

export const someOver = ({ troubles }: Troubles, now: number): boolean =>
  troubles.some((one) => isOver(one, now));

/** Without those that are over; `published`: FL_ERROR has to be published again. */
export function withoutOver<T extends Troubles>(
  state: T,
  now: number,
): { readonly state: T; readonly published: boolean } {
  const troubles = state.troubles.filter((one) => !isOver(one, now));
  const published = errorOf(state, true) !== errorOf({ ...state, troubles }, true);
  return { state: { ...state, troubles }, published };
}

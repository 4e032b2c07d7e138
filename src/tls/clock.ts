// Whether the clock of this VM can be right. A clock that is wrong for seconds must not cost the SuperLink its CA, because
// every SuperNode that pins it would have to be changed.
import { Problem } from '../core/problem.ts';
import { type Certificate, onDate, type WhichClock } from './certificate.ts';
import { SERVER_MS } from './issue.ts';

/** How the time of day was set while the system ran. */
export interface Jump {
  /** Milliseconds, positive: forward. */
  readonly byMs: number;
  /** How long it was ago, in milliseconds. */
  readonly agoMs: number;
}

export interface ClockFacts {
  readonly now: Date;
  /** When the image was built; undefined where it is not known. */
  readonly built: Date | undefined;
  /** The time in which nothing is due: from the latest beginning of the certificates in use to the renewal. */
  readonly calm?: { readonly from: Date; readonly to: Date } | undefined;
  /** The end of the CA. */
  readonly caEnds?: Date | undefined;
  readonly jump?: Jump | undefined;
}

export interface Suspicion {
  readonly kind: 'before_image' | 'after_ca' | 'jumped';
  /** What makes the clock suspect, as a clause. */
  readonly why: string;
}

/**
 * Why the dates of certificates must not be judged by this clock; undefined: they may. A jump counts only where it makes
 * something due: time synchronisation after the start of the system is one, too.
 */
export function suspicionOf({ now, built, calm, caEnds, jump }: ClockFacts): Suspicion | undefined {
  if (built !== undefined && now < built)
    return { kind: 'before_image', why: `it is earlier than the image, which was built on ${onDate(built)}` };
  if (caEnds !== undefined && now > caEnds)
    return { kind: 'after_ca', why: `it is later than the end of the CA, ${onDate(caEnds)}` };
  const due = calm !== undefined && (now < calm.from || now >= calm.to);
  if (jump !== undefined && due) return { kind: 'jumped', why: jumped(jump) };
  return undefined;
}

/** 'it was set forward by 3 days 4 minutes ago' */
const jumped = ({ byMs, agoMs }: Jump): string =>
  `it was set ${byMs > 0 ? 'forward' : 'back'} by ${length(Math.abs(byMs))}, ${length(agoMs)} ago, while the system ran`;

/** '12 s', '3 minutes', '5 hours', '40 days': whole numbers of the largest unit with at least two. @internal */
export function length(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const unit = UNITS.find(([, size]) => seconds >= 2 * size);
  return unit === undefined ? `${seconds} s` : `${Math.floor(seconds / unit[1])} ${unit[0]}`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['days', 86_400],
  ['hours', 3_600],
  ['minutes', 60],
];

const CORRECT = 'correct the clock (`timedatectl`; `timedatectl set-ntp true` starts time synchronisation)';
/** How an operator makes a new CA on purpose. */
const REPLACE_CA = 'replace the CA (docs/operate.md, "Replace the CA")';

/** The report of a suspect clock on a SuperLink. */
export function suspectClock({ kind, why }: Suspicion, now: Date): Problem {
  const expected = 'a clock that can be right: until then no CA and no certificate is replaced';
  const remedy = {
    before_image: CORRECT,
    after_ca: `${CORRECT}; if it is right, the CA has ended: ${REPLACE_CA}`,
    jumped: `${CORRECT}; if it is right, do nothing: it counts as right after an hour`,
  }[kind];
  return new Problem('clock_off', {
    severity: 'degraded',
    doing: "checking this VM's clock before certificates are judged by it",
    found: `the clock says ${onDate(now)}; ${why}`,
    expected,
    remedy,
  });
}

/** A year before its end no certificate under the CA lasts as long as it should. */
const ENDS_SOON_MS = SERVER_MS;

/** What the dates of the VM's own CA mean while its clock is not suspect: nothing, or one problem. */
export function datesOff({ subject, notBefore, notAfter }: Certificate, now: Date): Problem[] {
  const doing = "checking the dates of this VM's CA";
  if (now < notBefore)
    return [
      new Problem('clock_off', {
        severity: 'degraded',
        doing,
        found: `${subject} is valid from ${onDate(notBefore)} only; this VM's clock says ${onDate(now)}`,
        expected: 'a CA that is valid now: until then only a SuperNode with a wrong clock accepts it',
        remedy: `check the clock (\`timedatectl\`). If it is right, the CA was made while it was ahead: ${REPLACE_CA}`,
      }),
    ];
  if (now.getTime() < notAfter.getTime() - ENDS_SOON_MS) return [];
  return [
    new Problem('ca_invalid', {
      severity: 'warning',
      doing,
      found: `${subject} ends on ${onDate(notAfter)}, and no certificate under it can last longer`,
      expected: 'a CA that lasts for another year',
      remedy: `${REPLACE_CA} before that day`,
    }),
  ];
}

/** A warning when a certificate is renewed by a clock that nothing synchronises. */
export const unsynchronised = (now: Date): Problem =>
  new Problem('clock_off', {
    severity: 'warning',
    doing: 'renewing the server certificate',
    found: `the clock says ${onDate(now)}, and is not synchronised`,
    remedy: 'start time synchronisation (`timedatectl set-ntp true`)',
  });

/** Flower tolerates less, but this is about hours: the clocks of OneGate and of this VM agree. */
const AGREES_MS = 60_000;

/**
 * Which clock is wrong when a SuperNode finds a certificate of the SuperLink outside of its dates: its own, the SuperLink's, or
 * one of them. `aheadMs`: its clock minus OneGate's, undefined where OneGate has not answered.
 */
export function whichClock({
  now,
  built,
  aheadMs,
}: {
  readonly now: Date;
  readonly built: Date | undefined;
  readonly aheadMs: number | undefined;
}): WhichClock {
  if (built !== undefined && now < built)
    return {
      why: `this VM's clock is wrong: it is earlier than its image, ${onDate(built)}`,
      remedy: CORRECT,
    };
  if (aheadMs === undefined)
    return {
      why: "this VM's clock or the SuperLink's is wrong",
      remedy: `compare both (\`date -u\`) and correct the wrong one (\`timedatectl\`); ${AT_SUPERLINK}`,
    };
  if (Math.abs(aheadMs) > AGREES_MS) {
    const off = `${length(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
    return { why: `this VM's clock is ${off} that of OneGate, so it is probably wrong`, remedy: CORRECT };
  }
  return {
    why: "this VM's clock agrees with that of OneGate, so the SuperLink's was or is wrong",
    remedy: `correct the clock of the SuperLink (\`timedatectl\`); ${AT_SUPERLINK}`,
  };
}

const AT_SUPERLINK = '`flower-context doctor` on the SuperLink says whether its CA has to be replaced';

// Whether the clock of this SuperLink can be right, with what was seen of it since the system started.
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { unlessError } from '../core/result.ts';
import { readText, writeAtomic } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { type Jump, type Suspicion, suspicionOf } from '../tls/clock.ts';
import { renewAt } from '../tls/renewal.ts';
import { certificatesIn } from '../tls/texts.ts';

/** The file. Offsets are the time of day minus the time since the start of the system, in milliseconds. */
const memorySchema = z.lazy(() =>
  z.object({
    version: z.literal(1),
    /** The one that counts as right. */
    offset: z.number(),
    /** Another one, and the time since the start of the system at which it was first seen. */
    jump: z.object({ offset: z.number(), at: z.number() }).nullable(),
  }),
);
type Memory = z.infer<typeof memorySchema>;

/** Time synchronisation and a virtual machine that was paused make smaller steps. */
const TOLERATED_MS = 5 * 60_000;
/** A clock that somebody has set wrongly is corrected before that, or it is right. */
const SETTLED_AFTER_MS = 60 * 60_000;

/** What is remembered after a look at the clock, and the jump that it is suspect for. @internal */
export function seen(
  memory: Memory | undefined,
  offset: number,
  uptime: number,
): { memory: Memory; jump: Jump | undefined } {
  const near = (other: number): boolean => Math.abs(offset - other) <= TOLERATED_MS;
  if (memory === undefined) return { memory: { version: 1, offset, jump: null }, jump: undefined };
  if (near(memory.offset)) return { memory: { ...memory, jump: null }, jump: undefined };
  const jump = memory.jump !== null && near(memory.jump.offset) ? memory.jump : { offset, at: uptime };
  const agoMs = uptime - jump.at;
  if (agoMs >= SETTLED_AFTER_MS) return { memory: { version: 1, offset, jump: null }, jump: undefined };
  return { memory: { ...memory, jump }, jump: { byMs: offset - memory.offset, agoMs } };
}

export interface InUse {
  /** When the image was built; undefined where it is not known. */
  readonly built: Date | undefined;
  /** The VM's own CA, and the certificate under it; undefined: there is none yet. */
  readonly caPem?: string | undefined;
  readonly certPem?: string | undefined;
}

/**
 * Why the dates of these certificates must not be judged by this VM's clock; undefined: they may. `remember`: what was seen
 * is written down; only the agent does that.
 */
export function suspectClockOf(
  { paths, clock }: Pick<Machine, 'paths' | 'clock'>,
  { built, caPem, certPem }: InUse,
  remember = false,
): Suspicion | undefined {
  const now = clock.now();
  const uptime = clock.uptimeMs();
  const [ca] = certificatesIn(caPem ?? '').certificates;
  const [certificate] = certificatesIn(certPem ?? '').certificates;
  const facts = { now, built, caEnds: ca?.notAfter };
  const impossible = suspicionOf(facts);
  // An impossible time says nothing about a later one: the correction of such a clock is no jump.
  if (impossible !== undefined) return impossible;
  const text = unlessError(() => readText(paths.clock, { owner: 'own' }));
  const before = text === undefined ? undefined : parseJson(text, memorySchema);
  const { memory, jump } = seen(before, now.getTime() - uptime, uptime);
  const content = JSON.stringify(memory);
  // Without the file a later jump is not noticed; the bounds above still hold.
  if (remember && content !== text)
    unlessError(() => writeAtomic(paths.clock, content, { mode: 0o644, durable: false }));
  if (ca === undefined) return undefined;
  const from = new Date(Math.max(ca.notBefore.getTime(), certificate?.notBefore.getTime() ?? 0));
  const to = certificate === undefined ? ca.notAfter : renewAt(certificate.pem, ca.pem);
  return suspicionOf({ ...facts, calm: { from, to }, jump });
}

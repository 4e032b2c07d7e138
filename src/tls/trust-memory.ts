// What a SuperNode trusted last. OneGate mostly speaks plain HTTP and every VM of the service may write attributes, so what
// it says today counts only as far as it does not lower what was trusted before:
//
//   before       published now       result
//   TLS          FL_TLS=NO, or none  a failure: only FL_TLS_ENABLED=NO on this VM leads back to plaintext (trust.ts)
//   TLS          another CA          accepted, because a SuperLink that is deployed again has a new one; reported until the
//                                    VM boots again (suspicionOf)
//   TLS          the same CA         normal, also at another address: who has the CA's key is who it was
//   plaintext    anything            normal
//
// A pinned CA (FL_SSL_CA_CERTFILE) and a changed FL_TLS_ENABLED are the operator's word, and end the comparison.
import * as z from 'zod';
import { Problem } from '../core/problem.ts';

/** The file, JSON. */
export const trustMemorySchema = z.lazy(() =>
  z.object({
    version: z.literal(1),
    /** The VM that wrote it: a disk image saved from another VM holds the memory of that VM. */
    vmId: z.int().nullable(),
    tls: z.boolean(),
    /** SHA-256 of each trusted CA, AA:BB:... Empty with plaintext, and where they are not known any more. */
    ca: z.array(z.string()),
    /** host:port of the SuperLink; null when it is not known. */
    address: z.string().nullable(),
    /** FL_TLS_ENABLED of that boot; null: not set. */
    tlsEnabled: z.boolean().nullable(),
    at: z.string(),
    /** The boot of the operating system that wrote it. */
    bootId: z.string(),
    /** What changed for no known reason during that boot: a clause. */
    suspicion: z.string().nullable(),
  }),
);

/** `at` of a memory that was not stored: all that is known is that there is a CA file. */
export const CA_FILE_ONLY = 'an earlier boot';

export type TrustMemory = z.infer<typeof trustMemorySchema>;

type Now = Omit<TrustMemory, 'version' | 'suspicion'> & {
  /** The CA is the operator's (FL_SSL_CA_CERTFILE). */
  readonly pinned: boolean;
};

/** What to remember from now on; `last` itself when nothing changed, so that nothing is written. */
export function remembered(last: TrustMemory | undefined, { pinned, ...now }: Now): TrustMemory {
  const suspicion = suspicionOf(last, { pinned, ...now }) ?? null;
  const memory: TrustMemory = { version: 1, ...now, suspicion };
  const same = (one: TrustMemory): string =>
    JSON.stringify([one.vmId, one.tls, one.ca, one.address, one.tlsEnabled, one.suspicion]);
  return last !== undefined && same(last) === same(memory) ? last : memory;
}

/** What changed for no known reason, as a clause; that of an earlier look as long as the VM has not booted again. */
function suspicionOf(last: TrustMemory | undefined, now: Now): string | undefined {
  if (last === undefined || !last.tls || !now.tls || now.pinned) return undefined;
  if (last.tlsEnabled !== now.tlsEnabled) return undefined;
  const added = now.ca.filter((one) => !last.ca.includes(one));
  if (added.length === 0) return (last.bootId === now.bootId ? last.suspicion : null) ?? undefined;
  const before = last.ca.length === 0 ? 'one that is not known any more' : last.ca.map(short).join(' and ');
  const moved =
    last.address === null || last.address === now.address
      ? `its address is ${now.address}`
      : `its address is ${now.address} instead of ${last.address}`;
  return `since ${now.at} the SuperLink publishes the CA ${added.map(short).join(' and ')} instead of ${before}, trusted on ${last.at}; ${moved}`;
}

/** The first eight bytes, enough to compare two. */
const short = (sha256: string): string => `${sha256.slice(0, 23)}...`;

/** The report of a suspicion. `kept`: the file with the CA of before. */
export const suspiciousCa = (suspicion: string, kept: string): Problem =>
  new Problem('peer_suspicious', {
    severity: 'degraded',
    doing: "comparing the SuperLink's CA with the one trusted before",
    found: `${suspicion}; the earlier CA is kept as ${kept}`,
    remedy:
      "compare it with `flower-context ca` on the SuperLink. If the SuperLink was deployed again, do nothing: this report ends when the VM boots again. If not, another VM or the network has changed FL_CA_CERT: set FL_SSL_CA_CERTFILE to the SuperLink's CA",
    variable: 'FL_SSL_CA_CERTFILE',
  });

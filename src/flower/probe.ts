// Is there a Fleet API at this address, as a SuperNode would find it? One call that changes nothing: PullMessages
// without the signed headers of a node. Every Fleet API from 1.31 to 1.39 answers it with UNAUTHENTICATED "Missing
// authentication metadata", before it looks at anything else; Control, AppIo and foreign servers do not.

import { formatHostPort } from '../core/hostport.ts';
import { type GrpcAnswer, type GrpcConnection, GrpcStatus, type GrpcTarget, openGrpc } from '../host/grpc.ts';

export const FLEET_METHOD = '/flwr.proto.Fleet/PullMessages';

export type ProbeFailure =
  /** Nothing listens, no route, no such name. */
  | 'unreachable'
  /** Something accepts the connection, or swallows it, and never answers. */
  | 'silent'
  /** The certificate is not signed by the CA given. */
  | 'ca'
  /** The certificate does not name this address. */
  | 'name'
  /** The certificate is expired or not valid yet. */
  | 'expired'
  /** TLS was spoken to a listener that speaks plaintext. */
  | 'plaintext'
  /** Plaintext was spoken to a listener that hung up: most likely it wants TLS. */
  | 'hung_up'
  /** A server, but not Flower's Fleet API. */
  | 'not_fleet';

export type ProbeResult =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly kind: ProbeFailure; readonly reason: string };

/**
 * Asks once, within `timeoutMs`. Never throws; `reason` is a sentence for a person. `opened`: made by openGrpc for the
 * same target while there was time; it is closed here.
 */
export async function probeFleet(
  target: GrpcTarget,
  timeoutMs: number,
  opened: Promise<GrpcConnection> = openGrpc(target),
): Promise<ProbeResult> {
  const connection = await opened;
  try {
    return judge(await connection.call(FLEET_METHOD, timeoutMs), target);
  } finally {
    connection.close();
  }
}

/** What an answer to the unsigned call means. */
export function judge(answer: GrpcAnswer, target: GrpcTarget): ProbeResult {
  const at = formatHostPort(target);
  const { code, details } = answer;
  if (code === GrpcStatus.UNAUTHENTICATED) return { ok: true, ms: Math.round(answer.ms) };
  if (code === GrpcStatus.DEADLINE_EXCEEDED) {
    return { ok: false, kind: 'silent', reason: `${at} does not answer (no reply in time)` };
  }
  if (code !== GrpcStatus.UNAVAILABLE) {
    return {
      ok: false,
      kind: 'not_fleet',
      reason: `${at} answers, but is not Flower's Fleet API (${details || code})`,
    };
  }
  for (const [sign, kind, reason] of SIGNS)
    if (sign.test(details)) return { ok: false, kind, reason: `${at} ${reason}` };
  if (target.ca === null) {
    return { ok: false, kind: 'hung_up', reason: `${at} hangs up on plaintext; it may want TLS` };
  }
  const last = /Last error: (.*?)\.? Resolution note/s.exec(details)?.[1] ?? details;
  return { ok: false, kind: 'unreachable', reason: `${at} cannot be reached: ${last.slice(0, 200)}` };
}

/** What grpc-js and OpenSSL say, and what it means. The first that fits is taken. */
const SIGNS: readonly (readonly [RegExp, ProbeFailure, string])[] = [
  [
    /ALTNAME_INVALID|does not match certificate/,
    'name',
    'shows a certificate that does not name this address',
  ],
  [/certificate has expired|CERT_HAS_EXPIRED/, 'expired', 'shows a certificate that has expired'],
  [/not yet valid|CERT_NOT_YET_VALID/, 'expired', 'shows a certificate that is not valid yet'],
  [
    /verify the first certificate|self-signed|local issuer|certificate signature/,
    'ca',
    'shows a certificate that is not signed by the CA trusted here',
  ],
  [/wrong version number|packet length too long/, 'plaintext', 'does not speak TLS'],
  [/Protocol error/, 'not_fleet', 'answers, but does not speak gRPC'],
  [/ECONNREFUSED/, 'unreachable', 'refuses the connection: nothing listens there'],
  [/EHOSTUNREACH|ENETUNREACH/, 'unreachable', 'has no route to it from here'],
  [/ETIMEDOUT/, 'silent', 'does not answer'],
  [/Name resolution failed/, 'unreachable', 'is a name that does not resolve'],
];

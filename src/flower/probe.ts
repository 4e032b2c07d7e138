// Two questions to a Fleet API, each with one call that changes nothing there.
import { generateKeyPairSync, sign } from 'node:crypto';
import { plain } from '../core/text.ts';
import { type GrpcAnswer, type GrpcConnection, GrpcStatus, type GrpcTarget, openGrpc } from '../host/grpc.ts';
import type { Host } from '../host/host.ts';

/** What `flower-context probe --wait` prints between the address and the reason, whenever the reason changes. */
export const NO_ANSWER_YET = ' does not answer yet: ';

const METHOD = '/flwr.proto.Fleet/PullMessages';

/**
 * `ms`: the time that the answer took. `reason`: a predicate, such as 'does not speak TLS'. `byDates`: only the dates of the
 * certificate are wrong, by the clock of this VM.
 */
type ProbeResult =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly reason: string; readonly byDates: boolean };

/**
 * Whether a SuperNode would find a Fleet API at `target`: Flower 1.31 to 1.39 refuses a call without the headers of a
 * node before it checks anything else; other servers do not. Never throws. `opened`: a connection that openGrpc made
 * earlier for the same target; it is closed here.
 */
export async function probeFleet(
  target: GrpcTarget,
  timeoutMs: number,
  opened: Promise<GrpcConnection> = openGrpc(target),
): Promise<ProbeResult> {
  const connection = await opened;
  try {
    return judge(await connection.call(METHOD, timeoutMs), target.ca === null);
  } finally {
    connection.close();
  }
}

/** The same call without the gRPC library, for the agent. */
export async function callFleetOnce(
  { callGrpc }: Pick<Host, 'callGrpc'>,
  target: GrpcTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  return judge(await callGrpc(target, METHOD, timeoutMs), target.ca === null);
}

/** What an answer to the unsigned call means. @internal */
export function judge({ code, details, ms }: GrpcAnswer, plaintext: boolean): ProbeResult {
  if (code === GrpcStatus.UNAUTHENTICATED) return { ok: true, ms: Math.round(ms) };
  const reason = reasonOf(code, details, plaintext);
  return { ok: false, reason, byDates: reason === EXPIRED || reason === NOT_YET_VALID };
}

const EXPIRED = 'shows a certificate that has expired';
const NOT_YET_VALID = 'shows a certificate that is not valid yet';

function reasonOf(code: number, details: string, plaintext: boolean): string {
  if (code === GrpcStatus.DEADLINE_EXCEEDED) return 'does not answer (no reply in time)';
  if (code !== GrpcStatus.UNAVAILABLE)
    return `answers, but is not Flower's Fleet API (${plain(details, 200) || `status ${code}`})`;
  const meaning = MEANINGS.find(([sign]) => sign.test(details))?.[1];
  if (meaning !== undefined) return meaning;
  if (plaintext) return 'closes the connection on plaintext; it may require TLS';
  const last = /Last error: (.*?)\.? Resolution note/s.exec(details)?.[1] ?? details;
  return `cannot be reached: ${plain(last, 200)}`;
}

/** Error texts of grpc-js and OpenSSL, and their meaning. The first that matches is taken. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/ALTNAME_INVALID|does not match certificate/, 'shows a certificate that does not name this address'],
  [/certificate has expired|CERT_HAS_EXPIRED/, EXPIRED],
  [/not yet valid|CERT_NOT_YET_VALID/, NOT_YET_VALID],
  [
    /verify the first certificate|self-signed|local issuer|certificate signature/,
    'shows a certificate that is not signed by the CA trusted here',
  ],
  [/wrong version number|packet length too long/, 'does not speak TLS'],
  [/Protocol error/, 'answers, but does not speak gRPC'],
  [/ECONNREFUSED/, 'refuses the connection: no program listens there'],
  [/EHOSTUNREACH|ENETUNREACH/, 'cannot be reached: there is no route'],
  [/ETIMEDOUT/, 'does not answer'],
  [/Name resolution failed/, 'is a name that does not resolve'],
];

/**
 * Whether Flower accepts the time of this VM (docs/facts.md, "flower-clock"). The call is signed with a new key. With an
 * accepted time Flower refuses it as "Invalid node ID", else as "Invalid timestamp". `now`: milliseconds since 1970.
 * Undefined when there is no such answer. Never throws.
 */
export async function acceptsClock(
  target: GrpcTarget,
  timeoutMs: number,
  now: number,
): Promise<boolean | undefined> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const timestamp = new Date(now).toISOString().replace('Z', '+00:00');
  const connection = await openGrpc(target);
  try {
    const { code, details } = await connection.call(METHOD, timeoutMs, {
      'flwr-public-key-bin': Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })),
      'flwr-timestamp': timestamp,
      'flwr-signature-bin': sign('sha256', Buffer.from(timestamp), privateKey),
    });
    if (code !== GrpcStatus.UNAUTHENTICATED) return undefined;
    if (/timestamp/i.test(details)) return false;
    return /node ID/i.test(details) ? true : undefined;
  } finally {
    connection.close();
  }
}

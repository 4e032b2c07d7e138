// Two questions to a Fleet API, each with one call that changes nothing there. Both generations of Flower are asked.
import { generateKeyPairSync, sign } from 'node:crypto';
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { plain } from '../core/text.ts';
import { type GrpcAnswer, type GrpcConnection, GrpcStatus, type GrpcTarget, openGrpc } from '../host/grpc.ts';
import type { Host } from '../host/host.ts';
import { HttpFailure, type HttpReply, request } from '../host/http.ts';
import type { Transport } from './profiles.ts';

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

/** The versions of Flower that use it, for a person. */
export const GENERATIONS: Readonly<Record<Transport, string>> = {
  grpc: 'Flower 1.39 and older (gRPC)',
  http: 'Flower 1.40 and newer (HTTP)',
};

/**
 * Whether a SuperNode would find a Fleet API at `target`: Flower refuses a call without the headers of a node before it
 * checks anything else; other servers do not. Never throws. `opened`: a connection that openGrpc made earlier for the same
 * target; it is closed here.
 */
export async function probeFleet(
  target: GrpcTarget,
  transport: Transport,
  timeoutMs: number,
  opened?: Promise<GrpcConnection>,
): Promise<ProbeResult> {
  if (transport === 'http') return probeHttp(request, target, timeoutMs);
  const connection = await (opened ?? openGrpc(target));
  try {
    return judge(await connection.call(METHOD, timeoutMs), target.ca === null);
  } finally {
    connection.close();
  }
}

/** The same without knowing the generation, and which one it is: of the better answer. */
export async function probeEither(
  target: GrpcTarget,
  timeoutMs: number,
): Promise<ProbeResult & { readonly transport: Transport }> {
  const http = await probeHttp(request, target, timeoutMs);
  if (http.ok || http.answered) return { ...http, transport: 'http' };
  return { ...(await probeFleet(target, 'grpc', timeoutMs)), transport: 'grpc' };
}

/** The same call without the gRPC library, for the agent. */
export async function callFleetOnce(
  { callGrpc, callHttp }: Pick<Host, 'callGrpc' | 'callHttp'>,
  target: GrpcTarget,
  transport: Transport,
  timeoutMs: number,
): Promise<ProbeResult> {
  if (transport === 'http') return probeHttp(callHttp, target, timeoutMs);
  return judge(await callGrpc(target, METHOD, timeoutMs), target.ca === null);
}

const PATH = '/v1/fleet/pull-messages';
/** Of a refusal. The path of another server does not give it. */
const refusal = z.lazy(() => z.object({ detail: z.literal('Invalid SuperNode authentication') }));
const LONGEST_ANSWER = 64 * 1024;

async function sendHttp(
  send: typeof request,
  { host, port, ca }: GrpcTarget,
  timeoutMs: number,
): Promise<HttpReply> {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return send({
    method: 'POST',
    url: new URL(`${ca === null ? 'http' : 'https'}://${authority}${PATH}`),
    ...(ca === null ? {} : { ca }),
    headers: { 'Content-Type': 'application/protobuf' },
    body: '',
    timeoutMs,
    maxBytes: LONGEST_ANSWER,
  });
}

/** `answered`: with HTTP, whatever it was. */
async function probeHttp(
  send: typeof request,
  target: GrpcTarget,
  timeoutMs: number,
): Promise<ProbeResult & { readonly answered: boolean }> {
  const began = performance.now();
  try {
    const reply = await sendHttp(send, target, timeoutMs);
    if (isRefusal(reply)) return { ok: true, ms: Math.round(performance.now() - began), answered: true };
    const kind = plain(String(reply.headers['content-type'] ?? ''), 60);
    const found = `HTTP ${reply.status}${kind === '' ? '' : `, ${kind}`}`;
    const reason = `answers, but is not Flower's Fleet API (${found})`;
    return { ok: false, reason, byDates: false, answered: true };
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    const reason = whyNoHttp(error, target.ca === null);
    return { ok: false, reason, byDates: reason === EXPIRED || reason === NOT_YET_VALID, answered: false };
  }
}

const isRefusal = ({ status, body }: HttpReply): boolean =>
  status === 401 && parseJson(body, refusal) !== undefined;

function whyNoHttp({ kind, code = '', message }: HttpFailure, plaintext: boolean): string {
  if (kind === 'timeout') return 'does not answer (no reply in time)';
  const meaning = MEANINGS.find(([sign]) => sign.test(code))?.[1];
  if (meaning !== undefined) return meaning;
  if (kind === 'protocol') return 'answers, but does not speak HTTP';
  if (kind === 'tls') return 'does not speak TLS';
  if (plaintext && kind === 'reset') return 'closes the connection on plaintext; it may require TLS';
  return `cannot be reached: ${plain(message, 200)}`;
}

/** What an answer to the unsigned call of gRPC means. @internal */
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

/** Error texts of grpc-js, Node.js and OpenSSL, and their meaning. The first that matches is taken. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/ALTNAME_INVALID|does not match certificate/, 'shows a certificate that does not name this address'],
  [/certificate has expired|CERT_HAS_EXPIRED/, EXPIRED],
  [/not yet valid|CERT_NOT_YET_VALID/, NOT_YET_VALID],
  [
    /verify the first certificate|self-signed|local issuer|certificate signature|UNABLE_TO|SELF_SIGNED|CERT_SIGNATURE/,
    'shows a certificate that is not signed by the CA trusted here',
  ],
  [/wrong.version.number|packet.length.too.long/i, 'does not speak TLS'],
  [/Protocol error/, 'answers, but does not speak gRPC'],
  [/ECONNREFUSED/, 'refuses the connection: no program listens there'],
  [/EHOSTUNREACH|ENETUNREACH/, 'cannot be reached: there is no route'],
  [/ETIMEDOUT/, 'does not answer'],
  [/Name resolution failed|ENOTFOUND|EAI_AGAIN/, 'is a name that does not resolve'],
];

/** What Flower accepts of a time, in seconds before and after its own (docs/facts.md, "flower-clock"). */
const MOST_AHEAD = 5;
const MOST_BEHIND = 305;

/**
 * Whether Flower accepts the time of this VM. `now`: milliseconds since 1970. Undefined when there is no such answer. Never
 * throws.
 */
export const acceptsClock = (
  target: GrpcTarget,
  transport: Transport,
  timeoutMs: number,
  now: number,
): Promise<boolean | undefined> =>
  transport === 'grpc' ? acceptsBySignature(target, timeoutMs, now) : acceptsByDate(target, timeoutMs, now);

/** Over HTTP Flower refuses every call with the same text. Its server says what time it is, to the second. */
async function acceptsByDate(
  target: GrpcTarget,
  timeoutMs: number,
  now: number,
): Promise<boolean | undefined> {
  const began = performance.now();
  try {
    const reply = await sendHttp(request, target, timeoutMs);
    if (!isRefusal(reply) || reply.date === undefined) return undefined;
    const ahead = (now + performance.now() - began - reply.date.getTime()) / 1_000;
    return ahead < MOST_AHEAD && -ahead < MOST_BEHIND;
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    return undefined;
  }
}

/** The call is signed with a new key. With an accepted time Flower refuses it as "Invalid node ID", else as "Invalid timestamp". */
async function acceptsBySignature(
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

// HTTP requests. node:http, not fetch: half the memory, and every limit can be set. One connection per request: a boot sends
// few, and a kept connection that the server has closed would be one more failure.
//
// - One deadline covers name lookup, connection, TLS, headers and body, also when a server sends byte by byte.
// - A reply longer than `maxBytes` is cut off and refused.
// - Redirects are not followed: the target must not get the token.
// - Proxies of the environment are never used.
import { Agent as HttpAgent, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { describeError } from './errno.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** http: or https:. The certificate must name the host. */
  readonly url: URL;
  /** PEM of the CAs to trust; undefined: those of the system (update-ca-certificates). */
  readonly ca?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the name lookup to the last byte. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The server's Date header: its clock when it answered. */
  readonly date?: Date;
}

type HttpFailureKind =
  | 'refused'
  | 'unroutable'
  | 'timeout'
  | 'reset'
  | 'truncated'
  | 'too_large'
  | 'protocol'
  | 'dns'
  | 'tls';

/** No complete reply. `message` is a clause for a person and never holds a header or a body. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly kind: HttpFailureKind;
  /** Of Node.js or OpenSSL, as they give it. */
  readonly code: string | undefined;

  constructor(kind: HttpFailureKind, message: string, code?: string) {
    super(message);
    this.kind = kind;
    this.code = code;
  }
}

const plainAgent = new HttpAgent({ keepAlive: false });
const tlsAgent = new HttpsAgent({ keepAlive: false, rejectUnauthorized: true, maxCachedSessions: 0 });

let systemTrusted = false;

/**
 * Node.js has its own CAs and does not read those of the system. They are added before the first https request. The option
 * --use-system-ca would read some 300 files at each start, also where OneGate uses plain http.
 */
function trustSystem(): void {
  if (systemTrusted) return;
  systemTrusted = true;
  setDefaultCACertificates([...new Set([...getCACertificates('default'), ...getCACertificates('system')])]);
}

/** Sends one request. Resolves with a reply of any status. Throws HttpFailure, or the reason of the signal. */
export async function request(sent: HttpRequest): Promise<HttpReply> {
  const { method, url, ca, headers, body, timeoutMs, maxBytes, signal } = sent;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:';
    if (secure && ca === undefined) trustSystem();
    let phase: keyof typeof PHASE_TEXT = 'connecting';

    const outgoing = (secure ? requestHttps : requestHttp)(url, {
      method,
      ...(ca === undefined ? {} : { ca }),
      agent: secure ? tlsAgent : plainAgent,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
        Connection: 'close',
      },
    });
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      settle();
      outgoing.destroy();
    };
    const fail = (failure: unknown): void => finish(() => reject(failure));
    const abort = (): void => fail(signal?.reason);
    const timer = setTimeout(() => {
      const why = `no whole answer within ${timeoutMs / 1000} s (${PHASE_TEXT[phase]})`;
      fail(new HttpFailure('timeout', why));
    }, timeoutMs);
    signal?.addEventListener('abort', abort, { once: true });

    outgoing.on('socket', (socket) => socket.once('connect', () => (phase = 'asking')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => fail(failureFrom(error, phase)));
    outgoing.on('close', () => fail(failureFrom({ code: 'ECONNRESET' }, phase)));
    outgoing.on('response', (incoming) => {
      phase = 'reading';
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > maxBytes)
          fail(new HttpFailure('too_large', `the answer is longer than ${maxBytes} bytes`));
      });
      incoming.on('error', (error: NodeJS.ErrnoException) => fail(failureFrom(error, phase)));
      incoming.on('end', () => {
        const date = Date.parse(incoming.headers.date ?? '');
        finish(() =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString('utf8'),
            ...(Number.isNaN(date) ? {} : { date: new Date(date) }),
          }),
        );
      });
    });
    outgoing.end(body);
  });
}

const PHASE_TEXT = {
  connecting: 'no connection',
  asking: 'connected, but no answer',
  reading: 'the answer is incomplete',
} as const;

const NETWORK_FAILURE: Readonly<Record<string, HttpFailureKind>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EHOSTUNREACH: 'unroutable',
  ENETUNREACH: 'unroutable',
  EADDRNOTAVAIL: 'unroutable',
  ETIMEDOUT: 'timeout',
};

function failureFrom(error: { code?: string | undefined }, phase: keyof typeof PHASE_TEXT): HttpFailure {
  const { kind, message } = meaningOf(error, phase);
  return new HttpFailure(kind, message, error.code);
}

function meaningOf(error: { code?: string | undefined }, phase: keyof typeof PHASE_TEXT): HttpFailure {
  const code = error.code ?? 'unknown error';
  const kind = NETWORK_FAILURE[code];
  if (kind !== undefined) return new HttpFailure(kind, describeError(error));
  if (code.startsWith('HPE_')) return new HttpFailure('protocol', 'the server does not speak HTTP');
  if (code === 'EPROTO' || /^ERR_(SSL|TLS|OSSL)/.test(code))
    return new HttpFailure('tls', 'the server does not speak TLS');
  if (/CERT|SIGNATURE|UNABLE_TO|SELF_SIGNED/.test(code)) {
    const why = code.toLowerCase().replaceAll('_', ' ');
    return new HttpFailure('tls', `its certificate is not trusted (${why})`);
  }
  if (phase === 'reading')
    return new HttpFailure('truncated', 'the connection ended in the middle of the answer');
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new HttpFailure('reset', 'the connection was closed before an answer came');
  return new HttpFailure('protocol', `the request failed (${code})`);
}

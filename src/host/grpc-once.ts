// One unary gRPC call with an empty message over HTTP/2 of Node.js, for the agent: the gRPC library would cost it 20 MiB for
// as long as it runs (docs/facts.md, "http2-memory"). Neither retries nor streams. The protocol: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
import type { PeerCertificate } from 'node:tls';
import { plain } from '../core/text.ts';
import { type GrpcAnswer, GrpcStatus, type GrpcTarget } from './grpc.ts';

/** No compression, a message of 0 bytes. */
const EMPTY = Buffer.alloc(5);

/**
 * Sends an empty message to a method ('/package.Service/Method') on a connection of its own. Never throws: a failure is an
 * answer. The certificate must name `host`. The limit is time of this machine, in milliseconds, for all of it.
 */
export async function callOnce(
  { host, port, ca }: GrpcTarget,
  method: string,
  timeoutMs: number,
): Promise<GrpcAnswer> {
  const [{ connect }, { checkServerIdentity }] = await Promise.all([
    import('node:http2'),
    import('node:tls'),
  ]);
  const began = performance.now();
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve) => {
    const session = connect(`${ca === null ? 'http' : 'https'}://${authority}`, {
      ...(ca === null
        ? {}
        : {
            ca,
            checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
              checkServerIdentity(host, certificate),
          }),
    });
    const end = (code: number, details: string): void => {
      clearTimeout(timer);
      session.destroy();
      resolve({ code, details: plain(details, 2_000), ms: performance.now() - began });
    };
    const failed = (error: NodeJS.ErrnoException): void =>
      end(GrpcStatus.UNAVAILABLE, `${error.code ?? ''} ${error.message}`.trim());
    const timer = setTimeout(() => end(GrpcStatus.DEADLINE_EXCEEDED, 'no answer'), timeoutMs);
    session.on('error', failed);
    const call = session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    // Trailers, or the headers of an answer without a message.
    const answered = (fields: Readonly<Record<string, unknown>>): void => {
      const status = fields['grpc-status'];
      if (status !== undefined) end(Number(status), decoded(String(fields['grpc-message'] ?? '')));
    };
    call.on('response', answered).on('trailers', answered).on('error', failed);
    call.on('close', () => end(GrpcStatus.UNAVAILABLE, 'Protocol error: the answer has no status of gRPC'));
    call.resume();
    call.end(EMPTY);
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

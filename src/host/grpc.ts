// Calls gRPC servers: unary calls with empty messages, over TLS or plaintext. grpc-js is loaded on the first use.
import { plain } from '../core/text.ts';

export interface GrpcTarget {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** PEM of the CA certificates to trust; null for plaintext. */
  readonly ca: string | null;
}

export interface GrpcAnswer {
  /** gRPC's status number; 0 is OK, 14 UNAVAILABLE, 16 UNAUTHENTICATED. */
  readonly code: number;
  /** Plain text, at most 2000 characters: a server can send any, and grpc-js adds to it. */
  readonly details: string;
  /** From the call to its answer, in milliseconds. */
  readonly ms: number;
}

export interface GrpcConnection {
  /** Sends an empty message to a method ('/package.Service/Method'). Never throws: a failure is an answer. */
  call(
    method: string,
    timeoutMs: number,
    metadata?: Readonly<Record<string, string | Buffer>>,
  ): Promise<GrpcAnswer>;
  close(): void;
}

export const GrpcStatus = {
  DEADLINE_EXCEEDED: 4,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** A connection, opened by its first call and shared by all calls. The certificate must name `host`. */
export async function openGrpc({ host, port, ca }: GrpcTarget): Promise<GrpcConnection> {
  const [{ Client, Metadata, credentials }, { checkServerIdentity }, { isIP }] = await Promise.all([
    import('@grpc/grpc-js'),
    import('node:tls'),
    import('node:net'),
  ]);
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const client = new Client(
    address,
    ca === null
      ? credentials.createInsecure()
      : credentials.createSsl(Buffer.from(ca), null, null, {
          checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
        }),
    {
      // grpc-js would send an address as the TLS server name, which is not allowed. `host` is still verified.
      ...(isIP(host) ? { 'grpc.ssl_target_name_override': 'localhost' } : {}),
      // The peer is on the operator's own network: no proxy of the environment, no TXT records.
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_retries': 0,
    },
  );
  const empty = (): Buffer => Buffer.alloc(0);
  return {
    call: (method, timeoutMs, metadata = {}) =>
      new Promise((resolve) => {
        const sent = new Metadata();
        for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
        const from = performance.now();
        const options = { deadline: new Date(Date.now() + timeoutMs) };
        client.makeUnaryRequest(method, empty, empty, null, sent, options, (error) =>
          resolve({
            code: error?.code ?? 0,
            details: plain(error?.details ?? '', 2_000),
            ms: performance.now() - from,
          }),
        );
      }),
    close: () => client.close(),
  };
}

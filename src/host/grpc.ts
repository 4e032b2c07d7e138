// The door to gRPC servers: unary calls with raw bytes over TLS or plaintext. grpc-js is loaded on the first use.

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
  readonly details: string;
  /** From the call to its answer, in milliseconds. */
  readonly ms: number;
}

export interface GrpcConnection {
  /** Sends an empty message to a method ('/package.Service/Method'). Never throws: a failure is an answer too. */
  call(
    method: string,
    timeoutMs: number,
    metadata?: Readonly<Record<string, string | Buffer>>,
  ): Promise<GrpcAnswer>;
  close(): void;
}

export const GrpcStatus = {
  OK: 0,
  DEADLINE_EXCEEDED: 4,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** A connection, opened by its first call and used by all of them; names in certificates are always verified. */
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
      // An address may not be sent as the TLS server name, and grpc-js would; what is verified is `host` all the same.
      ...(isIP(host) ? { 'grpc.ssl_target_name_override': 'localhost' } : {}),
      // The peer is on the operator's own network: neither the environment's proxy nor TXT records have a say.
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
          resolve({ code: error?.code ?? 0, details: error?.details ?? '', ms: performance.now() - from }),
        );
      }),
    close: () => client.close(),
  };
}

import { connect } from 'node:net';

/** Where a OneGate listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export function addressOf(endpoint: string): Address {
  const { hostname, port } = new URL(endpoint);
  return { host: hostname, port: Number(port || 80) };
}

/**
 * Sends bytes as they are and collects the answer until the other side closes, `length` bytes came (and nothing follows
 * at once), or nothing came for `patienceMs`.
 */
export async function exchange(
  to: Address,
  request: Buffer,
  length: number,
  patienceMs = 3000,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  let received = 0;
  const socket = connect(to.port, to.host);
  socket.setTimeout(patienceMs, resolve);
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    received += chunk.length;
    if (received >= length && length > 0) socket.setTimeout(50, resolve);
  });
  socket.on('close', () => resolve());
  socket.on('error', (error: NodeJS.ErrnoException) =>
    error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve() : reject(error),
  );
  socket.write(request);
  try {
    await promise;
  } finally {
    socket.destroy();
  }
  return Buffer.concat(chunks);
}

// An HTTP server for one path and plain text. Anyone who reaches the port can open connections, so an open connection is
// worth nothing: it has seconds to send a small request, it gets one answer, and the oldest one is closed for a new one.
import { createServer } from 'node:http';
import type { Socket } from 'node:net';

export interface TextServer {
  readonly port: number;
  close(): void;
}

const HEADERS_WITHIN_MS = 3_000;
const CHECK_EVERY_MS = 1_000;
const MOST_HEADER_BYTES = 8 * 1024;
/** @internal */
export const MOST_CONNECTIONS = 64;

/** Serves the result of `render` at `path` on all addresses. `why`: the errno when the port cannot be opened. */
export function serveText(
  port: number,
  path: string,
  render: () => string,
): Promise<TextServer | { why: string }> {
  return new Promise((resolve) => {
    const limits = {
      headersTimeout: HEADERS_WITHIN_MS,
      requestTimeout: HEADERS_WITHIN_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      maxHeaderSize: MOST_HEADER_BYTES,
    };
    const server = createServer(limits, (request, response) => {
      const found = request.method === 'GET' && request.url?.split('?')[0] === path;
      response.writeHead(found ? 200 : 404, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        connection: 'close',
      });
      // Whatever follows the header is not read.
      response.end(found ? render() : 'not found\n', () => request.socket.destroySoon());
    });
    // In the order in which they were opened.
    const open = new Set<Socket>();
    server.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      const [oldest] = open;
      if (open.size > MOST_CONNECTIONS) oldest?.destroy();
    });
    server.once('error', (error: NodeJS.ErrnoException) => resolve({ why: error.code ?? error.message }));
    server.listen(port, () => {
      server.unref();
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        close: () => {
          server.close();
          for (const socket of open) socket.destroy();
        },
      });
    });
  });
}

// An HTTP server for one path and plain text.
import { createServer } from 'node:http';

export interface TextServer {
  readonly port: number;
  close(): void;
}

/** Serves the result of `render` at `path` on all addresses. `why`: the errno when the port cannot be opened. */
export function serveText(
  port: number,
  path: string,
  render: () => string,
): Promise<TextServer | { why: string }> {
  return new Promise((resolve) => {
    const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
      const found = request.method === 'GET' && request.url?.split('?')[0] === path;
      response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(found ? render() : 'not found\n');
    });
    server.maxConnections = 16;
    server.once('error', (error: NodeJS.ErrnoException) => resolve({ why: error.code ?? error.message }));
    server.listen(port, () => {
      server.unref();
      resolve({ port, close: () => server.close() });
    });
  });
}

// The port for metrics against clients that never finish: raw sockets, because no HTTP client sends what these send.
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { MOST_CONNECTIONS, serveText } from '../../src/host/http-server.ts';

async function served(): Promise<{ port: number; ask: () => Promise<string> }> {
  const server = await serveText(0, '/metrics', () => 'up 1\n');
  if ('why' in server) throw new Error(server.why);
  onTestFinished(() => server.close());
  const ask = async (): Promise<string> => {
    const socket = await opened(server.port);
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    return ended(socket);
  };
  return { port: server.port, ask };
}

const opened = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
    onTestFinished(() => void socket.destroy());
  });

/** What the server sent until it closed the connection. */
const ended = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => {});
    socket.once('close', () => resolve(text));
  });

test('a request gets its answer and the end of the connection', async () => {
  const { ask } = await served();
  expect(await ask()).toMatch(/^HTTP\/1\.1 200 [\s\S]*up 1\n/);
});

test.each([16, MOST_CONNECTIONS, 5 * MOST_CONNECTIONS])(
  '%d idle connections do not keep another client from its answer',
  async (count) => {
    const { port, ask } = await served();
    let last: Socket | undefined;
    for (let n = 0; n < count; n++) last = await opened(port);
    let closed = false;
    last?.once('close', () => (closed = true));
    expect(await ask()).toContain('up 1');
    // The answer did not wait until the idle ones were cut off.
    expect(closed).toBe(false);
  },
);

test.each([
  ['sends nothing', ''],
  ['never ends its header', 'GET /metrics HTTP/1.1\r\nHost: x\r\nA: '],
])('a client that %s is cut off within seconds', { timeout: 20_000 }, async (_what, text) => {
  const { port } = await served();
  const socket = await opened(port);
  socket.write(text);
  const drip = setInterval(() => socket.writable && socket.write('x'), 100);
  onTestFinished(() => clearInterval(drip));
  const answer = await ended(socket);
  expect(answer).not.toContain('up 1');
});

test.each([
  [
    'a header of a megabyte',
    `GET /metrics HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(1_048_576)}\r\n\r\n`,
    '431',
  ],
  ['a path of a megabyte', `GET /${'x'.repeat(1_048_576)} HTTP/1.1\r\nHost: x\r\n\r\n`, '431'],
  ['another method', 'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n', '404'],
  ['no HTTP', '\u0016\u0003\u0001'.repeat(50), '400'],
])('%s is refused, and the connection is closed', async (_what, text, status) => {
  const { port, ask } = await served();
  const socket = await opened(port);
  const end = ended(socket);
  socket.write(text);
  expect(['', `HTTP/1.1 ${status}`]).toContain((await end).slice(0, 12));
  expect(await ask()).toContain('up 1');
});

test('a body without end is not read', async () => {
  const { port } = await served();
  const socket = await opened(port);
  const end = ended(socket);
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const flood = setInterval(() => socket.writable && socket.write(`10000\r\n${'x'.repeat(65_536)}\r\n`), 5);
  onTestFinished(() => clearInterval(flood));
  await end;
  expect(socket.bytesWritten).toBeLessThan(64 * 1_048_576);
});

// The HTTP client against a server that sends any bytes, in any pieces, and ends the connection at any moment: each request
// ends in time, with a reply within its limit or with an HttpFailure.
import { createServer, type Server, type Socket } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HttpFailure, request } from '../../src/host/http.ts';

const MOST_BYTES = 2_000;
const TIMEOUT_MS = 300;

let server: Server;
let answer: (socket: Socket) => void = (socket) => socket.destroy();
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterAll(() => void server.close());

const PIECES = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
  'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n',
  'HTTP/1.0 999 \r\n',
  'HTTP/2 200\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Content-Length: -1\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Content-Encoding: gzip\r\n',
  'Date: Thu, 99 Xxx 9999\r\n',
  'A: \0\u001b[2J\r\n',
  `B: ${'x'.repeat(20_000)}\r\n`,
  '\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  'ffffffffffffffff\r\n',
  `1;${'e'.repeat(300)}\r\nx\r\n`,
  'hello',
  'x'.repeat(MOST_BYTES + 1),
  '\u0016\u0003\u0001\u0002',
];
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...PIECES).map((text) => Buffer.from(text, 'latin1')) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);
const script = fc.record({
  begins: fc.constantFrom(
    '',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\n',
    'HTTP/1.1 302 Found\r\nTransfer-Encoding: chunked\r\n\r\n',
  ),
  pieces: fc.array(piece, { maxLength: 12 }),
  ends: fc.constantFrom('end', 'reset', 'silence'),
});

test('any bytes give a reply within the limit or an HttpFailure, in time', async () => {
  const { port } = server.address() as { port: number };
  const url = new URL(`http://127.0.0.1:${port}/vm`);
  let replies = 0;
  await fc.assert(
    fc.asyncProperty(script, async ({ begins, pieces, ends }) => {
      answer = (socket) => {
        if (begins !== '') socket.write(begins);
        for (const bytes of pieces) socket.write(bytes);
        if (ends === 'end') socket.end();
        if (ends === 'reset') socket.resetAndDestroy();
      };
      const sent = request({ method: 'GET', url, timeoutMs: TIMEOUT_MS, maxBytes: MOST_BYTES });
      const outcome = await sent.catch((error: unknown) => error);
      if (outcome instanceof HttpFailure) {
        expect(outcome.message).toMatch(/^[\x20-\x7e]{1,200}$/);
        return;
      }
      expect(outcome).not.toBeInstanceOf(Error);
      const { status, body, date } = outcome as Awaited<ReturnType<typeof request>>;
      replies++;
      expect(Number.isInteger(status)).toBe(true);
      expect(body.length).toBeLessThanOrEqual(MOST_BYTES);
      expect(date === undefined || !Number.isNaN(date.getTime())).toBe(true);
    }),
    { numRuns: 300, examples: [[{ begins: 'HTTP/1.1 200 OK\r\n', pieces: [], ends: 'silence' }]] },
  );
  expect(replies).toBeGreaterThan(5);
}, 240_000);

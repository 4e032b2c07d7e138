// The real client over real sockets: against the OneGate stub (which is checked against recorded exchanges), with
// all failures of a network and a front-end, and against servers that break HTTP.

import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findSuperLink } from '../../src/cluster/resolver.ts';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { realClock } from '../../src/core/clock.ts';
import { HttpFailure, request } from '../../src/host/http.ts';
import { connectOneGate, type OneGate, type Retry, type RetryPolicy } from '../../src/onegate/client.ts';
import { attribute } from '../../src/onegate/replies.ts';
import { type Fault, published, type Service, type Vm, Zone } from '../support/onegate/index.ts';

const QUICK: RetryPolicy = { tries: 4, tryTimeoutMs: 400, firstWaitMs: 10, maxWaitMs: 20 };

let zone: Zone;
let service: Service;
let superLink: Vm;
let superNode: Vm;
let retries: Retry[];

beforeEach(async () => {
  zone = await new Zone({ address: '127.34.0.1' }).start();
  service = zone.addService({
    name: 'flower',
    roles: [{ name: 'superlink' }, { name: 'supernode', cardinality: 2, parents: ['superlink'] }],
  });
  superLink = service.role('superlink').nodes[0]!;
  retries = [];
});

afterEach(() => zone.stop());

const oneGateOf = (vm: Vm, policy = QUICK): OneGate =>
  connectOneGate({
    endpoint: zone.endpoint,
    token: vm.token,
    vmId: vm.id,
    clock: realClock,
    random: Math.random,
    policy,
    onRetry: (retry) => retries.push(retry),
  });

const serve = async (): Promise<void> => {
  await oneGateOf(superLink).update(
    {
      FL_READY: 'YES',
      FL_ENDPOINT: '172.20.0.101:9092',
      FL_TLS: 'YES',
      FL_CA_CERT: 'QUJDRA==',
      FL_VERSION: BAKED_FLOWER,
      FL_ERROR: '-',
    },
    { ready: true },
  );
  superNode = service.role('supernode').nodes[0]!;
};

describe('against OneGate', () => {
  test('an update arrives unchanged, and opens the gate only when the node serves', async () => {
    const oneGate = oneGateOf(superLink);
    await oneGate.update({ READY: 'NO', FL_READY: 'NO', FL_ERROR: 'config_validation_failed' });
    expect(published(superLink, 'FL_ERROR')).toBe('config_validation_failed');
    expect(service.role('supernode').nodes).toHaveLength(0);
    await serve();
    expect(published(superLink, 'FL_CA_CERT')).toBe('QUJDRA==');
    expect(service.role('supernode').nodes).toHaveLength(2);
  });

  test('a SuperNode finds the SuperLink with two requests', async () => {
    await serve();
    const before = zone.log.length;
    const oneGate = oneGateOf(superNode);
    const found = await findSuperLink({
      oneGate,
      clock: realClock,
      random: Math.random,
      backoff: 'exponential',
      maxBackoffSeconds: 300,
    });
    expect(found).toMatchObject({
      vmId: superLink.id,
      endpoint: { host: '172.20.0.101', port: 9092 },
      tls: 'YES',
      caCert: 'QUJDRA==',
    });
    expect(zone.log.slice(before).map(({ path }) => path)).toEqual(['/service', `/vms/${superLink.id}`]);
  });

  test('the extended service shows what every node publishes', async () => {
    await serve();
    await oneGateOf(superNode).update({ FL_PARTITION_ID: '0' });
    const [, role] = (await oneGateOf(superNode).serviceInFull()).roles;
    expect(role!.nodes.map((node) => attribute(node, 'FL_PARTITION_ID'))).toEqual(['0', undefined]);
  });

  test('a VM outside any service gets that error at once', async () => {
    const alone = zone.addVm();
    await expect(oneGateOf(alone).service()).rejects.toMatchObject({ code: 'not_in_service' });
    await expect(oneGateOf(alone).peer(superLink.id)).rejects.toMatchObject({ code: 'not_in_service' });
    expect(retries).toEqual([]);
  });

  test('a wrong token is reported after the last try, without the token', async () => {
    const token = 'bm90IHRoZSB0b2tlbg==';
    const oneGate = connectOneGate({
      endpoint: zone.endpoint,
      token,
      vmId: superLink.id,
      clock: realClock,
      random: Math.random,
      policy: QUICK,
    });
    const error = await oneGate.vm().catch((reason: Error) => reason);
    expect(error).toMatchObject({
      code: 'onegate_unreachable',
      message: expect.stringContaining('401 Not authorized'),
    });
    expect(JSON.stringify(error)).not.toContain(token);
  });
});

describe('a temporary failure costs only a retry', () => {
  test.each<[Fault, string]>([
    [{ kind: 'hang' }, 'no whole answer within'],
    [{ kind: 'reset' }, 'closed before an answer came'],
    [{ kind: 'half' }, 'in the middle of the answer'],
    [{ kind: 'status', status: 401, body: 'Not authorized' }, 'it answered 401 Not authorized'],
    [{ kind: 'status', status: 404, body: 'Service 1 not found' }, 'it answered 404'],
    [{ kind: 'status', status: 500, body: 'Internal server error' }, 'it answered 500'],
    [{ kind: 'garbage', body: '<html>log in</html>' }, 'it is not JSON'],
    [{ kind: 'not-http' }, 'does not speak HTTP'],
    [{ kind: 'oversize', bytes: 5 * 1024 * 1024 }, 'the answer is longer than'],
    [{ kind: 'redirect', to: 'http://127.34.0.9:1/' }, 'it answered 302'],
  ])('%j', async (fault, why) => {
    zone.faults.add(fault, { times: 2 });
    const read = await oneGateOf(superLink, { ...QUICK, tryTimeoutMs: 700 }).service();
    expect(read.roles.map((role) => role.name)).toEqual(['superlink', 'supernode']);
    expect(retries.map((retry) => retry.why)).toEqual(Array(2).fill(expect.stringContaining(why)));
  });

  test('a page with status 200 as the reply to an update', async () => {
    zone.faults.add({ kind: 'garbage', body: '<html>log in</html>' }, { method: 'PUT', times: 2 });
    await oneGateOf(superLink).update({ FL_ERROR: '-' });
    expect(retries.map(({ why }) => why)).toEqual(
      Array(2).fill(expect.stringContaining('<html>log in</html>')),
    );
    expect(published(superLink, 'FL_ERROR')).toBe('-');
  });

  test('a restart of OneGate', async () => {
    await zone.down();
    const read = oneGateOf(superLink, { ...QUICK, tries: 40 }).vm();
    await expect.poll(() => retries.length).toBeGreaterThan(1);
    await zone.up();
    expect((await read).id).toBe(superLink.id);
    expect(retries[0]!.why).toContain('connection refused');
  });

  test.each(['oned', 'oneflow'] as const)('an outage of %s', async (part) => {
    zone.backends[part] = 'down';
    const read = oneGateOf(superLink, { ...QUICK, tries: 40 }).service();
    await expect.poll(() => retries.length).toBeGreaterThan(1);
    zone.backends[part] = 'up';
    expect((await read).id).toBe(1);
  });

  test('a wrong charset and a late answer cost no retry', async () => {
    zone.faults.add({ kind: 'content-type', type: 'text/html' }, { times: 1 });
    await oneGateOf(superLink).vm();
    zone.faults.add({ kind: 'slow', ms: 100 }, { times: 1 });
    await oneGateOf(superLink).vm();
    expect(retries).toEqual([]);
  });

  test('updates keep their order', async () => {
    zone.faults.add({ kind: 'reset' }, { method: 'PUT', times: 2 });
    const oneGate = oneGateOf(superLink);
    await Promise.all([
      oneGate.update({ FL_ERROR: 'first' }),
      oneGate.update({ FL_ERROR: 'second' }),
      oneGate.update({ FL_ERROR: 'third' }),
    ]);
    expect(published(superLink, 'FL_ERROR')).toBe('third');
    expect(
      zone.log.filter((entry) => entry.status === 200).map((entry) => entry.attributes.FL_ERROR),
    ).toEqual(['first', 'second', 'third']);
  });
});

describe('servers that break HTTP', () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  const listen = async (talk: (socket: Socket) => void, address = '127.34.0.2'): Promise<URL> => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      talk(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    return new URL(`http://${address}:${(server.address() as { port: number }).port}/vm`);
  };

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  const failureOf = async (url: URL, limits = { timeoutMs: 300, maxBytes: 1_000 }): Promise<HttpFailure> => {
    const outcome = await request({ method: 'GET', url, ...limits }).catch((reason: unknown) => reason);
    if (!(outcome instanceof HttpFailure)) throw new Error(`no failure: ${JSON.stringify(outcome)}`);
    return outcome;
  };

  test('one that sends single bytes slowly does not extend the deadline', async () => {
    const url = await listen((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    // A deadline that each byte stretches would end with the limit on bytes.
    expect((await failureOf(url)).kind).toBe('timeout');
  });

  test('one that sends headers slowly does not extend the deadline', async () => {
    const url = await listen((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('X-More: x\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    expect((await failureOf(url)).kind).toBe('timeout');
  });

  test('one that never ends its reply is cut off', async () => {
    const url = await listen((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.on('drain', () => socket.write('x'.repeat(10_000)));
      socket.write('x'.repeat(100_000));
    });
    expect((await failureOf(url)).kind).toBe('too_large');
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ['hangs up before answering', (socket) => socket.end(), 'reset'],
    ['resets', (socket) => socket.resetAndDestroy(), 'reset'],
    [
      'ends in the middle',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
      'truncated',
    ],
    [
      'ends in the middle of a chunk',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf'),
      'truncated',
    ],
    ['speaks SSH', (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'), 'protocol'],
    ['accepts and says nothing', () => {}, 'timeout'],
    [
      'wants to switch protocols',
      (socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      'reset',
    ],
    [
      'sends headers without end',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(50_000)}`),
      'protocol',
    ],
  ])('one that %s', async (_, talk, kind) => {
    const url = await listen((socket) => socket.once('data', () => talk(socket)));
    expect((await failureOf(url)).kind).toBe(kind);
  });

  test('a closed port is reported', async () => {
    expect((await failureOf(new URL('http://127.34.0.3:9/vm'))).kind).toBe('refused');
  });

  test('a redirect is not followed, so no other host gets the token', async () => {
    let visits = 0;
    const elsewhere = await listen(() => visits++, '127.34.0.4');
    const url = await listen((socket) =>
      socket.once('data', () =>
        socket.end(`HTTP/1.1 302 Found\r\nLocation: ${elsewhere.href}\r\nContent-Length: 0\r\n\r\n`),
      ),
    );
    expect(
      (
        await request({
          method: 'GET',
          url,
          headers: { 'X-ONEGATE-TOKEN': 'x' },
          timeoutMs: 1_000,
          maxBytes: 100,
        })
      ).status,
    ).toBe(302);
    expect(visits).toBe(0);
  });

  test('a proxy of the environment is not used', async () => {
    let visits = 0;
    const proxy = await listen(() => visits++, '127.34.0.5');
    const before = { ...process.env };
    Object.assign(process.env, {
      http_proxy: proxy.origin,
      HTTP_PROXY: proxy.origin,
      NODE_USE_ENV_PROXY: '1',
    });
    try {
      await oneGateOf(superLink).vm();
    } finally {
      process.env = before;
    }
    expect(visits).toBe(0);
  });

  test('a server with a certificate that the system does not trust gets no request', async () => {
    const certs = join(import.meta.dirname, '../support/certs');
    const pair = {
      cert: readFileSync(join(certs, 'server.pem')),
      key: readFileSync(join(certs, 'server.pkcs8.key')),
    };
    let asked = '';
    const server = createTlsServer(pair, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => (asked += data));
    });
    server.on('tlsClientError', () => {});
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.34.0.6', resolve));
    const url = new URL(`https://127.34.0.6:${(server.address() as { port: number }).port}/vm`);
    expect((await failureOf(url, { timeoutMs: 2_000, maxBytes: 100 })).kind).toBe('tls');
    expect(asked).toBe('');
  });

  test('https to a plaintext server fails with a TLS error and does not hang', async () => {
    const url = await listen((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    expect(
      (await failureOf(new URL(url.href.replace('http:', 'https:')), { timeoutMs: 2_000, maxBytes: 100 }))
        .kind,
    ).toBe('tls');
  });

  test('an abort ends the connection at once, with the reason of the caller', async () => {
    const url = await listen((socket) => socket.resume());
    const stop = new AbortController();
    const asking = request({ method: 'GET', url, timeoutMs: 60_000, maxBytes: 100, signal: stop.signal });
    const end = expect(asking).rejects.toThrow('stopped');
    await expect.poll(() => sockets.size).toBe(1);
    stop.abort(new Error('stopped'));
    await end;
    await expect
      .poll(() => [...sockets].every((socket) => socket.closed || socket.readableEnded || socket.destroyed))
      .toBe(true);
  });
});

// When the agent takes a Flower that serves for one that hangs, and when it does not: real calls, with TLS, and a real record
// of a launcher. The clock of the agent is fast.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchFlower } from '../../src/agent/flower-watch.ts';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { realClock } from '../../src/core/clock.ts';
import type { FlowerEndpoints } from '../../src/flower/endpoints.ts';
import { formatFlowerState } from '../../src/flower/state-file.ts';
import { realHost } from '../../src/host/host.ts';
import { type Machine, realMachine } from '../../src/host/machine.ts';
import { processFacts } from '../../src/host/process.ts';
import { issueCa, issueServer } from '../../src/tls/issue.ts';

const HOST = '127.0.0.1';
const SPEED = 20;
/** Of the agent's clock. */
const clock = {
  ...realClock,
  monotonicMs: () => performance.now() * SPEED + pausedMs,
  sleep: (ms: number, signal?: AbortSignal) => realClock.sleep(ms / SPEED, signal),
};
let pausedMs: number;

let folder: string;
let machine: Machine;
let flower: ChildProcess;
let over: AbortController;
let server: Http2SecureServer | undefined;
let found: { readonly text: string; readonly hung: boolean }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flower-watch-'));
  flower = spawn('sleep', ['600'], { stdio: 'ignore' });
  machine = { ...realMachine(folder), clock, host: { ...realHost, mainPids: async () => [flower.pid!] } };
  mkdirSync(machine.paths.run, { recursive: true });
  [over, found, server, pausedMs] = [new AbortController(), [], undefined, 0];
});
afterEach(async () => {
  over.abort();
  server?.close();
  flower.kill('SIGKILL');
  await once(flower, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

/** What the launcher writes. */
function leave(phase: 'serving' | 'accepted', answeredAt: Date): void {
  const pid = flower.pid!;
  const text = formatFlowerState({
    version: 1,
    pid,
    started: processFacts(pid)!.started,
    plan: 'ab'.repeat(32),
    phase,
    since: '2026-01-01T00:00:00.000Z',
    node_id: null,
    answered_at: answeredAt.toISOString(),
    messages: null,
    detail: 'it serves',
    options: { server: [], client: [] },
  });
  writeFileSync(machine.paths.flowerLink, text);
}

function watch(endpoints: FlowerEndpoints, forMs: number): Promise<void> {
  const notAnswering = (text: string, hung: boolean): void => {
    found.push({ text, hung });
    over.abort();
  };
  realClock.sleep(forMs / SPEED, over.signal).then(
    () => over.abort(),
    () => undefined,
  );
  return watchFlower({ machine, endpoints, keepaliveSeconds: 80, signal: over.signal, notAnswering });
}

function superLinkAt(port: number, tls: FlowerEndpoints['tls'] = null): FlowerEndpoints {
  const at = { host: HOST, port };
  const listeners = { fleet: at, control: at, runtime: at };
  return {
    version: 1,
    role: 'superlink',
    flower_version: BAKED_FLOWER,
    endpoint: at,
    listeners,
    tls,
  } as FlowerEndpoints;
}

/** A port at which nothing listens. */
async function closedPort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** A Fleet API whose certificate was made at another time; the endpoints of a SuperLink with it. */
async function serve(now: Date): Promise<FlowerEndpoints> {
  const ca = issueCa({ now, commonName: 'a CA' });
  const pair = issueServer({ now, ca, names: { dns: [], ip: [HOST] } });
  const [certificate, key, caFile] = ['server.pem', 'server.key', 'ca.pem'].map((name) => join(folder, name));
  for (const [file, text] of [
    [certificate, pair.certPem],
    [key, pair.keyPem],
    [caFile, ca.certPem],
  ])
    writeFileSync(file!, text!);
  server = createSecureServer({ cert: pair.certPem, key: pair.keyPem });
  server.on('sessionError', () => undefined);
  server.on('stream', (stream) =>
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16' },
      { endStream: true },
    ),
  );
  server.listen(0, HOST);
  await once(server, 'listening');
  const files = { certificate: certificate!, key: key!, ca: caFile! };
  return superLinkAt((server.address() as AddressInfo).port, { fleet: files, loopback: files });
}

test.each([
  ['has expired', '2001-01-01T00:00:00Z'],
  ['is not valid yet', '2090-01-01T00:00:00Z'],
])('a certificate of this VM that %s by its clock is no sign of a hung Flower', async (_, time) => {
  leave('serving', new Date());
  await watch(await serve(new Date(time)), 150_000);
  expect(found).toEqual([]);
});

test('a Flower that answers its launcher is not restarted, also when the published address refuses at once', async () => {
  leave('serving', new Date());
  const ended = watch(superLinkAt(await closedPort()), 300_000);
  // Each twelve seconds and a few, while a refusal takes no time.
  const launcher = setInterval(() => leave('serving', new Date()), 15_000 / SPEED);
  await ended;
  clearInterval(launcher);
  expect(found).toEqual([
    { text: expect.stringContaining('Flower answers at its loopback address'), hung: false },
  ]);
});

test('a Flower whose answers take half a minute is not restarted: its launcher waits for 45 s', async () => {
  leave('serving', new Date());
  const ended = watch(superLinkAt(await closedPort()), 300_000);
  const launcher = setInterval(() => leave('serving', new Date()), 41_000 / SPEED);
  await ended;
  clearInterval(launcher);
  expect(found).toMatchObject([{ hung: false }]);
});

test('an answer from before the first failure that the launcher writes after it is no sign of life', async () => {
  leave('serving', new Date());
  const ended = watch(superLinkAt(await closedPort()), 300_000);
  await realClock.sleep(70_000 / SPEED);
  // By the clock of the agent it was 50 s ago; its first call is 30 s to 60 s after the start.
  leave('serving', new Date(Date.now() - 50_000));
  await ended;
  expect(found).toMatchObject([{ hung: true }]);
});

test.each([
  ['answers neither', (_file: string) => undefined],
  ['answers neither, and whose CA is a folder,', (file: string) => mkdirSync(file)],
])('a Flower that %s is restarted', async (_, damage) => {
  leave('serving', new Date());
  const ca = join(folder, 'ca.pem');
  damage(ca);
  const files = { certificate: join(folder, 'server.pem'), key: join(folder, 'server.key'), ca };
  await watch(superLinkAt(await closedPort(), { fleet: files, loopback: files }), 300_000);
  expect(found).toEqual([{ text: expect.stringContaining('calls of the Fleet API failed'), hung: true }]);
});

test('a SuperNode is not restarted for a pause of the VM, but for its silence', async () => {
  const endpoint = { host: HOST, port: 9092 };
  leave('accepted', new Date());
  const ended = watch(
    {
      version: 1,
      role: 'supernode',
      flower_version: BAKED_FLOWER,
      endpoint,
      listeners: { runtime: endpoint },
      tls: null,
    },
    300_000,
  );
  await realClock.sleep(12_000 / SPEED);
  // All clocks that count then go on by an hour.
  pausedMs = 3_600_000;
  await realClock.sleep(30_000 / SPEED);
  expect(found).toEqual([]);
  await ended;
  expect(found).toEqual([{ text: expect.stringContaining('has not called the SuperLink for'), hung: true }]);
});

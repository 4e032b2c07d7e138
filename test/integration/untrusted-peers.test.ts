// Other parties on the network: proxies of the environment, replies that redirect or never end, and a peer of
// the service with arbitrary attributes. None of them gets a connection, a process or a file; each is reported.

import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { issueCa, issueServer } from '../../src/tls/issue.ts';
import { until } from '../support/zone/process.ts';
import { NET, superlink, supernode, temporaryFolder, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

/** A listener that no program may connect to. */
async function elsewhere(host: string) {
  let visits = 0;
  const server = createServer((socket) => {
    visits++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return { url: `http://${host}:${port}`, visits: () => visits };
}

const memoryOf = (pid: string): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;

test('a proxy of the environment gets neither a request to OneGate nor the probe of the Fleet API', async () => {
  const proxy = await elsewhere(`${NET}.210.1`);
  const names = ['http_proxy', 'https_proxy', 'all_proxy', 'grpc_proxy'];
  const env = Object.fromEntries(
    names.flatMap((name) => [
      [name, proxy.url],
      [name.toUpperCase(), proxy.url],
    ]),
  );
  const federation = zone({ supernodes: 1, env: { ...env, NODE_USE_ENV_PROXY: '1' } });
  await federation.deploy();
  await federation.superlink.whenReady();
  await federation.zone.until(() => federation.supernodes.length === 1);
  await federation.supernodes[0]!.whenReady();
  expect(proxy.visits()).toBe(0);
});

test('a redirect is no answer, and the agent never follows it with the token', async () => {
  const other = await elsewhere(`${NET}.210.2`);
  const federation = zone({ supernodes: 0 });
  const redirect = federation.zone.faults.add({ kind: 'redirect', to: `${other.url}/vm` });
  await federation.deploy();
  const vm = federation.superlink;
  const { problems } = await vm.waitFor('the problem', (status) =>
    status.problems.some(({ code }) => code === 'onegate_unreachable'),
  );
  expect(JSON.stringify(problems)).toContain('it answered 302');
  redirect.clear();
  await vm.whenReady(60_000);
  expect(other.visits()).toBe(0);
});

test('a reply of 64 MiB is cut off, reported, and costs no memory, and the boot continues afterwards', async () => {
  const flood = { kind: 'oversize', bytes: 64 * 1_048_576 } as const;
  const { federation, peer, vm } = await supernode({}, { FL_EDGE_MAX_BACKOFF: '1' });
  const fault = federation.zone.faults.add(flood, { method: 'GET', path: '/service' });
  const status = await vm.waitFor(
    'the flood to be reported',
    ({ waiting }) => waiting?.for.includes('longer than'),
    30_000,
  );
  expect(status.waiting?.for).toMatch(/the answer is longer than \d+ bytes/);
  await until('three of them', () => fault.hits >= 3);
  const { ExecMainPID } = await vm.unit('flower-context');
  expect(memoryOf(ExecMainPID!)).toBeLessThan(150);
  fault.clear();
  for (const [name, value] of Object.entries({
    FL_READY: 'YES',
    FL_ENDPOINT: `${NET}.200.1:9092`,
    FL_TLS: 'NO',
  }))
    peer.userTemplate.set(name, value);
  await vm.waitFor('the discovery', ({ facts }) => facts.superlink === `${NET}.200.1:9092`, 20_000);
});

/** Flower was never started, nothing was executed, and what a person reads is printable. */
async function unharmed(vm: Vm, canary: string): Promise<void> {
  expect(vm.hasPlan()).toBe(false);
  expect(existsSync(canary)).toBe(false);
  const output = vm.journalText() + (await vm.cli('status')).stdout;
  expect(output.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(output).not.toContain('internal_error');
}

describe('a peer that publishes as its FL_ENDPOINT', () => {
  test('a SuperNode waits with a reason for each invalid address, until a valid one is published', async () => {
    const canary = join(temporaryFolder(), 'canary');
    const hostile = [
      `$(touch ${canary}):9092`,
      `\`touch ${canary}\`:9092`,
      '--insecure:9092',
      '-x:9092',
      '0.0.0.0:9092',
      ':::9092',
      `${NET}.200.1`,
      `${NET}.200.1:0`,
      `${NET}.200.1:65536`,
      `${NET}.200.1:9092/../../x`,
      `http://${NET}.200.1:9092`,
      `user:secret@${NET}.200.1:9092`,
      `${NET}.200.1:9092\nREADY=YES`,
      `${NET}.200.1:9092 --insecure`,
      'unix:/run/x:1',
      '\u001b[2J\u001b]0;owned\u0007:9092',
      '\u202e1.2.3.4:9092',
      'x'.repeat(60_000),
      '/etc/passwd',
      '@/etc/passwd:1',
      '%n:9092',
      '{"host":"x"}',
    ];
    const { federation, peer, vm, one } = await supernode(
      { FL_READY: 'YES', FL_TLS: 'NO', FL_ERROR: '\u001b[2J; rm -rf /', FL_VERSION: `../../${BAKED_FLOWER}` },
      { FL_EDGE_MAX_BACKOFF: '1' },
    );
    const looks = (): number =>
      federation.zone.log.filter(({ vm: from, path }) => from === one.id && path.startsWith('/vms/')).length;
    for (const value of hostile) {
      peer.userTemplate.set('FL_ENDPOINT', value);
      const before = looks();
      await until(`two looks at ${value.slice(0, 60)}`, () => looks() >= before + 2, {
        detail: () => vm.diagnostics(),
      });
      const { waiting, facts, phase } = vm.status()!;
      expect(phase, value).toBe('booting');
      expect(facts.superlink, value).toBeUndefined();
      expect(waiting?.for, value).toMatch(
        /to publish its address: it publishes FL_READY=YES with an invalid FL_ENDPOINT/,
      );
      expect(waiting!.for.length, value).toBeLessThan(600);
    }
    await unharmed(vm, canary);
    peer.userTemplate.set('FL_ENDPOINT', `${NET}.200.1:9092`);
    await vm.waitFor('the discovery', ({ facts }) => facts.superlink === `${NET}.200.1:9092`, 20_000);
  }, 180_000);
});

describe('a peer that publishes as its FL_CA_CERT', () => {
  const now = new Date();
  const ca = issueCa({ now, commonName: 'a CA' });
  const leaf = issueServer({ ca, names: { dns: [], ip: ['10.0.0.5'] }, now });
  const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
  const hostile: readonly (readonly [what: string, text: string, code: RegExp])[] = [
    ['a private key', base64(leaf.keyPem), /^ca_invalid$/],
    ['a certificate that is no CA', base64(leaf.certPem), /^ca_invalid$/],
    [
      'noise',
      base64(Buffer.from(Array.from({ length: 3_000 }, (_, at) => (at * 7_919) % 256))),
      /^ca_invalid$/,
    ],
    ['a thousand beginnings', base64('-----BEGIN CERTIFICATE-----\n'.repeat(1_500)), /^ca_invalid$/],
    [
      'PEM around nothing',
      base64('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'),
      /^ca_invalid$/,
    ],
    ['terminal escapes', '\u001b[2J\u001b]0;owned\u0007', /^ca_missing$/],
    ['a path', '/etc/shadow!', /^ca_missing$/],
    ['more than a CA can be', 'A'.repeat(70_000), /^ca_missing$/],
    ['nothing', '-', /^ca_missing$/],
  ];

  test.each(hostile)(
    '%s, makes a SuperNode fail with a reason and never use plaintext',
    async (_what, text, code) => {
      const canary = join(temporaryFolder(), 'canary');
      const { vm } = await supernode({
        FL_READY: 'YES',
        FL_TLS: 'YES',
        FL_ENDPOINT: `${NET}.200.1:9092`,
        FL_CA_CERT: text,
      });
      const { problems, facts } = await vm.whenFailed(30_000);
      const fatal = problems.filter(({ kind }) => kind === 'fatal');
      expect(fatal.map((problem) => problem.code).join()).toMatch(code);
      expect(facts.tls).not.toBe(false);
      expect(existsSync(vm.at('var/lib/flower-context/tls/superlink-ca.pem'))).toBe(false);
      expect(vm.journalText()).not.toContain(leaf.keyPem.split('\n')[1]);
      await unharmed(vm, canary);
    },
  );
});

test('a SuperLink of another service at the published address is not trusted', async () => {
  const other = await superlink();
  await other.vm.whenReady();
  const own = issueCa({ now: new Date(), commonName: 'the CA that is published' }).certPem;
  const { vm } = await supernode({
    FL_READY: 'YES',
    FL_TLS: 'YES',
    FL_ENDPOINT: other.one.userTemplate.get('FL_ENDPOINT')!,
    FL_CA_CERT: Buffer.from(own).toString('base64'),
  });
  const { problems } = await vm.whenFailed();
  expect(problems.map(({ code }) => code)).toContain('ca_mismatch');
  expect(vm.hasPlan()).toBe(false);
});

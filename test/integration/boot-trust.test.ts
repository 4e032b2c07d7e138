// The CA that a SuperNode trusts. It never uses plaintext by accident, and the agent reports what Flower would not.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { issueCa } from '../../src/tls/issue.ts';
import { until } from '../support/zone/process.ts';
import { NET, superlink, supernode, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const CA = issueCa({ now: new Date(), commonName: 'another CA' }).certPem;
const EXPIRED = issueCa({ now: new Date('2009-01-01'), commonName: 'an old CA' }).certPem;
const SAYS = { FL_READY: 'YES', FL_ENDPOINT: `${NET}.200.1:9092`, FL_TLS: 'YES' };

/** The failure, after which Flower must never have been started. */
async function refusal(vm: Vm, code: string) {
  const status = await vm.whenFailed();
  expect(vm.hasPlan()).toBe(false);
  const problem = status.problems.find((one) => one.code === code);
  expect(problem, JSON.stringify(status.problems)).toBeDefined();
  return problem!;
}

describe('a SuperNode whose SuperLink publishes TLS', () => {
  // covers ca-missing
  test('fails without a published CA and never uses plaintext', async () => {
    const { vm } = await supernode(SAYS);
    expect((await refusal(vm, 'ca_missing')).remedy).toContain('FL_SSL_CA_CERTFILE');
  });

  test.each([
    // covers ca-broken
    ['broken', base64('-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n')],
    // covers ca-expired
    ['expired', base64(EXPIRED)],
  ])('fails when the CA is %s', async (_title, ca) => {
    const { vm } = await supernode({ ...SAYS, FL_CA_CERT: ca });
    await refusal(vm, 'ca_invalid');
  });

  test('fails when the CA is not base64, and gives that as the reason', async () => {
    const { vm } = await supernode({ ...SAYS, FL_CA_CERT: '%%%%' });
    await refusal(vm, 'ca_missing');
    expect(JSON.stringify(vm.status()?.problems)).toContain('not base64');
  });
});

test('a SuperNode with FL_TLS_ENABLED=NO uses plaintext and warns that the SuperLink has TLS', async () => {
  const { vm } = await supernode({ ...SAYS, FL_CA_CERT: base64(CA) }, { FL_TLS_ENABLED: 'NO' });
  await vm.waitFor('the start of Flower', ({ steps }) =>
    steps.some(({ id, state }) => id === 'start_flower' && state === 'done'),
  );
  expect(vm.status()?.facts.tls).toBe(false);
  expect(
    vm
      .journal()
      .filter(({ priority }) => priority <= 4)
      .map(({ message }) => message)
      .join('\n'),
  ).toMatch(/TLS/);
});

test('a SuperNode with a static address and neither CA nor FL_TLS_ENABLED=NO fails with both remedies', async () => {
  const { vm } = await supernode({}, { FL_SUPERLINK_ADDRESS: `${NET}.200.1:9092` });
  const problem = await refusal(vm, 'ca_missing');
  expect(problem.found + problem.expected + problem.remedy).toMatch(/FL_SSL_CA_CERTFILE/);
  expect(problem.found + problem.expected + problem.remedy).toMatch(/FL_TLS_ENABLED=NO/);
});

describe('a SuperNode whose SuperLink serves', () => {
  // covers ca-mismatch
  test('but whose pinned CA is another one fails before Flower starts', async () => {
    const federation = zone({ supernodes: 1, supernode: { FL_SSL_CA_CERTFILE: base64(CA) } });
    await federation.deploy();
    await federation.superlink.whenReady();
    await federation.zone.until(() => federation.supernodes.length === 1);
    const problem = await refusal(federation.supernodes[0]!, 'ca_mismatch');
    expect(problem.remedy).toContain('FL_SSL_CA_CERTFILE');
  });

  // covers address-not-in-certificate
  test('at an address that its certificate does not name gets the FL_CERT_EXTRA_SAN line', async () => {
    const { federation, vm, one } = await superlink();
    await vm.whenReady();
    await forward(`${NET}.201.9`, 9092, one.ip!);
    const ca = one.userTemplate.get('FL_CA_CERT')!;
    const context = { FL_SUPERLINK_ADDRESS: `${NET}.201.9:9092`, FL_SSL_CA_CERTFILE: ca };
    federation.zone.addVm({ name: 'supernode_0', nics: [{ ip: `${NET}.242.2` }], context });
    await federation.zone.until(() => federation.supernodes.length === 1);
    const problem = await refusal(federation.supernodes[0]!, 'address_not_in_certificate');
    expect(problem.found + problem.expected + problem.remedy).toContain('FL_CERT_EXTRA_SAN');
    expect(problem.found + problem.expected + problem.remedy).toContain(`IP:${NET}.201.9`);
  });

  test('in plaintext, while it wants TLS itself, reports that the modes differ', async () => {
    const federation = zone({
      supernodes: 1,
      superlink: { FL_TLS_ENABLED: 'NO' },
      supernode: { FL_TLS_ENABLED: 'YES', FL_SSL_CA_CERTFILE: base64(CA) },
    });
    await federation.deploy();
    await federation.superlink.whenReady();
    await federation.zone.until(() => federation.supernodes.length === 1);
    await refusal(federation.supernodes[0]!, 'tls_mode_mismatch');
  });
});

/** A second address of the SuperLink, which is not in its certificate. */
async function forward(host: string, port: number, to: string): Promise<Server> {
  const server = createServer((socket) => {
    const onward = connect({ host: to, port });
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => [socket, onward].map((one) => one.destroy()));
  });
  await new Promise<void>((resolve) => server.listen({ host, port }, resolve));
  onTestFinished(() => void server.close());
  return server;
}

describe('a SuperNode that has used TLS, when what the SuperLink publishes is changed', () => {
  async function trained() {
    const federation = zone({ supernodes: 1 });
    await federation.deploy();
    await federation.superlink.whenReady();
    await federation.zone.until(() => federation.supernodes.length === 1);
    const vm = federation.supernodes[0]!;
    await vm.whenReady();
    const superLink = federation.seenBy(federation.superlink);
    const attributes = () => federation.seenBy(vm).userTemplate;
    return { federation, vm, superLink, attributes };
  }
  const problemsOf = (vm: Vm, code: string) =>
    (vm.status()?.problems ?? []).filter((problem) => problem.code === code);
  const plan = (vm: Vm): string => readFileSync(vm.at('run/flower-context/plan.json'), 'utf8');

  test('refuses plaintext, reports it, and never starts Flower without TLS', async () => {
    const { vm, superLink, attributes } = await trained();
    superLink.userTemplate.set('FL_TLS', 'NO');
    superLink.userTemplate.set('FL_ENDPOINT', `${NET}.200.66:9092`);
    await vm.systemctl('restart', '--no-block', 'flower-context');
    await vm.waitFor('the refusal', () => problemsOf(vm, 'tls_mode_mismatch').length > 0);
    const [problem] = problemsOf(vm, 'tls_mode_mismatch');
    expect(problem).toMatchObject({ kind: 'fatal', variable: 'FL_TLS_ENABLED' });
    expect(problem!.found).toContain('this node used TLS');
    await until('FL_ERROR', () => attributes().get('FL_ERROR') === 'tls_mode_mismatch');
    expect(plan(vm)).toContain('--root-certificates');
    expect(plan(vm)).not.toContain('--insecure');
    // A new boot of the VM is no way to plaintext either, and neither is `boot --fresh`.
    await vm.shutdown();
    await vm.boot();
    expect((await vm.whenFailed()).problems.map(({ code }) => code)).toContain('tls_mode_mismatch');
    expect(vm.hasPlan()).toBe(false);
    await vm.recontextualize({ FL_TLS_ENABLED: 'NO' });
    await vm.waitFor('plaintext', ({ facts }) => facts.tls === false);
  });

  test('accepts another CA, and reports it in status, journal and FL_ERROR until the VM boots again', async () => {
    const { vm, superLink, attributes } = await trained();
    const before = Buffer.from(superLink.userTemplate.get('FL_CA_CERT')!, 'base64').toString();
    superLink.userTemplate.set('FL_CA_CERT', base64(before + CA));
    await vm.systemctl('restart', '--no-block', 'flower-context');
    await vm.waitFor('the report', ({ serving }) => serving && problemsOf(vm, 'peer_suspicious').length > 0);
    const [problem] = problemsOf(vm, 'peer_suspicious');
    const print = (pem: string): string => new X509Certificate(pem).fingerprint256.slice(0, 23);
    expect(problem).toMatchObject({ kind: 'degraded', variable: 'FL_SSL_CA_CERTFILE' });
    for (const named of [print(before), print(CA), 'superlink-ca.previous.pem'])
      expect(problem!.found).toContain(named);
    await until('FL_ERROR', () => attributes().get('FL_ERROR') === 'peer_suspicious');
    expect(attributes().get('FL_NODE_READY')).toBe('YES');
    expect(
      vm.journal().some(({ priority, message }) => priority <= 4 && message.includes('peer_suspicious')),
    ).toBe(true);
    const previous = vm.at('var/lib/flower-context/tls/superlink-ca.previous.pem');
    expect(readFileSync(previous, 'utf8')).toContain(before.trim());
    await vm.systemctl('restart', '--no-block', 'flower-context');
    await vm.waitFor(
      'the same report',
      ({ serving }) => serving && problemsOf(vm, 'peer_suspicious').length > 0,
    );
    await vm.shutdown();
    await vm.boot();
    await vm.whenReady();
    expect(problemsOf(vm, 'peer_suspicious')).toEqual([]);
    await until('FL_ERROR', () => attributes().get('FL_ERROR') === '-');
  });

  test('says once that OneGate is reached by plain HTTP', async () => {
    const { vm } = await trained();
    const lines = () => vm.journal().filter(({ message }) => message.includes('from OneGate by plain HTTP'));
    expect(lines()).toHaveLength(1);
    await vm.systemctl('restart', '--no-block', 'flower-context');
    await vm.whenReady();
    expect(lines()).toHaveLength(1);
  });
});

// The CA that a SuperNode trusts. It never uses plaintext by accident, and the agent reports what Flower would not.
import { connect, createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { issueCa } from '../../src/tls/issue.ts';
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

// What a boot does when parts of the SuperLink's CA are missing or damaged: every combination.
import { createPublicKey } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { matchesKey, privateKeyOf } from '../../../src/tls/certificate.ts';
import { issueCa, issueServer } from '../../../src/tls/issue.ts';
import { explainPeer } from '../../../src/tls/peer.ts';
import { firstCertificate } from '../../../src/tls/texts.ts';
import { CertificateStep, type Prepared } from '../../support/certificate-step.ts';
import { days, NOW } from '../../support/certificates.ts';

const FILES = ['ca.pem', 'ca.key', 'server.pem', 'server.key'] as const;
const STATES = ['good', 'missing', 'damaged'] as const;
type State = (typeof STATES)[number];
const COMBINATIONS = STATES.flatMap((ca) =>
  STATES.flatMap((key) =>
    STATES.flatMap((server) => STATES.map((serverKey) => [ca, key, server, serverKey] as const)),
  ),
);

/** Whether a SuperNode that trusts this CA accepts what is served. */
const accepts = (caPem: string, { serverPem }: Prepared, now: Date): boolean =>
  explainPeer({ chainPem: serverPem, caPem, host: '10.0.0.5', now }) === undefined;

const found = ({ degradations }: Prepared): string[] => degradations.map(({ code }) => code);

/** What becomes of the CA: the file as it was, one with the same key and name, or another one. */
function expected([ca, key, server, serverKey]: readonly [State, State, State, State]):
  | 'kept'
  | 'same key'
  | 'new' {
  const serves = server === 'good' && serverKey === 'good';
  if (ca === 'good') return key === 'good' || serves ? 'kept' : 'new';
  return key === 'good' ? 'same key' : 'new';
}

test.each(COMBINATIONS)('ca.pem %s, ca.key %s, server.pem %s, server.key %s', async (...states) => {
  const vm = new CertificateStep(NOW, days(-30));
  const first = await vm.run();
  const before = Object.fromEntries(FILES.map((name) => [name, vm.read(name)!]));
  const left: string[] = [];
  for (const [index, name] of FILES.entries()) {
    if (states[index] === 'missing') vm.remove(name);
    if (states[index] === 'damaged') vm.write(name, `damaged ${name}`);
    if (states[index] !== 'missing') left.push(name);
  }
  const texts = new Map(left.map((name) => [name, vm.read(name)!]));
  await vm.clock.advance(86_400_000);
  const now = vm.clock.now();
  const after = await vm.run();

  // What serves fits together.
  expect(accepts(after.trust.caPem, after, now)).toBe(true);
  expect(after.trust.caPem).toBe(vm.read('ca.pem'));
  expect(matchesKey(firstCertificate(after.serverPem), privateKeyOf(vm.read('server.key')!))).toBe(true);

  const outcome = expected(states);
  expect(after.fingerprint === first.fingerprint).toBe(outcome === 'kept');
  expect(accepts(first.trust.caPem, after, now)).toBe(outcome !== 'new');
  const [ca, key] = states;
  if (ca === 'good' && key === 'good') expect(found(after)).toEqual([]);
  else if (left.length === 0) expect(found(after)).toEqual([]);
  else if (left.every((name) => name === 'ca.key') && key === 'good') {
    // Also what a first boot leaves that was interrupted between the two files.
    expect(found(after)).toEqual([]);
    expect(after.warnings).toMatchObject([{ code: 'state_damaged' }]);
  } else {
    expect(found(after)).toEqual(['state_damaged']);
    expect(after.degradations[0]!.remedy).toContain('SuperNodes that');
  }

  // What was there of the CA, and what was damaged, is in a file as before.
  for (const [name, text] of texts)
    if (name.startsWith('ca.') || text.startsWith('damaged')) expect(vm.texts(), name).toContain(text);
  if (outcome === 'new') for (const [name, text] of texts) expect(vm.texts(), name).toContain(text);

  // The next boot changes nothing, and only a lost key is still a problem.
  const again = await vm.run();
  expect(again.fingerprint).toBe(after.fingerprint);
  expect(again.serverPem).toBe(after.serverPem);
  expect(found(again)).toEqual(outcome === 'kept' && key !== 'good' ? ['state_damaged'] : []);
  expect(before['ca.pem']).toBe(first.trust.caPem);
});

describe('a CA without its key', () => {
  async function lost() {
    const vm = new CertificateStep(NOW, days(-30));
    const first = await vm.run();
    const key = vm.read('ca.key')!;
    vm.remove('ca.key');
    return { vm, first, key };
  }

  test('serves with the same certificate and says until when, and what SuperNodes need then', async () => {
    const { vm, first } = await lost();
    const after = await vm.run();
    expect(after.trust.fingerprint).toBe(first.trust.fingerprint);
    expect(after.trust.renewAt).toEqual(first.trust.renewAt);
    expect(after.note).toBe('CA kept without its key, server certificate kept');
    const [problem] = after.degradations;
    expect(problem!.facts.found).toBe(`${vm.at('ca.key')} does not exist`);
    expect(problem!.remedy).toMatch(
      /restore .*ca\.key from a backup.* it serves until 2027-09-01 20:00 UTC\. Then a new CA is made/,
    );
  });

  test('is whole again with the key of a backup', async () => {
    const { vm, first, key } = await lost();
    await vm.run();
    vm.write('ca.key', key);
    const after = await vm.run();
    expect([found(after), after.fingerprint]).toEqual([[], first.fingerprint]);
  });

  test('gives way to a new one, with a report, when the certificate is due for renewal', async () => {
    const { vm, first } = await lost();
    await vm.run();
    vm.reboot();
    vm.clock.set(days(250));
    const after = await vm.run();
    expect(after.fingerprint).not.toBe(first.fingerprint);
    expect(found(after)).toEqual(['state_damaged']);
    expect(vm.texts()).toContain(first.trust.caPem);
  });

  test('does not give way because a wrong clock says that the renewal is due', async () => {
    const { vm, first } = await lost();
    await vm.run();
    vm.clock.set(days(250));
    const after = await vm.run();
    expect(after.fingerprint).toBe(first.fingerprint);
    expect(found(after)).toEqual(['state_damaged', 'clock_off']);
  });

  test('gives way to a new one, with a report, when the certificate must name another address', async () => {
    const { vm, first } = await lost();
    const after = await vm.run({ FL_CERT_EXTRA_SAN: 'IP:10.0.0.9' });
    expect(after.fingerprint).not.toBe(first.fingerprint);
    expect(found(after)).toEqual(['state_damaged']);
  });

  test('that was set aside is used again: key, certificate, both', async () => {
    for (const names of [['ca.key'], ['ca.pem'], ['ca.pem', 'ca.key']]) {
      const vm = new CertificateStep(NOW, days(-30));
      const first = await vm.run();
      for (const name of names) {
        vm.write(`${name}.damaged-2027-01-01T000000.000Z`, vm.read(name)!);
        vm.remove(name);
      }
      const after = await vm.run();
      expect(after.fingerprint).toBe(first.fingerprint);
      expect(after.serverPem).toBe(first.serverPem);
      expect(found(after)).toEqual(['state_damaged']);
      expect(vm.names()).toEqual(['ca.key', 'ca.pem', 'server.key', 'server.pem']);
    }
  });
});

test('a foreign key is set aside while the certificate serves', async () => {
  const vm = new CertificateStep(NOW, days(-30));
  const first = await vm.run();
  const foreign = issueCa({ now: NOW, commonName: 'other' }).keyPem;
  vm.write('ca.key', foreign);
  const after = await vm.run();
  expect([after.fingerprint, found(after)]).toEqual([first.fingerprint, ['state_damaged']]);
  expect(vm.texts()).toContain(foreign);
});

test('a foreign certificate is set aside, and the own one is made again', async () => {
  const vm = new CertificateStep(NOW, days(-30));
  const first = await vm.run();
  const foreign = issueCa({ now: NOW, commonName: 'other' }).certPem;
  vm.write('ca.pem', foreign);
  const after = await vm.run();
  expect(accepts(first.trust.caPem, after, NOW)).toBe(true);
  expect(after.serverPem).toBe(first.serverPem);
  expect(createPublicKey(vm.read('ca.key')!)).toEqual(firstCertificate(after.trust.caPem).publicKey);
  expect(vm.texts()).toContain(foreign);
});

test('a CA made again has the name that the server certificate has as its issuer, also when the host has another', async () => {
  const vm = new CertificateStep(NOW, days(-30));
  const ca = issueCa({ now: NOW, commonName: 'flower-context CA of before' });
  const server = issueServer({
    ca,
    names: { dns: ['localhost'], ip: ['127.0.0.1', '::1', '10.0.0.5'] },
    now: NOW,
  });
  vm.write('ca.key', ca.keyPem);
  vm.write('server.pem', server.certPem);
  vm.write('server.key', server.keyPem);
  const after = await vm.run();
  expect(firstCertificate(after.trust.caPem).subject).toBe(
    'O=flower-context, CN=flower-context CA of before',
  );
  expect(accepts(ca.certPem, after, NOW)).toBe(true);
  expect(after.serverPem).toBe(server.certPem);
});

test('folders with the names of the files are set aside, too', async () => {
  const vm = new CertificateStep(NOW, days(-30));
  const first = await vm.run();
  vm.remove('ca.pem', 'server.key');
  for (const name of ['ca.pem', 'server.key']) mkdirSync(vm.at(name));
  const after = await vm.run();
  expect(accepts(first.trust.caPem, after, NOW)).toBe(true);
  expect(vm.names().filter((name) => name.includes('.damaged-'))).toHaveLength(3);
});

test('the folder removed on purpose gives a new CA without a problem', async () => {
  const vm = new CertificateStep(NOW, days(-30));
  const first = await vm.run();
  vm.remove(...vm.names());
  const after = await vm.run();
  expect(after.fingerprint).not.toBe(first.fingerprint);
  expect([found(after), after.warnings, after.note]).toEqual([
    [],
    [],
    'new CA, server certificate for 5 names',
  ]);
});

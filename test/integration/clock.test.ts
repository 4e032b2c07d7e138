// The agent on a VM whose clock is wrong: what it serves with does not change, and everybody can join when the clock is right.
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Status } from '../../src/report/status.ts';
import { issueCa } from '../../src/tls/issue.ts';
import { SHIFT_FILE } from '../support/agent/clock.ts';
import { until } from '../support/zone/process.ts';
import { superlink, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** From now on the clock of this VM is so far ahead of everybody's. */
function setClock(vm: Vm, aheadMs: number): void {
  const file = vm.at(SHIFT_FILE);
  writeFileSync(`${file}.new`, String(aheadMs));
  renameSync(`${file}.new`, file);
}

const TLS = 'var/lib/flower-context/tls';
const file = (vm: Vm, name: string): string => readFileSync(vm.at(`${TLS}/${name}`), 'utf8');
const fingerprint = (vm: Vm): string => new X509Certificate(file(vm, 'ca.pem')).fingerprint256;
const files = (vm: Vm): string[] => readdirSync(vm.at(TLS)).sort();
const reported = (vm: Vm): string[] => (vm.status()?.problems ?? []).map(({ code }) => code);

test.each([4000, 300, -400])(
  'the clock is wrong by %s days for a while: the first CA is the last one, Flower serves on, and OneGate has the problem',
  async (off) => {
    const { vm, one } = await superlink();
    await vm.whenReady();
    const before = [
      fingerprint(vm),
      file(vm, 'server.pem'),
      one.userTemplate.get('FL_CA_CERT'),
      vm.flowerLink()?.pid,
    ];
    const now = (): unknown[] => [
      fingerprint(vm),
      file(vm, 'server.pem'),
      one.userTemplate.get('FL_CA_CERT'),
      vm.flowerLink()?.pid,
    ];

    setClock(vm, off * DAY_MS);
    await vm.waitFor('the problem', ({ phase }) => phase === 'ready' && reported(vm).includes('clock_off'));
    await until('the problem on OneGate', () => one.userTemplate.get('FL_ERROR') === 'clock_off');
    expect(vm.status()).toMatchObject({ serving: true });
    expect([one.userTemplate.get('READY'), one.userTemplate.get('FL_READY')]).toEqual(['YES', 'YES']);
    const doctor = await vm.cli('doctor');
    expect(doctor.stdout.replace(/\s+/g, ' ')).toMatch(
      /PROBLEM certificate dates checking this VM's clock .* the clock says/,
    );
    expect(now()).toEqual(before);

    setClock(vm, 0);
    await vm.waitFor('the end of the problem', ({ phase }) => phase === 'ready' && reported(vm).length === 0);
    await until('OneGate to have no problem', () => one.userTemplate.get('FL_ERROR') === '-');
    expect(now()).toEqual(before);
    expect(files(vm)).toEqual(['ca.key', 'ca.pem', 'server.key', 'server.pem']);
    // One boot for each change, and no others. Lines reach the journal a moment later.
    const causes = (): string[] => vm.journalText().match(/(?<=reconciling: ).*/g) ?? [];
    await until('both boots', () => causes().length >= 2, { detail: () => vm.diagnostics() });
    expect(causes()).toEqual(['the clock of this VM was set', 'the clock of this VM was set']);
  },
);

test('a clock that is wrong for a while does not interrupt a run for a certificate that waits', async () => {
  const { vm } = await superlink();
  await vm.whenReady();
  vm.fakeRuns('running');
  const flower = vm.flowerLink()?.pid;
  await vm.recontextualize({ FL_CERT_EXTRA_SAN: 'DNS:other.example.org' });
  const waits = ({ phase, pending }: Status): boolean =>
    phase === 'ready' && pending?.reason === 'a new server certificate';
  await vm.waitFor('the pending change', waits);
  // By this clock the certificate that is served has expired.
  setClock(vm, 4000 * DAY_MS);
  await vm.waitFor('the problem', (status) => waits(status) && reported(vm).includes('clock_off'));
  setClock(vm, 0);
  await vm.waitFor('the end of the problem', (status) => waits(status) && reported(vm).length === 0);
  expect(vm.flowerLink()?.pid).toBe(flower);
  await vm.toSay('the clock of this VM was set');
  expect(vm.journalText()).not.toContain('about to expire');
});

test('the clock is two hours ahead at the first boot: after the correction a SuperNode joins at once, and all is well', async () => {
  const federation = zone({
    supernodes: 1,
    prepare: (vm) => {
      if (vm.spec.role === 'superlink') setClock(vm, 2 * HOUR_MS);
    },
  });
  await federation.deploy();
  const vm = federation.superlink;
  await vm.whenReady();
  const before = [fingerprint(vm), file(vm, 'server.pem')];
  setClock(vm, 0);
  await until('the SuperNode', () => federation.supernodes.length === 1);
  await federation.supernodes[0]!.whenReady();
  expect(federation.supernodes[0]!.status()).toMatchObject({ phase: 'ready', problems: [] });
  await vm.systemctl('restart', 'flower-context');
  await vm.whenReady();
  expect([fingerprint(vm), file(vm, 'server.pem')]).toEqual(before);
  expect((await vm.cli('doctor')).code).toBe(0);
});

test('a CA that an earlier version made by a wrong clock gives way to the one that it set aside', async () => {
  const { vm, one } = await superlink();
  await vm.whenReady();
  const first = fingerprint(vm);
  const good = one.userTemplate.get('FL_CA_CERT');
  await vm.shutdown();
  // What 0.2.0 left: both files renamed by the wrong clock, and a pair from it on.
  for (const name of ['ca.pem', 'ca.key'])
    renameSync(vm.at(`${TLS}/${name}`), vm.at(`${TLS}/${name}.damaged-2037-11-10T020330.000Z`));
  const future = issueCa({
    now: new Date(Date.now() + 4000 * DAY_MS),
    commonName: 'flower-context CA flower',
  });
  writeFileSync(vm.at(`${TLS}/ca.pem`), future.certPem);
  writeFileSync(vm.at(`${TLS}/ca.key`), future.keyPem, { mode: 0o600 });
  await vm.boot();
  const status = await vm.whenReady();
  expect(fingerprint(vm)).toBe(first);
  expect(status.problems).toEqual([]);
  await until('the CA on OneGate', () => one.userTemplate.get('FL_CA_CERT') === good);
  await vm.toSay(/made while the clock was wrong.*is used again/);
});

test.each([
  ['ca.key', 'the same'],
  ['ca.pem', 'the same key'],
  ['ca.pem and ca.key', 'a new'],
])('%s missing: %s CA, a problem, and FL_ERROR on OneGate', async (names, becomes) => {
  const { vm, one } = await superlink();
  await vm.whenReady();
  const [ca, server] = [file(vm, 'ca.pem'), file(vm, 'server.pem')];
  for (const name of names.split(' and ')) renameSync(vm.at(`${TLS}/${name}`), vm.at(`moved-${name}`));
  await vm.systemctl('restart', 'flower-context');
  const status = await vm.waitFor(
    'the problem',
    ({ phase }) => phase === 'ready' && reported(vm).includes('state_damaged'),
  );
  expect(status.problems[0]!.remedy).toContain('SuperNodes that');
  await until('the problem on OneGate', () => one.userTemplate.get('FL_ERROR') === 'state_damaged');
  const now = new X509Certificate(file(vm, 'ca.pem'));
  const before = new X509Certificate(ca);
  expect(now.fingerprint256 === before.fingerprint256).toBe(becomes === 'the same');
  expect(now.publicKey.equals(before.publicKey)).toBe(becomes !== 'a new');
  if (becomes === 'a new')
    expect(files(vm).filter((name) => name.startsWith('server.pem.damaged-'))).toHaveLength(1);
  else expect(file(vm, 'server.pem')).toBe(server);
  expect(existsSync(vm.at(`${TLS}/ca.key`))).toBe(names !== 'ca.key');
});

// The certificates of a SuperLink whose clock is wrong, for seconds or for years.
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { seen } from '../../../src/boot/clock.ts';
import { issueCa } from '../../../src/tls/issue.ts';
import { explainPeer } from '../../../src/tls/peer.ts';
import { CertificateStep, type Prepared } from '../../support/certificate-step.ts';
import { days, makeCa, makeServer, NOW } from '../../support/certificates.ts';

const BUILT = days(-30);
const HOUR_MS = 3_600_000;
const hours = (count: number): Date => new Date(NOW.getTime() + count * HOUR_MS);
const accepts = ({ trust, serverPem }: Prepared, now: Date): boolean =>
  explainPeer({ chainPem: serverPem, caPem: trust.caPem, host: '10.0.0.5', now }) === undefined;
const codes = ({ degradations, warnings }: Prepared): string[] =>
  [...degradations, ...warnings].map(({ code }) => code);
/** The CA, the server certificate, and what is reported. */
const state = (prepared: Prepared) => [prepared.fingerprint, prepared.serverPem, codes(prepared)];

/** A SuperLink of an earlier version: certificates that begin a minute before they were issued. */
function earlierVersion(vm: CertificateStep, now: Date, suffix = '') {
  const ca = makeCa({
    cn: 'flower-context CA flower',
    from: new Date(now.getTime() - 60_000),
    until: new Date(now.getTime() + 3650 * 24 * HOUR_MS),
  });
  const server = makeServer({
    by: ca,
    from: new Date(now.getTime() - 60_000),
    until: new Date(now.getTime() + 365 * 24 * HOUR_MS),
    dns: ['localhost'],
    ip: ['127.0.0.1', '::1', '10.0.0.5'],
  });
  vm.write(`ca.pem${suffix}`, ca.certPem);
  vm.write(`ca.key${suffix}`, ca.keyPem);
  if (suffix === '') {
    vm.write('server.pem', server.certPem);
    vm.write('server.key', server.keyPem);
  }
  return ca;
}

describe('a clock that is wrong for a while', () => {
  test.each([
    ['years ahead', 4000, 'it is later than the end of the CA, 2037-01-01 12:00 UTC'],
    ['months ahead', 300, 'it was set forward by 300 days, 0 s ago, while the system ran'],
    ['before the image', -400, 'it is earlier than the image, which was built on 2026-12-02 12:00 UTC'],
  ])('%s: the first certificates are the last ones', async (_, off, why) => {
    const vm = new CertificateStep(NOW, BUILT);
    const first = await vm.run();
    expect(codes(first)).toEqual([]);
    expect(first.trust.clockChanged()).toBe(false);

    vm.clock.set(days(off));
    expect(first.trust.clockChanged()).toBe(true);
    const wrong = await vm.run();
    expect(state(wrong)).toEqual([first.fingerprint, first.serverPem, ['clock_off']]);
    const [problem] = wrong.degradations;
    expect(problem!.severity).toBe('degraded');
    expect(problem!.facts.found).toContain(why);
    expect(problem!.remedy).toContain('timedatectl');
    expect(wrong.trust.renewAt).toBeUndefined();
    expect(wrong.trust.clockChanged()).toBe(false);
    // Also after another start of the agent, and of the system.
    expect(state(await vm.run())).toEqual(state(wrong));

    await vm.clock.advance(13_000);
    vm.clock.set(new Date(NOW.getTime() + 13_000));
    expect(wrong.trust.clockChanged()).toBe(true);
    const right = await vm.run();
    expect(state(right)).toEqual([first.fingerprint, first.serverPem, []]);
    expect(right.trust.renewAt).toEqual(first.trust.renewAt);
    expect(vm.names()).toEqual(['ca.key', 'ca.pem', 'server.key', 'server.pem']);
  });

  test('years ahead, and the system starts again: the same', async () => {
    const vm = new CertificateStep(NOW, BUILT);
    const first = await vm.run();
    vm.clock.set(days(4000));
    vm.reboot();
    expect(state(await vm.run())).toEqual([first.fingerprint, first.serverPem, ['clock_off']]);
    vm.clock.set(days(1));
    expect(state(await vm.run())).toEqual([first.fingerprint, first.serverPem, []]);
  });

  test('a certificate that must name another address is issued, and holds whatever the right time is', async () => {
    for (const off of [4000, -400, 300]) {
      const vm = new CertificateStep(NOW, BUILT);
      const first = await vm.run();
      vm.clock.set(days(off));
      const wrong = await vm.run({ FL_CERT_EXTRA_SAN: 'IP:10.0.0.9' });
      expect([wrong.fingerprint, codes(wrong)[0]]).toEqual([
        first.fingerprint,
        off === 300 ? undefined : 'clock_off',
      ]);
      for (const later of [days(0), days(300)]) expect(accepts(wrong, later)).toBe(true);
    }
  });
});

describe('the clock at the first boot', () => {
  test.each([2, -2, 26, -26])(
    'off by %s hours: everybody accepts the certificates, before and after',
    async (off) => {
      const vm = new CertificateStep(hours(off), BUILT);
      const first = await vm.run();
      expect(codes(first)).toEqual([]);
      for (const now of [hours(off), NOW, hours(-off)]) expect(accepts(first, now)).toBe(true);
      vm.clock.set(NOW);
      expect(first.trust.clockChanged()).toBe(false);
      expect(state(await vm.run())).toEqual([first.fingerprint, first.serverPem, []]);
    },
  );

  test.each([
    ['in 1970', new Date(90_000), ['clock_off']],
    ['two hours before the image', new Date(BUILT.getTime() - 2 * HOUR_MS), ['clock_off']],
    ['at the time of the image', BUILT, []],
    ['in 2099', new Date('2099-01-01T00:00:00Z'), []],
  ])('%s: the CA holds when the clock is corrected, and for years after', async (_, at, problems) => {
    const vm = new CertificateStep(at, BUILT);
    const first = await vm.run();
    expect(codes(first)).toEqual(problems);
    for (const now of [at, NOW, days(300)]) expect(accepts(first, now)).toBe(true);
    expect(first.trust.verifiable).toBe(true);
    vm.clock.set(days(2));
    const right = await vm.run();
    expect(state(right)).toEqual([first.fingerprint, first.serverPem, []]);
    // An impossible time is no evidence against a later one.
    vm.clock.set(days(200));
    expect((await vm.run()).fingerprint).toBe(first.fingerprint);
  });
});

describe('renewal', () => {
  test('happens when a third of the year is left, under the same CA', async () => {
    const vm = new CertificateStep(NOW, BUILT);
    const first = await vm.run();
    expect(first.trust.renewAt).toEqual(new Date('2027-09-01T20:00:00Z'));
    await vm.clock.advance(243 * 24 * HOUR_MS);
    expect((await vm.run()).serverPem).toBe(first.serverPem);
    await vm.clock.advance(24 * HOUR_MS);
    const renewed = await vm.run();
    expect(renewed.serverPem).not.toBe(first.serverPem);
    expect([renewed.fingerprint, codes(renewed)]).toEqual([first.fingerprint, []]);
    expect(renewed.trust.renewAt!.getTime()).toBeGreaterThan(days(480).getTime());
  });

  test('by a clock that nothing synchronises is a warning, and happens as usual', async () => {
    const vm = new CertificateStep(NOW, BUILT);
    const first = await vm.run();
    vm.synchronised = false;
    expect(codes(await vm.run())).toEqual([]);
    await vm.clock.advance(250 * 24 * HOUR_MS);
    const renewed = await vm.run();
    expect(renewed.serverPem).not.toBe(first.serverPem);
    expect(renewed.degradations).toEqual([]);
    expect(renewed.warnings).toMatchObject([{ code: 'clock_off', severity: 'warning' }]);
  });

  test('after a jump of the clock waits for an hour, because the clock may be right', async () => {
    const vm = new CertificateStep(NOW, BUILT);
    const first = await vm.run();
    vm.clock.set(days(400));
    const waits = await vm.run();
    expect(state(waits)).toEqual([first.fingerprint, first.serverPem, ['clock_off']]);
    await vm.clock.advance(HOUR_MS - 1);
    expect(waits.trust.clockChanged()).toBe(false);
    await vm.clock.advance(1);
    expect(waits.trust.clockChanged()).toBe(true);
    const renewed = await vm.run();
    expect(renewed.serverPem).not.toBe(first.serverPem);
    expect([renewed.fingerprint, codes(renewed)]).toEqual([first.fingerprint, []]);
  });

  test('a VM that was off for long renews at its start', async () => {
    const vm = new CertificateStep(NOW, BUILT);
    const first = await vm.run();
    vm.reboot();
    vm.clock.set(days(700));
    const renewed = await vm.run();
    expect(renewed.serverPem).not.toBe(first.serverPem);
    expect([renewed.fingerprint, codes(renewed)]).toEqual([first.fingerprint, []]);
  });

  test('of certificates of an earlier version happens at the same time as before', async () => {
    const vm = new CertificateStep(NOW, BUILT);
    earlierVersion(vm, NOW);
    const first = await vm.run();
    expect([first.note, codes(first)]).toEqual(['CA kept, server certificate kept', []]);
    expect(first.trust.renewAt).toEqual(new Date('2027-09-01T20:00:00Z'));
  });

  test('near the end of the CA is not repeated, and the end is announced with the way out', async () => {
    const vm = new CertificateStep(NOW, BUILT);
    const first = await vm.run();
    vm.reboot();
    vm.clock.set(days(3560));
    const last = await vm.run();
    expect([last.fingerprint, codes(last)]).toEqual([first.fingerprint, ['ca_invalid']]);
    expect(last.warnings[0]!.remedy).toContain('Replace the CA');
    expect((await vm.run()).serverPem).toBe(last.serverPem);
    expect(last.trust.renewAt!.getTime()).toBeGreaterThan(days(3640).getTime());
    vm.clock.set(days(3700));
    const over = await vm.run();
    expect(state(over)).toEqual([first.fingerprint, last.serverPem, ['clock_off']]);
    expect(over.degradations[0]!.remedy).toContain('Replace the CA');
    expect(over.trust.verifiable).toBe(false);
  });
});

describe('a CA of the future', () => {
  test('is a problem that names the way out, and is kept', async () => {
    const vm = new CertificateStep(NOW, BUILT);
    earlierVersion(vm, days(100));
    const after = await vm.run();
    expect(codes(after)).toEqual(['clock_off']);
    expect(after.degradations[0]!.facts.found).toContain('is valid from 2027-04-11 11:59 UTC only');
    expect(after.degradations[0]!.remedy).toMatch(/timedatectl.*Replace the CA/);
    expect(after.note).toBe('CA kept, server certificate kept');
    expect(after.trust.verifiable).toBe(false);
  });

  test('gives way to the one that was set aside for a wrong clock, and the journal says so', async () => {
    const vm = new CertificateStep(NOW, BUILT);
    const good = earlierVersion(vm, days(-20), '.damaged-2037-11-10T020330.000Z');
    const wrong = earlierVersion(vm, days(4000));
    const after = await vm.run();
    expect(after.trust.caPem).toBe(good.certPem);
    expect(codes(after)).toEqual([]);
    expect(accepts(after, NOW)).toBe(true);
    expect(after.journal).toMatch(
      /was made while the clock was wrong.*ca\.pem\.damaged-2037-11-10.* is used again: SuperNodes/,
    );
    expect(vm.texts()).toEqual(expect.arrayContaining([wrong.certPem, wrong.keyPem]));
    // Not back again when the clock is wrong once more.
    vm.clock.set(days(4010));
    expect((await vm.run()).fingerprint).toBe(after.fingerprint);
    vm.clock.set(days(1));
    expect(state(await vm.run())).toEqual([after.fingerprint, after.serverPem, []]);
  });

  test.each([
    ['has no key', (vm: CertificateStep) => vm.remove('ca.key.damaged-2037')],
    [
      'has another key',
      (vm: CertificateStep) => vm.write('ca.key.damaged-2037', issueCa({ now: NOW, commonName: 'x' }).keyPem),
    ],
    ['has expired', (vm: CertificateStep) => void earlierVersion(vm, days(-4000), '.damaged-2037')],
  ])('stays when the one that was set aside %s', async (_, spoil) => {
    const vm = new CertificateStep(NOW, BUILT);
    earlierVersion(vm, days(-20), '.damaged-2037');
    spoil(vm);
    const future = earlierVersion(vm, days(4000));
    const after = await vm.run();
    expect([after.trust.caPem, codes(after)]).toEqual([future.certPem, ['clock_off']]);
  });

  test('stays while the clock is suspect: it was set back, or is earlier than the image', async () => {
    const vm = new CertificateStep(days(10), BUILT);
    const present = earlierVersion(vm, days(9));
    earlierVersion(vm, days(-300), '.damaged-2026');
    await vm.run();
    for (const off of [-5, -31]) {
      vm.clock.set(days(off));
      const after = await vm.run();
      expect([after.trust.caPem, codes(after)]).toEqual([present.certPem, ['clock_off']]);
    }
  });
});

test('a valid CA is not replaced by one that was set aside', async () => {
  const vm = new CertificateStep(NOW, BUILT);
  const first = await vm.run();
  earlierVersion(vm, days(-20), '.damaged-2026');
  expect(state(await vm.run())).toEqual([first.fingerprint, first.serverPem, []]);
});

test('time zones and daylight saving do not matter', async () => {
  const zone = process.env.TZ;
  try {
    const dates = [];
    for (const name of ['UTC', 'Pacific/Kiritimati', 'America/New_York']) {
      process.env.TZ = name;
      const vm = new CertificateStep(new Date('2027-03-14T07:30:00Z'), BUILT);
      const first = await vm.run();
      vm.clock.set(new Date('2027-03-14T08:30:00Z'));
      dates.push([first.trust.renewAt, codes(await vm.run())]);
    }
    expect(new Set(dates.map((one) => JSON.stringify(one))).size).toBe(1);
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

test.each(['', '{', '{"version":2}', '[]'])('what was seen of the clock may be damaged: %j', async (text) => {
  const vm = new CertificateStep(NOW, BUILT);
  const first = await vm.run();
  writeFileSync(vm.paths.clock, text);
  expect(state(await vm.run())).toEqual([first.fingerprint, first.serverPem, []]);
});

describe('steps of the clock', () => {
  const minute = 60_000;
  const calm = { version: 1, offset: 0, jump: null } as const;

  test('of up to five minutes are none, also when they add up from the last hour on', () => {
    expect(seen(undefined, 1_000, 5)).toEqual({ memory: { ...calm, offset: 1_000 }, jump: undefined });
    expect(seen(calm, 5 * minute, 10)).toEqual({ memory: calm, jump: undefined });
    expect(seen(calm, -5 * minute - 1, 10).jump).toEqual({ byMs: -5 * minute - 1, agoMs: 0 });
  });

  test('are remembered from the first look, and end when the clock is back or after an hour', () => {
    const jumped = seen(calm, HOUR_MS, 1_000).memory;
    expect(jumped).toEqual({ ...calm, jump: { offset: HOUR_MS, at: 1_000 } });
    expect(seen(jumped, HOUR_MS + 1_000, 61_000)).toEqual({
      memory: jumped,
      jump: { byMs: HOUR_MS + 1_000, agoMs: minute },
    });
    expect(seen(jumped, 1_000, 61_000)).toEqual({ memory: calm, jump: undefined });
    expect(seen(jumped, HOUR_MS, HOUR_MS + 1_000)).toEqual({
      memory: { ...calm, offset: HOUR_MS },
      jump: undefined,
    });
    // A second step begins a new hour.
    expect(seen(jumped, 3 * HOUR_MS, HOUR_MS + 1_000).jump).toEqual({ byMs: 3 * HOUR_MS, agoMs: 0 });
  });
});

test('a SuperLink with the certificates of an operator follows the clock only for the loopback certificate', async () => {
  const vm = new CertificateStep(NOW, BUILT);
  const ca = makeCa({ until: days(6000) });
  const server = makeServer({ by: ca, until: days(6000), ip: ['10.0.0.5'] });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const variables = {
    FL_SSL_CA_CERTFILE: base64(ca.certPem),
    FL_SSL_CERTFILE: base64(server.certPem),
    FL_SSL_KEYFILE: base64(server.keyPem),
  };
  const first = await vm.run(variables);
  const own = vm.read('ca.pem');
  vm.clock.set(days(4000));
  const wrong = await vm.run(variables);
  expect(codes(wrong)).toEqual(['clock_off']);
  expect([vm.read('ca.pem'), wrong.trust.fingerprint]).toEqual([own, first.trust.fingerprint]);
  expect(wrong.trust.verifiable).toBe(true);
});

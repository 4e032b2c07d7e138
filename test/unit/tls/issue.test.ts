import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readPem } from '../../../src/core/pem.ts';
import { readCertificate } from '../../../src/tls/certificate.ts';
import { issueCa, issueServer } from '../../../src/tls/issue.ts';
import { firstCertificate } from '../../../src/tls/texts.ts';
import { days, NOW, problemOf } from '../../support/certificates.ts';

const ca = issueCa({ now: NOW, commonName: 'flower-context CA of VM 42' });
const names = {
  dns: ['localhost', 'super.example.org'],
  ip: ['127.0.0.1', 'fd00::1', '::ffff:10.0.0.1', 'fe80::1%eth0'],
};
const server = issueServer({ ca, names, now: NOW });
const caX = new X509Certificate(ca.certPem);
const serverX = new X509Certificate(server.certPem);

describe('a CA made here', () => {
  test('is a P-256 CA for ten years, valid since yesterday', () => {
    expect(firstCertificate(ca.certPem)).toMatchObject({
      subject: 'O=flower-context, CN=flower-context CA of VM 42',
      isCa: true,
      keyType: 'EC P-256',
      notBefore: new Date('2026-12-31T12:00:00Z'),
      notAfter: new Date('2037-01-01T12:00:00Z'),
      sans: [],
    });
  });

  test('signs itself, and allows no CA below it', () => {
    expect(caX.verify(caX.publicKey)).toBe(true);
    expect(readCertificate(caX.raw).pathLength).toBe(0);
  });

  test('has a name of at most 64 characters', () => {
    const subject = (commonName: string): string =>
      firstCertificate(issueCa({ now: NOW, commonName }).certPem).subject;
    expect(subject('x'.repeat(80))).toBe(`O=flower-context, CN=${'x'.repeat(64)}`);
    expect(subject('two\nlines\u0000')).toBe('O=flower-context, CN=two lines');
  });

  test.each([
    ['2039-12-31T23:59:59Z', '2049-12-31T23:59:59Z', 23],
    ['2040-01-01T00:00:00Z', '2050-01-01T00:00:00Z', 24],
    ['2045-06-01T00:00:00Z', '2055-06-01T00:00:00Z', 24],
  ])('made on %s ends on %s, written in the type that RFC 5280 wants', (from, until, tag) => {
    const made = issueCa({ now: new Date(from), commonName: 'CA' }).certPem;
    expect(firstCertificate(made).notAfter).toEqual(new Date(until));
    const written = until.replace(/[-:T]/g, '').slice(tag === 23 ? 2 : 0);
    const der = new X509Certificate(made).raw;
    expect(der.includes(Buffer.concat([Buffer.from([tag, written.length]), Buffer.from(written)]))).toBe(
      true,
    );
  });

  test('made on the 29th of February ends on the 1st of March', () => {
    const made = issueCa({ now: new Date('2028-02-29T00:00:00Z'), commonName: 'CA' });
    expect(firstCertificate(made.certPem).notAfter).toEqual(new Date('2038-03-01T00:00:00Z'));
  });
});

describe('a server certificate made here', () => {
  test('is signed by the CA for one year, and is not a CA', () => {
    expect(serverX.checkIssued(caX) && serverX.verify(caX.publicKey)).toBe(true);
    expect(firstCertificate(server.certPem)).toMatchObject({
      issuer: 'O=flower-context, CN=flower-context CA of VM 42',
      subject: 'O=flower-context, CN=super.example.org',
      isCa: false,
      notAfter: new Date('2028-01-01T12:00:00Z'),
    });
  });

  test('has the requested names in canonical form', () => {
    expect(firstCertificate(server.certPem).sans).toEqual([
      'DNS:localhost',
      'DNS:super.example.org',
      'IP:127.0.0.1',
      'IP:fd00::1',
      'IP:::ffff:10.0.0.1',
      'IP:fe80::1',
    ]);
    for (const ip of ['127.0.0.1', 'fd00::1', 'fe80::1']) expect(serverX.checkIP(ip)).toBe(ip);
    expect(serverX.checkHost('super.example.org')).toBe('super.example.org');
    expect(serverX.checkIP('10.0.0.6')).toBeUndefined();
  });

  test('is for servers only, and may sign the handshake', () => {
    expect(serverX.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(readCertificate(serverX.raw)).toMatchObject({ forServers: true, allowsDigitalSignature: true });
  });

  test('comes with its own key as PKCS#8', () => {
    expect(readPem(server.keyPem).blocks.map(({ label }) => label)).toEqual(['PRIVATE KEY']);
    expect(serverX.checkPrivateKey(createPrivateKey(server.keyPem))).toBe(true);
    expect(server.keyPem).not.toBe(ca.keyPem);
  });

  test('has a positive serial number of 16 bytes that no other has', () => {
    const serials = Array.from(
      { length: 40 },
      () => new X509Certificate(issueServer({ ca, names, now: NOW }).certPem).serialNumber,
    );
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(new Set(serials).size).toBe(40);
  });

  test('does not outlive its CA', () => {
    const late = issueServer({ ca, names, now: days(9.5 * 365) });
    expect(firstCertificate(late.certPem).notAfter).toEqual(firstCertificate(ca.certPem).notAfter);
  });

  test('is called after the first name that another machine could use and that fits', () => {
    const subject = (dns: string[], ip: string[]): string =>
      firstCertificate(issueServer({ ca, names: { dns, ip }, now: NOW }).certPem).subject;
    const long = `${'a'.repeat(60)}.example.org`;
    expect(subject(['localhost', '*.example.org', long], ['127.0.0.1', '::1', 'fd00::9'])).toBe(
      'O=flower-context, CN=fd00::9',
    );
    expect(subject(['localhost'], ['127.0.0.1'])).toBe('O=flower-context, CN=flower-superlink');
  });

  test('is not made without a name, nor with the key of another CA', () => {
    const other = issueCa({ now: NOW, commonName: 'other' });
    const nameless = problemOf(() => issueServer({ ca, names: { dns: [], ip: ['nonsense'] }, now: NOW }));
    const mixed = problemOf(() =>
      issueServer({ ca: { certPem: ca.certPem, keyPem: other.keyPem }, names, now: NOW }),
    );
    expect([nameless.code, mixed.code]).toEqual(['tls_setup_failed', 'tls_setup_failed']);
    expect(mixed.facts.found).toBe("the CA's key does not belong to the CA's certificate");
  });
});

describe('the dates of both', () => {
  const built = days(0);
  const dates = (now: Date, wrongClock = false) => {
    const authority = issueCa({ now, built, commonName: 'CA' });
    const leaf = issueServer({ ca: authority, names, now, built, wrongClock });
    return [authority, leaf].map(({ certPem }) => {
      const { notBefore, notAfter } = firstCertificate(certPem);
      return [notBefore, notAfter];
    });
  };

  test('begin a day before the image was built, and count from now', () =>
    expect(dates(days(40))).toEqual([
      [days(-1), new Date('2037-02-10T12:00:00Z')],
      [days(-1), days(405)],
    ]));

  test('hold for every clock from one day before the image on, when the clock was ahead or behind', () => {
    for (const hours of [-2, 2, 30])
      for (const [from, until] of dates(new Date(built.getTime() + hours * 3_600_000))) {
        expect(from!.getTime()).toBeLessThanOrEqual(days(-1).getTime());
        expect(until!.getTime()).toBeGreaterThanOrEqual(days(365).getTime());
      }
  });

  test('of a VM whose clock starts in 1970 hold then, and for ten years from the image on', () => {
    const zero = new Date(0);
    const end = new Date('2037-01-01T12:00:00Z');
    expect(dates(new Date(600_000), true)).toEqual([
      [zero, end],
      [zero, end],
    ]);
  });

  test('of a VM whose clock is decades ahead hold then, and from the image on', () => {
    const [authority, leaf] = dates(new Date('2099-06-01T00:00:00Z'));
    expect(authority).toEqual([days(-1), new Date('2109-06-01T00:00:00Z')]);
    expect(leaf).toEqual([days(-1), new Date('2100-06-01T00:00:00Z')]);
  });

  test('of a server certificate do not begin before its CA', () => {
    const later = issueCa({ now: days(10), commonName: 'CA' });
    const leaf = firstCertificate(issueServer({ ca: later, names, now: days(20), built }).certPem);
    expect(leaf.notBefore).toEqual(days(9));
  });
});

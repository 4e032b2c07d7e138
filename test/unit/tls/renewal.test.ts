import { describe, expect, test } from 'vitest';
import { issueCa, issueServer } from '../../../src/tls/issue.ts';
import { type Fit, renewAt, stillFits } from '../../../src/tls/renewal.ts';
import { firstCertificate } from '../../../src/tls/texts.ts';
import { days, makeCa, makeServer, NOW } from '../../support/certificates.ts';

const built = days(-100);
const ca = issueCa({ now: NOW, built, commonName: 'CA' });
const names = { dns: ['localhost'], ip: ['127.0.0.1', '10.0.0.5'] };
const server = issueServer({ ca, names, now: NOW, built });
const why = (fit: Fit): string => (fit.fits ? 'it fits' : fit.why);
type Change = Partial<{
  certPem: string;
  keyPem: string;
  caPem: string;
  names: typeof names;
  now: Date;
  wrongClock: boolean;
}>;
const judge = (change: Change = {}): string => {
  const { certPem, keyPem, ...rest } = { certPem: server.certPem, keyPem: server.keyPem, ...change };
  return why(stillFits(certPem, keyPem, { caPem: ca.certPem, names, now: NOW, ...rest }));
};

describe('the server certificate of the last boot', () => {
  test('is kept when nothing has changed, until a third of the year is left', () => {
    expect(judge()).toBe('it fits');
    expect(judge({ names: { dns: ['LOCALHOST'], ip: ['10.0.0.5', '127.0.0.1'] } })).toBe('it fits');
    const due = renewAt(server.certPem, ca.certPem);
    expect(due).toEqual(new Date('2027-09-01T20:00:00Z'));
    expect(judge({ now: new Date(due.getTime() - 1) })).toBe('it fits');
    expect(judge({ now: due })).toBe('the server certificate is due for renewal since 2027-09-01 20:00 UTC');
  });

  test('is due at the same time whatever its beginning: that of an earlier version, or of an image of years ago', () => {
    const until = firstCertificate(server.certPem).notAfter;
    const earlier = makeServer({
      by: makeCa({ until: days(3650) }),
      from: new Date(NOW.getTime() - 60_000),
      until,
    });
    const anchor = makeCa({ until: days(3650) });
    expect(renewAt(earlier.certPem, anchor.certPem)).toEqual(renewAt(server.certPem, ca.certPem));
    const old = issueServer({ ca, names, now: NOW, built: days(-2000) });
    expect(renewAt(old.certPem, ca.certPem)).toEqual(renewAt(server.certPem, ca.certPem));
  });

  test('is kept when it names more than is needed', () =>
    expect(judge({ names: { ...names, ip: ['127.0.0.1'] } })).toBe('it fits'));

  test.each<[string, Change, string]>([
    [
      'does not name a new address',
      { names: { ...names, ip: [...names.ip, '10.0.0.6'] } },
      'the server certificate does not name 10.0.0.6',
    ],
    ['has expired', { now: days(366) }, 'the server certificate expired on 2028-01-01 12:00 UTC'],
    ['has another key', { keyPem: ca.keyPem }, 'the key does not belong to the server certificate'],
    [
      'has a damaged key',
      { keyPem: server.keyPem.slice(0, 60) },
      'the key of the server certificate cannot be read',
    ],
    ['is damaged', { certPem: server.certPem.slice(0, 300) }, 'the server certificate cannot be read'],
    [
      'is of another CA',
      { caPem: issueCa({ now: NOW, commonName: 'CA' }).certPem },
      'the server certificate is not signed by the CA',
    ],
    ['has a CA that cannot be read', { caPem: '' }, 'the CA certificate cannot be read'],
  ])('is renewed when it %s', (_when, change, reason) => expect(judge(change)).toBe(reason));

  test('is renewed when it starts in the future, but its CA is valid', () => {
    const later = issueServer({ ca, names, now: days(100) });
    expect(judge({ certPem: later.certPem, keyPem: later.keyPem, now: days(50) })).toBe(
      "the server certificate is valid from 2027-04-10 12:00 UTC only, and this VM's clock says 2027-02-20 12:00 UTC",
    );
  });

  test('is kept outside the time of its CA: a new one would not be valid either', () => {
    expect(judge({ now: days(-400) })).toBe('it fits');
    expect(judge({ now: days(4000) })).toBe('it fits');
  });

  test('that ends with its CA is not renewed again and again in the last year', () => {
    const last = issueServer({ ca, names, now: days(3500), built });
    const end = firstCertificate(ca.certPem).notAfter;
    expect(firstCertificate(last.certPem).notAfter).toEqual(end);
    expect(renewAt(last.certPem, ca.certPem)).toEqual(end);
    expect(judge({ certPem: last.certPem, keyPem: last.keyPem, now: days(3640) })).toBe('it fits');
  });

  test('is kept by a clock that is suspect, whatever its dates, and not without a name', () => {
    for (const now of [days(366), days(4000), days(-400), days(300)])
      expect(judge({ now, wrongClock: true })).toBe('it fits');
    const more = { ...names, ip: ['10.0.0.6'] };
    expect(judge({ now: days(4000), wrongClock: true, names: more })).toContain('does not name');
  });
});

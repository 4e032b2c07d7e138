import { describe, expect, test } from 'vitest';
import { issueCa, issueServer } from '../../../src/tls/issue.ts';
import { caStillFits, type Fit, renewAt, stillFits } from '../../../src/tls/renewal.ts';
import { days, makeCa, makeServer, NOW } from '../../support/certificates.ts';

const ca = issueCa({ now: NOW, commonName: 'CA' });
const names = { dns: ['localhost'], ip: ['127.0.0.1', '10.0.0.5'] };
const server = issueServer({ ca, names, now: NOW });
const why = (fit: Fit): string => (fit.fits ? 'it fits' : fit.why);
const judge = (
  change: Partial<{ certPem: string; keyPem: string; caPem: string; names: typeof names; now: Date }> = {},
): string => {
  const { certPem, keyPem, ...rest } = { certPem: server.certPem, keyPem: server.keyPem, ...change };
  return why(stillFits(certPem, keyPem, { caPem: ca.certPem, names, now: NOW, ...rest }));
};

describe('the server certificate of the last boot', () => {
  test('is kept when nothing has changed, until two thirds of its life', () => {
    expect(judge()).toBe('it fits');
    expect(judge({ names: { dns: ['LOCALHOST'], ip: ['10.0.0.5', '127.0.0.1'] } })).toBe('it fits');
    const due = renewAt(server.certPem);
    expect(due.getTime()).toBeGreaterThan(days(243).getTime());
    expect(due.getTime()).toBeLessThan(days(244).getTime());
    expect(judge({ now: new Date(due.getTime() - 1) })).toBe('it fits');
    expect(judge({ now: due })).toBe('the server certificate is due for renewal since 2027-09-01 19:59 UTC');
  });

  test('is kept when it names more than is needed', () =>
    expect(judge({ names: { ...names, ip: ['127.0.0.1'] } })).toBe('it fits'));

  test.each([
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
      'the key does not belong to the server certificate',
    ],
    ['is damaged', { certPem: server.certPem.slice(0, 300) }, 'the server certificate cannot be read'],
    [
      'is of another CA',
      { caPem: issueCa({ now: NOW, commonName: 'CA' }).certPem },
      'the server certificate is not signed by the CA',
    ],
    ['has a CA that cannot be read', { caPem: '' }, 'the CA certificate cannot be read'],
  ])('is renewed when it %s', (_when, change, reason) => expect(judge(change)).toBe(reason));

  test('is renewed when the clock was set back before its start, but its CA is valid', () => {
    const later = issueServer({ ca, names, now: days(100) });
    expect(judge({ certPem: later.certPem, keyPem: later.keyPem, now: days(50) })).toBe(
      'the server certificate is valid from 2027-04-11 11:59 UTC only: the clock was set back to 2027-02-20 12:00 UTC',
    );
  });

  test('is kept with a warning about the clock when its CA starts in the future too', () => {
    const fit = stillFits(server.certPem, server.keyPem, { caPem: ca.certPem, names, now: days(-400) });
    expect(fit).toMatchObject({ fits: true, warning: { code: 'clock_off' } });
  });
});

describe('the CA of an earlier boot', () => {
  test('is kept until its last day', () => {
    expect(caStillFits(ca, { now: NOW })).toEqual({ fits: true });
    expect(caStillFits(ca, { now: days(9 * 365) })).toEqual({ fits: true });
    expect(why(caStillFits(ca, { now: days(3660) }))).toBe('the CA expired on 2037-01-01 12:00 UTC');
  });

  test('is kept, with a warning about the clock, when it starts in the future', () => {
    expect(caStillFits(ca, { now: days(-1) })).toMatchObject({ fits: true, warning: { code: 'clock_off' } });
  });

  test('ends when it is damaged, lost its key or is none', () => {
    const other = makeCa();
    const leaf = makeServer({ by: other });
    expect(why(caStillFits({ ...ca, certPem: 'x' }, { now: NOW }))).toBe('the CA certificate cannot be read');
    expect(why(caStillFits({ ...ca, keyPem: other.keyPem }, { now: NOW }))).toBe(
      'the key of the CA does not belong to its certificate',
    );
    expect(why(caStillFits(leaf, { now: NOW }))).toBe('the CA certificate is not a CA');
  });
});

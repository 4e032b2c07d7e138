import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readPem } from '../../../src/core/pem.ts';
import { decodeCaBase64, readCa } from '../../../src/tls/ca.ts';
import { firstCertificate } from '../../../src/tls/texts.ts';
import {
  days,
  fixture,
  makeCa,
  makeServer,
  NOW,
  problemOf,
  secretsIn,
  wordsOf,
} from '../../support/certificates.ts';

const options = { variable: 'FL_SSL_CA_CERTFILE', now: NOW };
const ca = makeCa({ cn: 'Good CA' });
const other = makeCa({ cn: 'Other CA' });
const expired = makeCa({ cn: 'Old CA', from: days(-100), until: days(-1) });
const future = makeCa({ cn: 'New CA', from: days(1), until: days(100) });
const server = makeServer({ by: ca, cn: 'a server' });

describe('a CA', () => {
  test('is read from clean PEM, with subject, end and fingerprint', () => {
    const read = readCa(ca.certPem, options);
    expect(read).toMatchObject({
      caPem: ca.certPem,
      certificates: [{ subject: 'O=flower-context, CN=Good CA', notAfter: days(99) }],
      warnings: [],
    });
    expect(read.fingerprintSha256).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(read.fingerprintSha256).toBe(firstCertificate(ca.certPem).sha256);
  });

  test.each([
    ['CRLF', ca.certPem.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${ca.certPem}`],
    ['indentation and blank lines', `\n\n  ${ca.certPem.replaceAll('\n', '  \n\n   ')}`],
    ['everything on one line', ca.certPem.replaceAll('\n', ' ')],
    ['line ends written as \\n', ca.certPem.replaceAll('\n', '\\n')],
    ['text around it', `Certificate:\n  Data: 1\n${ca.certPem}\nthat was it`],
    ['no final line end', ca.certPem.trim()],
    ['the label of OpenSSL 0.9', ca.certPem.replaceAll('CERTIFICATE', 'X509 CERTIFICATE')],
    ['itself a second time', ca.certPem + ca.certPem],
  ])('is normalized with %s', (_what, text) => expect(readCa(text, options).caPem).toBe(ca.certPem));

  test('may be several', () => {
    expect(readCa(ca.certPem + other.certPem, options)).toMatchObject({
      caPem: ca.certPem + other.certPem,
      warnings: [],
    });
  });

  test('made by OpenSSL is read, an old one without extensions too', () => {
    const subjectOf = (name: string) => readCa(fixture(name), options).certificates[0]!.subject;
    expect(subjectOf('root.pem')).toBe('O=Example Org, CN=Example Root');
    expect(subjectOf('v1-root.pem')).toBe('CN=Old Root');
  });

  test('may be a self-signed server certificate, which vouches for itself', () => {
    const self = makeServer({ cn: 'self' });
    expect(readCa(self.certPem, options).caPem).toBe(self.certPem);
  });

  test('that cannot be used is left out with a warning when there is another', () => {
    const read = readCa(expired.certPem + ca.certPem + server.certPem, options);
    expect(read.caPem).toBe(ca.certPem);
    expect(read.warnings.map(({ code, facts }) => [code, facts.found])).toEqual([
      [
        'config_suspicious',
        expect.stringContaining('O=flower-context, CN=Old CA expired on 2026-12-31 12:00 UTC'),
      ],
      ['config_suspicious', 'O=flower-context, CN=a server is not a CA; ignored'],
    ]);
  });

  test('with its private key beside it is read, with a warning that others have the key', () => {
    const read = readCa(ca.keyPem + ca.certPem, options);
    expect(read.caPem).toBe(ca.certPem);
    expect(read.warnings.map(({ code, facts }) => [code, facts.variable])).toEqual([
      ['config_suspicious', 'FL_SSL_CA_CERTFILE'],
    ]);
    for (const secret of secretsIn(ca.keyPem)) expect(wordsOf(read.warnings[0]!)).not.toContain(secret);
  });
});

describe('what is no usable CA is refused with the reason and a remedy:', () => {
  const publicKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();
  test.each([
    ['nothing', '  \n', 'nothing (it is empty)', 'set FL_SSL_CA_CERTFILE'],
    ['some text', 'hello', 'text without a PEM block', 'base64 -w0'],
    ['a private key', ca.keyPem, 'a private key, not a certificate', 'exchanged'],
    ['a public key', publicKey, 'a PEM block of another kind (PUBLIC KEY)', 'set FL_SSL_CA_CERTFILE'],
    [
      'a request',
      ca.certPem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'),
      'a certificate request',
      'set FL_SSL_CA_CERTFILE',
    ],
    ['base64 of base64', Buffer.from(ca.certPem).toString('base64'), 'base64 of base64', 'once'],
    ['DER', readPem(ca.certPem).blocks[0]!.der.toString('utf8'), 'DER, not PEM', 'openssl x509 -inform der'],
    [
      'a block that was cut off',
      ca.certPem.slice(0, 400),
      'cut off: its END line is missing',
      'set FL_SSL_CA_CERTFILE',
    ],
    [
      'a block cut off before the next',
      ca.certPem.slice(0, 400) + other.certPem,
      'cut off: its END line is missing',
      'set FL_SSL_CA_CERTFILE',
    ],
    [
      'a block with a wrong character',
      ca.certPem.replace(/\nMI/, '\nM*'),
      'not base64',
      'set FL_SSL_CA_CERTFILE',
    ],
    [
      'a block without a certificate inside',
      ca.certPem.replace(/\nMI/, '\nMJ'),
      'holds no X.509 certificate',
      'set FL_SSL_CA_CERTFILE',
    ],
    [
      'a server certificate',
      server.certPem,
      'CN=a server is not a CA',
      'use the certificate of the CA that issued it, O=flower-context, CN=Good CA',
    ],
    [
      'an expired CA',
      expired.certPem,
      "expired on 2026-12-31 12:00 UTC; this VM's clock: 2027-01-01 12:00 UTC",
      'have it issued again',
    ],
    ['a CA of the future', future.certPem, 'is not valid before 2027-01-02 12:00 UTC', 'check the clock'],
    ['a megabyte', ca.certPem + ' '.repeat(1_000_000), 'a text of', 'set FL_SSL_CA_CERTFILE'],
    ['hundreds of certificates', ca.certPem.repeat(301), '301 certificates', 'set FL_SSL_CA_CERTFILE'],
  ])('%s', (_what, text, found, remedy) => {
    const problem = problemOf(() => readCa(text, options));
    expect(problem.code).toBe('ca_invalid');
    expect(problem.facts.variable).toBe('FL_SSL_CA_CERTFILE');
    expect(problem.facts.found).toContain(found);
    if (problem.facts.remedy !== undefined) expect(problem.facts.remedy).toContain(remedy);
    else expect(remedy).toBe('set FL_SSL_CA_CERTFILE'); // the catalogue's
    for (const secret of secretsIn(ca.keyPem)) expect(wordsOf(problem)).not.toContain(secret);
  });

  test('several at once, each named', () => {
    const problem = problemOf(() => readCa(expired.certPem + server.certPem, options));
    expect(problem.all.map(({ facts }) => facts.found)).toEqual([
      expect.stringContaining('CN=Old CA expired'),
      expect.stringContaining('CN=a server is not a CA'),
    ]);
  });
});

describe('base64 from OneGate', () => {
  const base64 = Buffer.from(ca.certPem).toString('base64');

  test.each([
    ['plain', base64],
    ['without padding', base64.replace(/=+$/, '')],
    ['with line ends', base64.replace(/(.{64})/g, '$1\n')],
    ['in the URL alphabet', base64.replaceAll('+', '-').replaceAll('/', '_')],
    ['not encoded at all', ca.certPem],
  ])('is decoded: %s', (_how, value) => expect(decodeCaBase64(value, 'OneGate')).toBe(ca.certPem));

  test.each(['', '-', '   ', 'not base64!', 'abcde'])('%j is refused, saying where it was found', (value) => {
    const problem = problemOf(() => decodeCaBase64(value, 'FL_CA_CERT on OneGate'));
    expect(problem.code).toBe('ca_invalid');
    expect(problem.facts.doing).toContain('FL_CA_CERT on OneGate');
  });
});

test('a certificate is described for reports, also one that OpenSSL made', () => {
  expect(firstCertificate(fixture('server.pem'))).toMatchObject({
    subject: 'O=Example Org, CN=superlink.example.org',
    issuer: 'O=Example Org, CN=Example Intermediate',
    sans: ['DNS:superlink.example.org', 'DNS:*.fl.example.org', 'IP:203.0.113.7', 'IP:2001:db8::7'],
    notBefore: new Date('2026-11-21T07:02:19Z'),
    notAfter: expect.any(Date),
    sha256: expect.stringMatching(/^([0-9A-F]{2}:){31}/),
    isCa: false,
    keyType: 'RSA 2048',
  });
});

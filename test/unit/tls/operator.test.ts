import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type OperatorTexts, takeOperatorCertificates } from '../../../src/tls/operator.ts';
import { extension } from '../../../src/tls/x509-write.ts';
import {
  clientAuth,
  days,
  fixture,
  keyEnciphermentOnly,
  type Made,
  make,
  makeCa,
  makeServer,
  NOW,
  problemOf,
  secretsIn,
  wordsOf,
} from '../../support/certificates.ts';

const root = makeCa({ cn: 'Root' });
const middle = makeCa({ cn: 'Middle', by: root, pathLength: 0 });
const other = makeCa({ cn: 'Other' });
const plain = makeServer({ by: root, cn: 'plain' });
const deep = makeServer({ by: middle, cn: 'deep' });

const ADDRESSES = ['10.0.0.5'];
const take = (
  texts: OperatorTexts,
  addresses: readonly string[] = ADDRESSES,
  dialNames: readonly string[] = [],
  now = NOW,
) => takeOperatorCertificates(texts, { now, addresses, dialNames });
const of = (made: Made, ca: Made, chain: readonly Made[] = []): OperatorTexts => ({
  caPem: ca.certPem,
  certPem: [made, ...chain].map(({ certPem }) => certPem).join(''),
  keyPem: made.keyPem,
});
const refusal = (texts: OperatorTexts, ...rest: [(readonly string[])?, (readonly string[])?, Date?]) =>
  problemOf(() => take(texts, ...rest)).all.map(
    ({ code, facts }) => `${code} ${facts.variable}: ${facts.found}`,
  );

describe("an operator's certificates are taken", () => {
  test('when they belong together and name an address that SuperNodes dial', () => {
    expect(take(of(plain, root))).toMatchObject({
      caPem: root.certPem,
      certPem: plain.certPem,
      keyPem: plain.keyPem,
      dialable: ['10.0.0.5'],
      notAfter: days(99),
      warnings: [],
    });
  });

  test('with a chain in any order, cleaned to what the server has to send', () => {
    const expected = deep.certPem + middle.certPem;
    expect(take(of(deep, root, [middle])).certPem).toBe(expected);
    expect(take({ ...of(deep, root), certPem: middle.certPem + deep.certPem }).certPem).toBe(expected);
    expect(
      take({ ...of(deep, root), certPem: root.certPem + other.certPem + middle.certPem + deep.certPem })
        .certPem,
    ).toBe(expected);
  });

  test('when only an intermediate is trusted, or stands in the CA file', () => {
    expect(take(of(deep, middle)).certPem).toBe(deep.certPem);
    expect(take({ ...of(deep, root), caPem: other.certPem + middle.certPem + root.certPem }).certPem).toBe(
      deep.certPem,
    );
  });

  test('with several CAs in the CA file, all of which are kept', () => {
    expect(take({ ...of(plain, root), caPem: other.certPem + root.certPem }).caPem).toBe(
      other.certPem + root.certPem,
    );
  });

  test('when the certificate is self-signed and its own CA, called a CA or not', () => {
    const self = makeServer({ cn: 'self' });
    expect(take(of(self, self))).toMatchObject({ caPem: self.certPem, certPem: self.certPem });
  });

  test('as OpenSSL writes them: text, RSA, PKCS#1, an intermediate', () => {
    const taken = take(
      {
        caPem: fixture('root.pem'),
        certPem: fixture('server.pem') + fixture('intermediate.pem'),
        keyPem: fixture('server.pkcs1.key'),
      },
      ['203.0.113.7', '2001:db8::7'],
    );
    expect(taken.certPem.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(2);
    expect(taken.certPem).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    expect(taken.keyPem).toBe(fixture('server.pkcs8.key'));
    expect(taken.warnings).toEqual([]);
  });

  test('self-signed with SHA-1, because the signature of a trusted certificate is not checked', () => {
    const [certPem, keyPem] = [fixture('self-sha1.pem'), fixture('self-sha1.key')];
    expect(take({ caPem: certPem, certPem, keyPem }, ['203.0.113.7']).dialable).toEqual(['203.0.113.7']);
  });

  test('when it is not known yet what SuperNodes dial', () => {
    expect(take(of(plain, root), [])).toMatchObject({ dialable: [], warnings: [] });
  });

  test('under a root from before there were extensions, with a SEC1 key', () => {
    const texts = {
      caPem: fixture('v1-root.pem'),
      certPem: fixture('ec.pem'),
      keyPem: fixture('ec.sec1.key'),
    };
    expect(take(texts, ['203.0.113.7']).dialable).toEqual(['203.0.113.7']);
  });

  test('when a name that SuperNodes dial is covered, and says which addresses are not', () => {
    const named = makeServer({ by: root, ip: [], dns: ['*.example.org'] });
    const taken = take(of(named, root), ADDRESSES, ['super.example.org']);
    expect(taken.dialable).toEqual(['super.example.org']);
    expect(taken.warnings.map(({ code, facts }) => `${code}: ${facts.found}`)).toEqual([
      'config_suspicious: O=flower-context, CN=server does not name 10.0.0.5',
    ]);
  });

  test('with a warning when they end within a month', () => {
    expect(take(of(plain, root), ADDRESSES, [], days(75)).warnings.map(({ facts }) => facts.found)).toEqual([
      'O=flower-context, CN=plain expires on 2027-04-10 12:00 UTC',
    ]);
  });

  test('with a warning when a private key stands beside the certificate', () => {
    const { certPem, warnings } = take({ ...of(plain, root), certPem: plain.keyPem + plain.certPem });
    expect(certPem).toBe(plain.certPem);
    expect(warnings.map(({ facts }) => facts.variable)).toEqual(['FL_SSL_CERTFILE']);
  });
});

describe("an operator's certificates are refused", () => {
  test('when the key is of another certificate', () => {
    expect(refusal({ ...of(plain, root), keyPem: deep.keyPem })).toEqual([
      'tls_setup_failed FL_SSL_KEYFILE: the key in FL_SSL_KEYFILE does not belong to O=flower-context, CN=plain',
    ]);
  });

  test('when certificate and key were exchanged, both named', () => {
    expect(refusal({ caPem: root.certPem, certPem: plain.keyPem, keyPem: plain.certPem })).toEqual([
      'tls_setup_failed FL_SSL_KEYFILE: a certificate, not a private key',
      'tls_setup_failed FL_SSL_CERTFILE: a private key, not a certificate',
    ]);
  });

  test('when the chain lacks a link, naming it', () => {
    expect(refusal(of(deep, root))).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=deep is signed by O=flower-context, CN=Middle, and its certificate is missing',
    ]);
    expect(refusal(of(deep, other, [middle]))).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=Middle is signed by O=flower-context, CN=Root, and its certificate is missing',
    ]);
  });

  test('when the CA has the right name and another key', () => {
    expect(refusal(of(plain, makeCa({ cn: 'Root' })))).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=plain is signed by O=flower-context, CN=Root, but the given certificate of that name has another key',
    ]);
  });

  test('when they are self-signed and another CA is given', () => {
    expect(refusal(of(makeServer({ cn: 'self' }), root))).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=self is self-signed and not among the trusted CAs',
    ]);
  });

  test('when a link of the chain is no CA, is not allowed to be one, or has expired', () => {
    const noCa = makeServer({ by: root, cn: 'no CA' });
    const limited = makeCa({ cn: 'Limited', by: root, pathLength: 0 });
    const below = makeCa({ cn: 'Below', by: limited });
    const old = makeCa({ cn: 'Old', by: root, from: days(-9), until: days(-2) });
    expect(refusal(of(makeServer({ by: noCa }), root, [noCa]))).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=server is signed by O=flower-context, CN=no CA, which is not a CA',
    ]);
    expect(refusal(of(makeServer({ by: below }), root, [below, limited]))).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=Limited allows 0 CAs below it, and there are 1',
    ]);
    expect(refusal(of(makeServer({ by: old }), root, [old]))).toEqual([
      "tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=Old expired on 2026-12-30 12:00 UTC; this VM's clock: 2027-01-01 12:00 UTC",
    ]);
  });

  test('when the certificate says that another key of its issuer signed it', () => {
    const id = extension.authorityKeyIdentifier(Buffer.alloc(20, 7));
    expect(refusal(of(makeServer({ by: root, extra: [id] }), root))).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=server names another issuer than O=flower-context, CN=Root (authorityKeyIdentifier)',
    ]);
  });

  test('when they have expired or are not valid yet, with both dates', () => {
    expect(refusal(of(makeServer({ by: root, until: days(-0.5) }), root))).toEqual([
      "tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=server expired on 2027-01-01 00:00 UTC; this VM's clock: 2027-01-01 12:00 UTC",
    ]);
    expect(refusal(of(makeServer({ by: root, from: days(1) }), root))).toEqual([
      "tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=server is not valid before 2027-01-02 12:00 UTC; this VM's clock: 2027-01-01 12:00 UTC",
    ]);
  });

  test('when they are not for servers', () => {
    expect(refusal(of(makeServer({ by: root, extra: [clientAuth()] }), root))).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=server may not be used by a server (extendedKeyUsage without serverAuth)',
    ]);
    expect(refusal(of(makeServer({ by: root, extra: [keyEnciphermentOnly()] }), root))).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=flower-context, CN=server may not sign a TLS handshake (keyUsage without digitalSignature)',
    ]);
  });

  test('when the signature can be forged', () => {
    const texts = {
      caPem: fixture('root.pem'),
      certPem: fixture('server-sha1.pem') + fixture('intermediate.pem'),
      keyPem: fixture('server.pkcs8.key'),
    };
    expect(refusal(texts, ['203.0.113.7'])).toEqual([
      'tls_setup_failed FL_SSL_CERTFILE: O=Example Org, CN=superlink.example.org is signed with SHA-1, which can be forged',
    ]);
  });

  test('when the curve of the key is written out, in key and certificate', () => {
    const texts = {
      caPem: fixture('v1-root.pem'),
      certPem: fixture('ec-explicit.pem'),
      keyPem: fixture('ec-explicit.key'),
    };
    expect(refusal(texts, ['203.0.113.7'])).toEqual([
      'tls_setup_failed FL_SSL_KEYFILE: an EC key with explicit curve parameters',
      'tls_setup_failed FL_SSL_CERTFILE: the key of CN=explicit is an EC key with explicit curve parameters',
    ]);
  });

  test('when they name no address at all', () => {
    const cnOnly = make({ by: root, cn: '10.0.0.5' });
    const problem = problemOf(() => take(of(cnOnly, root)));
    expect(problem.facts.found).toContain('has no subjectAltName');
    expect(problem.facts.remedy).toContain('IP:10.0.0.5');
  });

  test('when no address that SuperNodes dial is named, with what is named and what would be needed', () => {
    const problem = problemOf(() => take(of(plain, root), ['10.0.0.6', 'fd00::6'], ['super.example.org']));
    expect(problem.code).toBe('address_not_in_certificate');
    expect(problem.facts.found).toBe(
      'it names IP:10.0.0.5, but SuperNodes connect to 10.0.0.6, fd00::6, super.example.org',
    );
    expect(problem.facts.remedy).toContain('IP:10.0.0.6, IP:fd00::6, DNS:super.example.org');
    expect(problem.facts.remedy).toContain('FL_CERT_EXTRA_SAN changes only certificates of the agent');
  });

  test('with all reasons at once', () => {
    const bad = makeServer({ by: other, cn: 'bad', until: days(-0.5), extra: [clientAuth()] });
    const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey;
    const keyPem = p521.export({ type: 'pkcs8', format: 'pem' }).toString();
    const problem = problemOf(() => take({ caPem: 'nonsense', certPem: bad.certPem, keyPem }, ['10.0.0.6']));
    expect(problem.all.map(({ code, facts }) => `${code} ${facts.variable}`)).toEqual([
      'tls_setup_failed FL_SSL_CA_CERTFILE',
      'tls_setup_failed FL_SSL_KEYFILE',
      'tls_setup_failed FL_SSL_CERTFILE',
      'tls_setup_failed FL_SSL_CERTFILE',
      'address_not_in_certificate FL_SSL_CERTFILE',
    ]);
    for (const secret of secretsIn(keyPem)) expect(wordsOf(problem)).not.toContain(secret);
  });
});

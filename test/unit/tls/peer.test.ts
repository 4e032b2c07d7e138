import { describe, expect, test } from 'vitest';
import { pemOf } from '../../../src/core/pem.ts';
import { issueCa, issueServer } from '../../../src/tls/issue.ts';
import { explainPeer, type PeerFacts } from '../../../src/tls/peer.ts';
import {
  clientAuth,
  days,
  fixture,
  keyEnciphermentOnly,
  mailAddress,
  make,
  makeCa,
  makeServer,
  NOW,
} from '../../support/certificates.ts';

const ca = issueCa({ now: NOW, commonName: 'CA of the SuperLink' });
const server = issueServer({
  ca,
  names: { dns: ['localhost', 'super.example.org'], ip: ['10.0.0.5', 'fd00::5'] },
  now: NOW,
});
const explain = (facts: Partial<PeerFacts>) =>
  explainPeer({ chainPem: server.certPem, caPem: ca.certPem, host: '10.0.0.5', now: NOW, ...facts });
const codes = (facts: Partial<PeerFacts>) => explain(facts)?.all.map(({ code }) => code);
const short = (certPem: string): string => expect.stringContaining(certPem) as unknown as string;

describe('a SuperLink is accepted', () => {
  test.each(['10.0.0.5', 'fd00::5', 'FD00:0::5', 'super.example.org', 'localhost'])(
    'at %s, which its certificate names',
    (host) => expect(explain({ host })).toBeUndefined(),
  );

  test('when it sends its CA, too', () =>
    expect(explain({ chainPem: server.certPem + ca.certPem })).toBeUndefined());

  test('with a chain, with its own CA among several, and self-signed', () => {
    const root = makeCa({ cn: 'Root' });
    const middle = makeCa({ cn: 'Middle', by: root });
    const deep = makeServer({ by: middle });
    expect(
      explain({ chainPem: deep.certPem + middle.certPem, caPem: ca.certPem + root.certPem }),
    ).toBeUndefined();
    expect(explain({ chainPem: deep.certPem, caPem: middle.certPem })).toBeUndefined();
    const self = makeServer({ cn: 'self' });
    expect(explain({ chainPem: self.certPem, caPem: self.certPem })).toBeUndefined();
    expect(
      explain({ chainPem: fixture('ec.pem'), caPem: fixture('v1-root.pem'), host: '203.0.113.7' }),
    ).toBeUndefined();
  });
});

describe('what a client would refuse is explained:', () => {
  test('another CA, with both subjects and fingerprints', () => {
    const other = issueCa({ now: NOW, commonName: 'another CA' });
    const problem = explain({ caPem: other.certPem })!;
    expect(problem.all.map(({ code }) => code)).toEqual(['ca_mismatch']);
    expect(problem.facts.found).toMatch(
      /^it sends O=flower-context, CN=super\.example\.org \(SHA-256 ([0-9A-F]{2}:){7}[0-9A-F]{2}\.\.\.\), signed by O=flower-context, CN=CA of the SuperLink; this node trusts O=flower-context, CN=another CA \(SHA-256 ([0-9A-F]{2}:){7}[0-9A-F]{2}\.\.\.\)$/,
    );
  });

  test('a new CA of the same name', () => {
    const renewed = issueCa({ now: NOW, commonName: 'CA of the SuperLink' });
    expect(explain({ caPem: renewed.certPem })?.facts.found).toContain(
      'same name, another key: the SuperLink has a new CA',
    );
  });

  test('a self-signed certificate of its own', () => {
    const problem = explain({ chainPem: makeServer({ cn: 'self' }).certPem })!;
    expect(problem.code).toBe('ca_mismatch');
    expect(problem.facts.found).toContain('CN=self (SHA-256 ');
    expect(problem.facts.found).toContain('which is self-signed');
  });

  test('a chain that ends elsewhere, and where', () => {
    const root = makeCa({ cn: 'Root' });
    const middle = makeCa({ cn: 'Middle', by: root });
    const problem = explain({ chainPem: makeServer({ by: middle }).certPem + middle.certPem })!;
    expect(problem.facts.found).toMatch(
      /its chain ends at O=flower-context, CN=Middle \(.*\), signed by O=flower-context, CN=Root; this node trusts/,
    );
  });

  test('an issuer that is no CA', () => {
    const noCa = makeServer({ cn: 'no CA' });
    const problem = explain({ chainPem: makeServer({ by: noCa }).certPem, caPem: noCa.certPem })!;
    expect([problem.code, problem.facts.found]).toEqual([
      'tls_setup_failed',
      short('CN=no CA, which is not a CA'),
    ]);
  });

  test('an address that is not named, with the line to paste', () => {
    const problem = explain({ host: '203.0.113.7' })!;
    expect(problem.code).toBe('address_not_in_certificate');
    expect(problem.facts).toMatchObject({
      found:
        'it does not name 203.0.113.7; it names DNS:localhost, DNS:super.example.org, IP:10.0.0.5, IP:fd00::5',
      example: 'FL_CERT_EXTRA_SAN="IP:203.0.113.7"',
      variable: 'FL_CERT_EXTRA_SAN',
    });
    expect(problem.facts.remedy).toContain('on the SuperLink set FL_CERT_EXTRA_SAN="IP:203.0.113.7"');
    expect(explain({ host: 'fd00::6' })?.facts.example).toBe('FL_CERT_EXTRA_SAN="IP:fd00::6"');
    expect(explain({ host: 'sl.example.org' })?.facts.example).toBe('FL_CERT_EXTRA_SAN="DNS:sl.example.org"');
  });

  test("an address that an operator's certificate does not name, which no FL_CERT_EXTRA_SAN can change", () => {
    const chain = fixture('server.pem') + fixture('intermediate.pem');
    const problem = explain({ chainPem: chain, caPem: fixture('root.pem') })!;
    expect(problem.code).toBe('address_not_in_certificate');
    expect(problem.facts.example).toBeUndefined();
    expect(problem.facts.remedy).toContain('have the certificate issued again with IP:10.0.0.5');
  });

  // As gRPC does, when it really dials (test/federation/tls-agreement.test.ts).
  describe('a certificate without subjectAltName', () => {
    const root = makeCa();
    const named = (cn: string, host: string) =>
      explain({ chainPem: make({ by: root, cn }).certPem, caPem: root.certPem, host });

    test.each([
      ['super.example.org', 'super.example.org'],
      ['SUPER.example.org.', 'super.example.org'],
      ['*.example.org', 'super.example.org'],
      ['localhost', 'localhost'],
      ['10.0.0.5.example.org', '10.0.0.5.example.org'],
      ['fd00::5', 'fd00::5'],
      ['FD00::5', 'fd00::5'],
      ['2a00::5', '2a00::5'],
    ])('with CN=%s is accepted at %s', (cn, host) => expect(named(cn, host)).toBeUndefined());

    test.each([
      ['super.example.org', 'other.example.org'],
      ['*.org', 'example.org'],
      ['10.0.0.5', '10.0.0.5'],
      ['127.0.0.1', '127.0.0.1'],
      ['::1', '::1'],
      ['2001:db8::5', '2001:db8::5'],
      ['::ffff:10.0.0.6', '::ffff:10.0.0.6'],
      ['fd00:0:0::5', 'fd00::5'],
      ['fd00::6', 'fd00::5'],
    ])('with CN=%s is refused at %s', (cn, host) =>
      expect(named(cn, host)?.facts.found).toBe(`it does not name ${host}; it names none`),
    );

    test('has one when that is of another kind, and then the CN does not count', () => {
      const cn = 'super.example.org';
      const byMail = make({ by: root, cn, extensions: [mailAddress('a@example.org')] });
      expect(codes({ chainPem: byMail.certPem, caPem: root.certPem, host: cn })).toEqual([
        'address_not_in_certificate',
      ]);
      const byAddress = makeServer({ by: root, cn });
      expect(codes({ chainPem: byAddress.certPem, caPem: root.certPem, host: cn })).toEqual([
        'address_not_in_certificate',
      ]);
    });

    test('is one with an empty subjectAltName, too', () => {
      const empty = makeServer({ by: root, cn: 'super.example.org', ip: [] });
      expect(
        explain({ chainPem: empty.certPem, caPem: root.certPem, host: 'super.example.org' }),
      ).toBeUndefined();
    });
  });

  test('dates, with the clock', () => {
    const expired = explain({ now: days(366) })!;
    expect(expired.code).toBe('tls_setup_failed');
    expect(expired.facts.found).toContain(
      "expired on 2028-01-01 12:00 UTC; this VM's clock: 2028-01-02 12:00 UTC",
    );
    const root = makeCa({ from: days(-9) });
    const early = explain({
      chainPem: makeServer({ by: root, from: days(1) }).certPem,
      caPem: root.certPem,
    })!;
    expect(early.facts.found).toContain('is not valid before 2027-01-02 12:00 UTC');
    expect(early.facts.remedy).toContain('timedatectl set-ntp true');
  });

  test('a CA that has expired, or cannot be read', () => {
    expect(explain({ caPem: makeCa({ from: days(-9), until: days(-1) }).certPem })?.code).toBe('ca_invalid');
    expect(explain({ caPem: '' })?.code).toBe('ca_invalid');
  });

  test('a certificate that is not for servers', () => {
    const root = makeCa();
    for (const extra of [clientAuth(), keyEnciphermentOnly()]) {
      expect(
        codes({ chainPem: makeServer({ by: root, extra: [extra] }).certPem, caPem: root.certPem }),
      ).toEqual(['tls_setup_failed']);
    }
  });

  test('all reasons at once, the CA first', () => {
    const other = makeCa();
    const bad = makeServer({ until: days(-0.5), by: other });
    expect(codes({ chainPem: bad.certPem, host: 'fd00::9' })).toEqual([
      'ca_mismatch',
      'tls_setup_failed',
      'address_not_in_certificate',
    ]);
  });

  test.each(['', 'nonsense', pemOf('CERTIFICATE', Buffer.from([0x30, 0x03, 1, 2, 3]))])(
    'nothing readable: %j',
    (chainPem) => expect(codes({ chainPem })).toEqual(['tls_setup_failed']),
  );
});

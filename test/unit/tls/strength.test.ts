// Weak keys and signatures are refused in every certificate of a path, with its name, the key and what is expected.
// test/federation/tls-agreement.test.ts asks Flower's own gRPC about the same kinds.
import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readCa } from '../../../src/tls/ca.ts';
import { takeOperatorCertificates } from '../../../src/tls/operator.ts';
import { explainPeer } from '../../../src/tls/peer.ts';
import { weakKey } from '../../../src/tls/strength.ts';
import { trustDecision } from '../../../src/tls/trust.ts';
import { chainWith, keyOf, makeCa, makeServer, NOW, problemOf } from '../../support/certificates.ts';

const WEAK = [
  ['rsa 512', 'an RSA key of 512 bits'],
  ['rsa 1024', 'an RSA key of 1024 bits'],
  ['rsa 2047', 'an RSA key of 2047 bits'],
  ['secp256k1', 'EC secp256k1'],
  ['brainpoolP256r1', 'EC brainpoolP256r1'],
  ['prime192v1', 'EC prime192v1'],
  ['ed448', 'ED448'],
] as const;
const ONLY_AS_SERVER = [
  ['P-521', 'EC P-521'],
  ['secp224r1', 'EC P-224'],
  ['ed25519', 'ED25519'],
] as const;
const FIT = ['rsa 2048', 'rsa 3072', 'rsa 2048 e=3', 'P-256', 'P-384'];
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const texts = ({ ca, intermediate, server }: ReturnType<typeof chainWith>) => ({
  caPem: ca.certPem,
  certPem: server.certPem + intermediate.certPem,
  keyPem: server.keyPem,
});
const operator = (kind: string, at: 'CA' | 'intermediate' | 'server') => () =>
  takeOperatorCertificates(texts(chainWith(kind, at)), { now: NOW, addresses: ['10.0.0.5'] });
const peer = (kind: string, at: 'CA' | 'intermediate' | 'server') => {
  const { caPem, certPem } = texts(chainWith(kind, at));
  return explainPeer({ chainPem: certPem, caPem, host: '10.0.0.5', now: NOW });
};
const words = (problem: { all: readonly { message: string; facts: { expected?: string } }[] }): string =>
  problem.all.map(({ message, facts }) => `${message}; ${facts.expected ?? ''}`).join('\n');

describe.each(WEAK)('a key of kind %s is refused', (kind, named) => {
  const issuers = ['CA', 'intermediate'] as const;
  test.each(issuers)('in the %s of an operator', (at) => {
    const said = words(problemOf(operator(kind, at)));
    expect(said).toContain(`CN=Key ${at}`);
    expect(said).toContain(named);
    expect(said).toContain('an RSA key of 2048 bits or more');
  });

  test.each(issuers)('in the %s of a SuperLink', (at) => {
    const said = words(peer(kind, at)!);
    expect(said).toContain(`CN=Key ${at}`);
    expect(said).toContain(named);
  });

  test('in the server certificate of either', () => {
    expect(words(problemOf(operator(kind, 'server')))).toContain(named);
    expect(words(peer(kind, 'server')!)).toContain(named);
  });

  test('in a CA that is pinned, and in one from OneGate', () => {
    const { certPem } = makeCa({ key: keyOf(kind) });
    const pinned = problemOf(() =>
      trustDecision({ tlsEnabled: undefined, mode: 'static', pinnedCaPem: certPem, now: NOW }),
    );
    expect([pinned.code, pinned.facts.variable]).toEqual(['ca_invalid', 'FL_SSL_CA_CERTFILE']);
    const published = { tls: 'YES', caCert: base64(certPem) } as const;
    const found = problemOf(() =>
      trustDecision({ tlsEnabled: undefined, mode: 'discovery', published, now: NOW }),
    );
    expect(found.code).toBe('ca_invalid');
    expect(words(found)).toContain(named);
  });
});

describe.each(ONLY_AS_SERVER)('a key of kind %s', (kind, named) => {
  test('is fit for a CA and an intermediate, and gRPC cannot serve with it', () => {
    for (const at of ['CA', 'intermediate'] as const) {
      expect(operator(kind, at)().certPem).toContain('BEGIN');
      expect(peer(kind, at)).toBeUndefined();
    }
    expect(words(problemOf(operator(kind, 'server')))).toContain(named);
    expect(words(peer(kind, 'server')!)).toContain(named);
  });
});

test.each(FIT)('a key of kind %s is fit everywhere', (kind) => {
  for (const at of ['CA', 'intermediate', 'server'] as const) {
    expect(operator(kind, at)().certPem).toContain('BEGIN');
    expect(peer(kind, at)).toBeUndefined();
  }
});

test('an RSA-PSS key is refused', () => {
  for (const use of ['server', 'issuer'] as const)
    expect(weakKey(keyOf('rsa-pss 2048'), use)).toContain('RSA-PSS 2048');
});

test('the public exponent 1 is refused', () => {
  const { n } = keyOf('rsa 2048').export({ format: 'jwk' });
  const key = createPublicKey({ key: { kty: 'RSA', n: n!, e: 'AQ' }, format: 'jwk' });
  expect(weakKey(key, 'issuer')).toBe('an RSA key with the public exponent 1');
});

test.each([
  ['md5', 'rsa 2048', 'MD5, which can be forged'],
  ['sha1', 'rsa 2048', 'SHA-1, which can be forged'],
  ['sha1', 'P-256', 'SHA-1, which can be forged'],
  ['sha3-256', 'P-256', 'an algorithm that gRPC does not verify (2.16.840.1.101.3.4.3.10)'],
] as const)('a signature with %s and %s is refused, own or foreign', (digest, kind, said) => {
  const ca = makeCa({ key: keyOf(kind) });
  const server = makeServer({ by: ca, digest });
  const facts = { chainPem: server.certPem, caPem: ca.certPem, host: '10.0.0.5', now: NOW };
  expect(explainPeer(facts)?.facts.found).toBe(`O=flower-context, CN=server is signed with ${said}`);
  const own = { caPem: ca.certPem, certPem: server.certPem, keyPem: server.keyPem };
  expect(problemOf(() => takeOperatorCertificates(own, { now: NOW, addresses: [] })).facts.found).toContain(
    said,
  );
});

test('a weak CA among several is ignored and reported', () => {
  const weak = makeCa({ cn: 'Weak', key: keyOf('rsa 1024') });
  const good = makeCa({ cn: 'Good' });
  const ca = readCa(weak.certPem + good.certPem, { variable: 'FL_SSL_CA_CERTFILE', now: NOW });
  expect(ca.caPem).toBe(good.certPem);
  expect(ca.warnings.map(({ facts }) => facts.found)).toEqual([
    'the key of O=flower-context, CN=Weak is an RSA key of 1024 bits; ignored',
  ]);
});

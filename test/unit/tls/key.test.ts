import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readServerKey } from '../../../src/tls/key.ts';
import { fixture, problemOf, wordsOf } from '../../support/certificates.ts';

const take = (text: string): string => readServerKey(text, 'FL_SSL_KEYFILE').keyPem;
const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = (modulusLength: number): KeyObject => generateKeyPairSync('rsa', { modulusLength }).privateKey;

describe("the server's key", () => {
  test.each(['server.pkcs1.key', 'server.pkcs8.key'])('is the same PKCS#8 key from %s', (name) => {
    expect(take(fixture(name))).toBe(fixture('server.pkcs8.key'));
  });

  test('is read from SEC1 with EC PARAMETERS before it', () => {
    expect(take(fixture('ec.sec1.key'))).toBe(pkcs8(createPrivateKey(fixture('ec.sec1.key'))));
  });

  test.each([
    ['CRLF', (pem: string) => pem.replaceAll('\n', '\r\n')],
    ['a byte order mark', (pem: string) => `\ufeff${pem}`],
    ['blanks around every line', (pem: string) => pem.replaceAll('\n', ' \n\t')],
    ['everything on one line', (pem: string) => pem.replaceAll('\n', ' ')],
    ['its certificate beside it', (pem: string) => fixture('server.pem') + pem],
  ])('is normalized with %s', (_what, spoil) => {
    expect(take(spoil(fixture('server.pkcs1.key')))).toBe(fixture('server.pkcs8.key'));
  });

  test('may be RSA from 2048 bits on, or EC on P-256 or P-384', () => {
    for (const key of [rsa(2048), ec('P-256'), ec('P-384')]) expect(take(pkcs8(key))).toBe(pkcs8(key));
  });
});

describe('a key that gRPC cannot serve with is refused before Flower is started:', () => {
  test.each([
    ['P-521', () => ec('P-521'), 'EC P-521'],
    ['P-224', () => ec('secp224r1'), 'EC P-224'],
    ['secp256k1', () => ec('secp256k1'), 'EC secp256k1'],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey, 'ED25519'],
    ['RSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey, 'RSA-PSS 2048'],
    ['X25519', () => generateKeyPairSync('x25519').privateKey, 'X25519'],
    ['short RSA', () => rsa(1024), 'an RSA key of 1024 bits'],
  ])('%s', (_kind, key, found) => {
    const problem = problemOf(() => take(pkcs8(key())));
    expect(problem.code).toBe('tls_setup_failed');
    expect(problem.facts.found).toContain(found);
    expect(problem.facts.expected).toContain('P-256 or P-384');
    expect(problem.facts.remedy).toContain('openssl');
  });

  test('a curve that is written out instead of named', () => {
    const problem = problemOf(() => take(fixture('ec-explicit.key')));
    expect(problem.facts.found).toBe('an EC key with explicit curve parameters');
    expect(problem.facts.remedy).toContain('-ec_param_enc named_curve');
  });
});

describe('what is no readable key is refused with the reason:', () => {
  test.each([
    [
      'an encrypted key',
      fixture('server.encrypted.key'),
      'encrypted with a passphrase',
      'openssl pkey -in KEY -out plain.key',
    ],
    [
      'a key encrypted in the old way',
      fixture('server.encrypted-pkcs1.key'),
      'encrypted with a passphrase',
      'openssl pkey',
    ],
    ['a certificate', fixture('server.pem'), 'a certificate, not a private key', 'exchanged'],
    [
      'two keys',
      fixture('server.pkcs1.key') + fixture('ec.sec1.key'),
      '2 private keys',
      'only the key of the server',
    ],
    [
      'an OpenSSH key',
      fixture('server.pkcs8.key').replaceAll('PRIVATE', 'OPENSSH PRIVATE'),
      'in the OpenSSH format',
      'ssh-keygen -p',
    ],
    ['a damaged key', fixture('server.pkcs8.key').replace(/\n.{20}/, '\n'), 'no valid private key', 'export'],
    ['half a key', fixture('server.pkcs8.key').slice(0, 500), 'cut off', ''],
    ['nothing', '', 'nothing (it is empty)', ''],
  ])('%s', (_what, text, found, remedy) => {
    const problem = problemOf(() => take(text));
    expect(problem.code).toBe('tls_setup_failed');
    expect(problem.facts.variable).toBe('FL_SSL_KEYFILE');
    expect(problem.facts.found).toContain(found);
    expect(problem.facts.remedy ?? '').toContain(remedy);
  });

  test('without any character of the key', () => {
    const body = fixture('server.pkcs8.key').split('\n').slice(1, -2);
    for (const spoiled of [
      body.join('\n'),
      fixture('server.pkcs8.key').slice(0, 700),
      fixture('server.pkcs8.key').replace(/\n.{20}/, '\n'),
    ]) {
      const problem = problemOf(() => take(spoiled));
      for (const line of body)
        expect(wordsOf(problem) + String(problem.stack)).not.toContain(line.slice(20, 40));
      expect(problem.cause).toBeUndefined();
    }
  });
});

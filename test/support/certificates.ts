// Certificates for tests: the ones OpenSSL made (certs/made-with.txt), and any oddity on demand.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '../../src/core/problem.ts';
import {
  type Asn1Node,
  bits,
  boolean,
  encode,
  implicit,
  integer,
  octets,
  oid,
  sequence,
} from '../../src/tls/der.ts';
import { type SubjectNames, uniqueNames } from '../../src/tls/names.ts';
import { distinguishedName, extension, keyIdentifier, writeCertificate } from '../../src/tls/x509-write.ts';

/** Text of a file in test/support/certs. */
export const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'certs', name), 'utf8');

export const NOW = new Date('2027-01-01T12:00:00Z');
export const days = (count: number): Date => new Date(NOW.getTime() + count * 86_400_000);

export interface Made {
  readonly certPem: string;
  readonly keyPem: string;
  readonly name: Asn1Node;
  readonly key: KeyObject;
}

export interface CertificateOptions {
  readonly cn?: string;
  /** Self-signed when left out. */
  readonly by?: Made;
  readonly from?: Date;
  readonly until?: Date;
  /** Public key of the certificate and, when self-signed, its signer. */
  readonly key?: KeyObject;
  readonly extensions?: readonly Asn1Node[];
}

/** One certificate as wished, valid from yesterday for 100 days, without extensions but those named. */
export function make({
  cn = 'someone',
  by,
  from = days(-1),
  until = days(99),
  key,
  extensions = [],
}: CertificateOptions): Made {
  const own = key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const name = distinguishedName(cn);
  const certPem = writeCertificate(
    { subject: name, issuer: by?.name ?? name, notBefore: from, notAfter: until, publicKey: own, extensions },
    by?.key ?? own,
  );
  return { certPem, keyPem: own.export({ type: 'pkcs8', format: 'pem' }).toString(), name, key: own };
}

/** A CA, self-signed or an intermediate; `pathLength` is left out unless wished. */
export function makeCa({ pathLength, ...options }: CertificateOptions & { pathLength?: number } = {}): Made {
  const key = options.key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const limit = pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))];
  const constraints = octets(encode(sequence(boolean(true), ...limit)));
  return make({
    cn: 'Test CA',
    ...options,
    key,
    extensions: [
      sequence(oid('2.5.29.19'), boolean(true), constraints),
      extension.keyCertSign(),
      extension.subjectKeyIdentifier(keyIdentifier(key)),
    ],
  });
}

/** A server certificate of `by` for addresses and names; `extra` replaces usage and EKU. */
export function makeServer(
  options: CertificateOptions & {
    by?: Made;
    ip?: readonly string[];
    dns?: readonly string[];
    extra?: readonly Asn1Node[];
  },
): Made {
  const names: SubjectNames = uniqueNames({ dns: options.dns ?? [], ip: options.ip ?? ['10.0.0.5'] });
  const extra = options.extra ?? [extension.digitalSignature(), extension.serverAuth()];
  return make({ cn: 'server', ...options, extensions: [...extra, extension.subjectAltName(names)] });
}

/** Extended key usage for clients only. */
export const clientAuth = (): Asn1Node =>
  sequence(oid('2.5.29.37'), octets(encode(sequence(oid('1.3.6.1.5.5.7.3.2')))));

/** Key usage without digitalSignature. */
export const keyEnciphermentOnly = (): Asn1Node =>
  sequence(oid('2.5.29.15'), boolean(true), octets(encode(bits(Buffer.from([0b00100000]), 5))));

/** A subjectAltName that names nothing but a mail address. */
export const mailAddress = (address: string): Asn1Node =>
  sequence(oid('2.5.29.17'), octets(encode(sequence(implicit(1, Buffer.from(address))))));

/** The Problem that `run` throws; anything else fails the test. */
export function problemOf(run: () => unknown): Problem {
  try {
    run();
  } catch (error) {
    if (error instanceof Error && error.name === 'Problem') return error as Problem;
    throw error;
  }
  throw new Error('no problem was thrown');
}

/** Everything a person may be shown of a problem and those found with it. */
export const wordsOf = (problem: Problem): string =>
  problem.all
    .map(({ code, facts }) =>
      [code, facts.doing, facts.found, facts.expected, facts.remedy, facts.example].join(' | '),
    )
    .join('\n');

/** Bytes of a private key, as they would show up in a message that leaks it. */
export const secretsIn = (keyPem: string): string[] => {
  const der = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' });
  return [der.toString('base64').slice(40, 80), der.toString('hex').slice(80, 120)];
};

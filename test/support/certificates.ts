// Certificates for tests: the ones OpenSSL made (certs/made-with.txt), and any oddity on demand.
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pemOf } from '../../src/core/pem.ts';
import type { Problem } from '../../src/core/problem.ts';
import {
  type Asn1Node,
  bits,
  boolean,
  children,
  decode,
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
  /** Of the signature: sha256 when left out. */
  readonly digest?: keyof typeof DIGESTS;
}

/** The signature algorithms, with RSA and with EC keys. */
export const DIGESTS = {
  md5: ['1.2.840.113549.1.1.4', undefined],
  sha1: ['1.2.840.113549.1.1.5', '1.2.840.10045.4.1'],
  sha224: ['1.2.840.113549.1.1.14', '1.2.840.10045.4.3.1'],
  sha256: ['1.2.840.113549.1.1.11', '1.2.840.10045.4.3.2'],
  sha384: ['1.2.840.113549.1.1.12', '1.2.840.10045.4.3.3'],
  sha512: ['1.2.840.113549.1.1.13', '1.2.840.10045.4.3.4'],
  'sha3-256': ['2.16.840.1.101.3.4.3.14', '2.16.840.1.101.3.4.3.10'],
} as const;
const ED25519 = '1.3.101.112';
const ED448 = '1.3.101.113';

/** The certificate with the signature of another key: writeCertificate knows only EC keys and SHA-256. */
function signed(certPem: string, signer: KeyObject, digest: keyof typeof DIGESTS): string {
  const [tbs] = children(decode(new X509Certificate(certPem).raw));
  const kind = signer.asymmetricKeyType;
  const rsa = kind === 'rsa' || kind === 'rsa-pss';
  const edwards = kind === 'ed25519' ? ED25519 : kind === 'ed448' ? ED448 : undefined;
  const algorithm = sequence(oid(edwards ?? DIGESTS[digest][rsa ? 0 : 1]!));
  const fields = children(tbs).map((field, at) => (at === 2 ? algorithm : field));
  const signedPart = sequence(...fields);
  const signature = sign(edwards === undefined ? digest : null, encode(signedPart), signer);
  return pemOf('CERTIFICATE', encode(sequence(signedPart, algorithm, bits(signature))));
}

/** One certificate as wished, valid from yesterday for 100 days, without extensions but those named. */
export function make({
  cn = 'someone',
  by,
  from = days(-1),
  until = days(99),
  key,
  extensions = [],
  digest = 'sha256',
}: CertificateOptions): Made {
  const own = key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const name = distinguishedName(cn);
  const draft = writeCertificate(
    { subject: name, issuer: by?.name ?? name, notBefore: from, notAfter: until, publicKey: own, extensions },
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  );
  return {
    certPem: signed(draft, by?.key ?? own, digest),
    keyPem: own.export({ type: 'pkcs8', format: 'pem' }).toString(),
    name,
    key: own,
  };
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

const keys = new Map<string, KeyObject>();

/** A private key of each kind, always the same: 'rsa 1024', 'rsa 2048 e=3', 'ed25519', or the name of a curve. */
export function keyOf(kind: string): KeyObject {
  const key = keys.get(kind) ?? newKey(kind);
  keys.set(kind, key);
  return key;
}

function newKey(kind: string): KeyObject {
  const [name = '', bitCount, exponent] = kind.split(' ');
  switch (name) {
    case 'rsa':
      return generateKeyPairSync('rsa', {
        modulusLength: Number(bitCount),
        publicExponent: exponent === undefined ? 65_537 : Number(exponent.slice(2)),
      }).privateKey;
    case 'rsa-pss':
      return generateKeyPairSync('rsa-pss', { modulusLength: Number(bitCount) }).privateKey;
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    case 'ed448':
      return generateKeyPairSync('ed448').privateKey;
    default:
      return generateKeyPairSync('ec', { namedCurve: name }).privateKey;
  }
}

/** A server certificate below an intermediate below a CA, one of them with a key of this kind, signed with `digest`. */
export function chainWith(
  kind: string,
  at: 'CA' | 'intermediate' | 'server',
  options: Omit<Parameters<typeof makeServer>[0], 'by' | 'key'> = {},
): { readonly ca: Made; readonly intermediate: Made; readonly server: Made } {
  const key = keyOf(kind);
  const of = (which: string) => (which === at ? { key } : {});
  const dates = {
    ...(options.from && { from: options.from }),
    ...(options.until && { until: options.until }),
  };
  const ca = makeCa({ cn: 'Key CA', ...dates, ...of('CA') });
  const intermediate = makeCa({ cn: 'Key intermediate', by: ca, ...dates, ...of('intermediate') });
  return { ca, intermediate, server: makeServer({ ...options, by: intermediate, ...of('server') }) };
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

// Which keys and signatures a certificate of a path may have, own or foreign: gRPC itself takes RSA keys of 512 bits and
// SHA-1, which others can forge, and refuses some strong keys (docs/facts.md, "grpc-keys").
import { createPublicKey, type KeyObject } from 'node:crypto';
import { type Certificate, keyType } from './certificate.ts';
import { children, decode, dotted } from './der.ts';

/** server: the key signs TLS handshakes. issuer: it has signed other certificates. */
export type KeyUse = 'server' | 'issuer';

const LEAST_RSA_BITS = 2048;
/** With the exponent 1 a signature is its own message. */
const LEAST_RSA_EXPONENT = 3n;

const ACCEPTED: Readonly<Record<KeyUse, ReadonlySet<string>>> = {
  server: new Set(['EC P-256', 'EC P-384']),
  issuer: new Set(['EC P-224', 'EC P-256', 'EC P-384', 'EC P-521', 'ED25519']),
};

/** For `expected`. */
export const ACCEPTED_KEYS: Readonly<Record<KeyUse, string>> = {
  server: `an RSA key of ${LEAST_RSA_BITS} bits or more, or an EC key on P-256 or P-384`,
  issuer: `an RSA key of ${LEAST_RSA_BITS} bits or more, an EC key on P-256, P-384 or P-521, or Ed25519`,
};

/** What is wrong with a key, as what was found: 'an RSA key of 1024 bits'; undefined when it is fit for its use. */
export function weakKey(key: KeyObject | undefined, use: KeyUse): string | undefined {
  if (key === undefined) return 'a key of a kind that OpenSSL does not support';
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    if (modulusLength < LEAST_RSA_BITS) return `an RSA key of ${modulusLength} bits`;
    return publicExponent < LEAST_RSA_EXPONENT
      ? `an RSA key with the public exponent ${publicExponent}`
      : undefined;
  }
  if (!ACCEPTED[use].has(keyType(key))) {
    const unable = use === 'server' ? 'cannot serve' : 'verifies nothing';
    return `a key of type ${keyType(key)}, with which gRPC ${unable}`;
  }
  return hasNamedCurve(key) ? undefined : 'an EC key with explicit curve parameters';
}

interface Weakness {
  readonly found: string;
  readonly expected: string;
  readonly remedy: string;
}

/** Why a certificate of a path must not be relied on; undefined when it may be. */
export function weakness(certificate: Certificate, use: KeyUse): Weakness | undefined {
  const { subject, publicKey, signatureFault, selfSigned } = certificate;
  const key = weakKey(publicKey, use);
  if (key !== undefined) {
    return {
      found: `the key of ${subject} is ${key}`,
      expected: ACCEPTED_KEYS[use],
      remedy: `have ${use === 'server' ? 'the certificate' : 'the CA and all that it has signed'} issued again with such a key`,
    };
  }
  // The signature of a self-signed certificate proves nothing, and nobody verifies it.
  if (selfSigned || signatureFault === undefined) return undefined;
  return {
    found: `${subject} is signed with ${signatureFault}`,
    expected: 'a signature with SHA-256, SHA-384 or SHA-512, or with Ed25519',
    remedy: 'have it issued again with SHA-256',
  };
}

/** The weaknesses of a path: the server certificate, then what has issued it. */
export const weaknesses = (path: readonly Certificate[]): Weakness[] =>
  path
    .map((certificate, at) => weakness(certificate, at === 0 ? 'server' : 'issuer'))
    .filter((found) => found !== undefined);

/** False for an EC key with explicit curve parameters. Only the DER shows it, node:crypto does not. */
function hasNamedCurve(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'ec') return true;
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const [algorithm] = children(decode(publicKey.export({ type: 'spki', format: 'der' })));
  return dotted(children(algorithm)[1]) !== '';
}

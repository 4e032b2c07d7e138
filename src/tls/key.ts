// The operator's private key, in any form that OpenSSL writes. The result is PKCS#8.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { isPrivateKeyLabel, pemOf, readPem } from '../core/pem.ts';
import { Problem } from '../core/problem.ts';
import { keyType, pkcs8, privateKeyOf } from './certificate.ts';
import { children, decode, dotted } from './der.ts';
import { instead } from './texts.ts';

export interface ServerKey {
  /** PKCS#8 PEM. Secret. */
  readonly keyPem: string;
  readonly key: KeyObject;
}

/**
 * The keys with which two gRPC peers complete a handshake, measured with grpcio 1.70 and 1.85. The server refuses to start
 * with DSA, RSA-PSS, secp256k1 or explicit curve parameters; with P-521, P-224 or Ed25519 it starts, and every client fails.
 */
const ACCEPTED = 'an RSA key of 2048 bits or more, or an EC key on P-256 or P-384';

/**
 * Reads PKCS#1, PKCS#8 or SEC1 PEM and ignores certificates and EC PARAMETERS in the same text.
 * @throws Problem tls_setup_failed, which never holds key material.
 */
export function readServerKey(text: string, variable: string): ServerKey {
  const doing = `reading the server's private key in ${variable}`;
  const refuse = (fault: { found: string; remedy?: string }): Problem =>
    new Problem('tls_setup_failed', { doing, expected: ACCEPTED, variable, ...fault });
  const { blocks, damage } = readPem(text);
  const keys = blocks.filter(({ label }) => isPrivateKeyLabel(label));
  const [block] = keys;
  if (damage !== undefined) throw refuse({ found: damage });
  if (block === undefined) throw refuse(instead(text));
  if (keys.length > 1)
    throw refuse({
      found: `${keys.length} private keys`,
      remedy: 'leave only the key of the server certificate',
    });
  if (block.encrypted) {
    throw refuse({
      found: 'a key that is encrypted with a passphrase, and nobody can enter it at boot',
      remedy: `decrypt it: ${DECRYPT}`,
    });
  }
  if (block.label === 'OPENSSH PRIVATE KEY') {
    throw refuse({
      found: 'a key in the OpenSSH format',
      remedy: "convert it: `ssh-keygen -p -N '' -m PKCS8 -f KEY`",
    });
  }
  const key = privateKeyOf(pemOf(block.label, block.der));
  if (key === undefined)
    throw refuse({ found: 'a block that holds no valid private key', remedy: 'export the key again' });
  const unfit = unfitFor(key);
  if (unfit !== undefined) throw refuse(unfit);
  return { key, keyPem: pkcs8(key) };
}

const DECRYPT = '`openssl pkey -in KEY -out plain.key`, then `base64 -w0 plain.key`';

function unfitFor(key: KeyObject): { found: string; remedy: string } | undefined {
  const kind = keyType(key);
  const reissue =
    'make a new key (`openssl ecparam -name prime256v1 -genkey -noout`) and have a certificate issued for it';
  if (key.asymmetricKeyType === 'rsa') {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return bits >= 2048 ? undefined : { found: `an RSA key of ${bits} bits`, remedy: reissue };
  }
  if (kind !== 'EC P-256' && kind !== 'EC P-384') {
    return { found: `a key of type ${kind}, with which gRPC cannot serve`, remedy: reissue };
  }
  return hasNamedCurve(key)
    ? undefined
    : { found: 'an EC key with explicit curve parameters', remedy: `name the curve: ${NAMED}` };
}

const NAMED =
  '`openssl pkey -in KEY -ec_param_enc named_curve -out named.key`, and have the certificate issued again';

/** False for an EC key with explicit curve parameters. Only the DER shows it, node:crypto does not. */
export function hasNamedCurve(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'ec') return true;
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const [algorithm] = children(decode(publicKey.export({ type: 'spki', format: 'der' })));
  return dotted(children(algorithm)[1]) !== '';
}

// The operator's private key, in any form that OpenSSL writes. The result is PKCS#8.
import type { KeyObject } from 'node:crypto';
import { isPrivateKeyLabel, pemOf, readPem } from '../core/pem.ts';
import { Problem } from '../core/problem.ts';
import { pkcs8, privateKeyOf } from './certificate.ts';
import { ACCEPTED_KEYS, weakKey } from './strength.ts';
import { instead } from './texts.ts';

export interface ServerKey {
  /** PKCS#8 PEM. Secret. */
  readonly keyPem: string;
  readonly key: KeyObject;
}

/**
 * Reads PKCS#1, PKCS#8 or SEC1 PEM and ignores certificates and EC PARAMETERS in the same text.
 * @throws Problem tls_setup_failed, which never holds key material.
 */
export function readServerKey(text: string, variable: string): ServerKey {
  const doing = `reading the server's private key in ${variable}`;
  const refuse = (fault: { found: string; remedy?: string }): Problem =>
    new Problem('tls_setup_failed', { doing, expected: ACCEPTED_KEYS.server, variable, ...fault });
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
  const found = weakKey(key, 'server');
  if (found === undefined) return undefined;
  return { found, remedy: found.includes('explicit') ? `name the curve: ${NAMED}` : REISSUE };
}

const REISSUE =
  'make a new key (`openssl ecparam -name prime256v1 -genkey -noout`) and have a certificate issued for it';
const NAMED =
  '`openssl pkey -in KEY -ec_param_enc named_curve -out named.key`, and have the certificate issued again';

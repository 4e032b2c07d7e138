// A certificate for the status and for commands.
import type { KeyObject } from 'node:crypto';
import { type Certificate, publicKeyOf } from './certificate.ts';
import { sanEntries } from './names.ts';
import { firstCertificate } from './texts.ts';

export interface CertificateDescription extends Certificate {
  /** 'DNS:localhost', 'IP:10.0.0.5' */
  readonly sans: readonly string[];
  /** 'EC P-256', 'RSA 2048', 'ED25519' */
  readonly keyType: string;
}

/** The first certificate of a PEM text. @throws Problem tls_setup_failed when there is none. */
export function describeCertificate(pem: string): CertificateDescription {
  const certificate = firstCertificate(pem, 'reading a certificate');
  const key = publicKeyOf(certificate);
  return {
    ...certificate,
    sans: sanEntries(certificate.names),
    keyType: key === undefined ? 'unknown' : keyType(key),
  };
}

/** The kind of a key and its size or curve. */
export function keyType(key: KeyObject): string {
  const kind = (key.asymmetricKeyType ?? 'unknown').toUpperCase();
  const details = key.asymmetricKeyDetails;
  const curve = details?.namedCurve;
  if (curve !== undefined) return `${kind} ${CURVES[curve] ?? curve}`;
  return details?.modulusLength === undefined ? kind : `${kind} ${details.modulusLength}`;
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

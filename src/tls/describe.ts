// A certificate for the status and for commands.
import type { KeyObject } from 'node:crypto';
import { publicKeyOf } from './certificate.ts';
import { sanEntries } from './names.ts';
import { firstCertificate } from './texts.ts';

export interface CertificateDescription {
  readonly subject: string;
  readonly issuer: string;
  /** 'DNS:localhost', 'IP:10.0.0.5' */
  readonly sans: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** AA:BB:..., as `openssl x509 -fingerprint -sha256` prints it. */
  readonly sha256: string;
  readonly isCa: boolean;
  /** 'EC P-256', 'RSA 2048', 'ED25519' */
  readonly keyType: string;
}

/** The first certificate of a PEM text. @throws Problem tls_setup_failed when there is none. */
export function describeCertificate(pem: string): CertificateDescription {
  const certificate = firstCertificate(pem, 'reading a certificate for the report');
  const { subject, issuer, names, notBefore, notAfter, sha256, isCa } = certificate;
  const key = publicKeyOf(certificate);
  return {
    subject,
    issuer,
    sans: sanEntries(names),
    notBefore,
    notAfter,
    sha256,
    isCa,
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

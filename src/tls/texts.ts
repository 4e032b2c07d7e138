// Texts with certificates: the certificates, or what the text holds instead.
import { isCertificateLabel, isPrivateKeyLabel, readPem } from '../core/pem.ts';
import { Problem } from '../core/problem.ts';
import { type Certificate, readCertificate } from './certificate.ts';

/** More than any bundle of CAs needs. Texts from OneGate are not trusted. */
const MOST_CHARACTERS = 1_000_000;
const MOST_CERTIFICATES = 300;

export interface CertificateText {
  readonly certificates: readonly Certificate[];
  /** Why the text cannot be used, as what was found: 'a private key', 'nothing (it is empty)', ... */
  readonly fault?: { readonly found: string; readonly remedy?: string };
  /** The text also holds a private key. */
  readonly hasKey: boolean;
}

/** All certificates of a text, in order. Never throws. */
export function certificatesIn(text: string): CertificateText {
  if (text.length > MOST_CHARACTERS) return fault(`a text of ${text.length} characters`);
  const { blocks, damage } = readPem(text);
  const found = blocks.filter((block) => isCertificateLabel(block.label));
  const hasKey = blocks.some((block) => isPrivateKeyLabel(block.label));
  if (damage !== undefined) return { ...fault(damage), hasKey };
  if (found.length === 0) return { ...instead(text), hasKey };
  if (found.length > MOST_CERTIFICATES) return fault(`${found.length} certificates`);
  const certificates: Certificate[] = [];
  for (const [at, block] of found.entries()) {
    try {
      certificates.push(readCertificate(block.der));
    } catch {
      return { ...fault(`${ordinal(at, found.length)} that holds no X.509 certificate`), hasKey };
    }
  }
  return { certificates, hasKey };
}

/** The first certificate of a text. @throws Problem tls_setup_failed when there is none. */
export function firstCertificate(pem: string, doing = 'reading a certificate'): Certificate {
  const { certificates, fault: why } = certificatesIn(pem);
  if (certificates[0] !== undefined && why === undefined) return certificates[0];
  throw new Problem('tls_setup_failed', { doing, found: why?.found ?? 'no certificate' });
}

/** What a text without the expected PEM block holds, and how to correct it. */
export function instead(text: string): CertificateText {
  const { blocks } = readPem(text);
  const labels = blocks.map((block) => block.label);
  const trimmed = text.trim();
  if (trimmed === '') return fault('nothing (it is empty)');
  if (labels.some(isPrivateKeyLabel)) return fault('a private key, not a certificate', EXCHANGED);
  if (labels.some(isCertificateLabel)) return fault('a certificate, not a private key', EXCHANGED);
  if (labels.includes('CERTIFICATE REQUEST'))
    return fault('a certificate request, not the certificate issued for it');
  if (labels.length > 0) return fault(`a PEM block of another kind (${labels[0]})`);
  if (/^LS0tLS1CRUdJTi/.test(trimmed))
    return fault('base64 of base64', 'encode the PEM file once: `base64 -w0 FILE`');
  if (isDer(text))
    return fault('DER, not PEM', 'convert it first: `openssl x509 -inform der -in FILE -out FILE.pem`');
  return fault('text without a PEM block', 'encode the whole PEM file: `base64 -w0 FILE`');
}

const EXCHANGED = 'check whether FL_SSL_CERTFILE and FL_SSL_KEYFILE were exchanged';

const fault = (found: string, remedy?: string): CertificateText => ({
  certificates: [],
  hasKey: false,
  fault: remedy === undefined ? { found } : { found, remedy },
});

const ordinal = (at: number, of: number): string => (of === 1 ? 'a block' : `block ${at + 1} of ${of}`);

/** A long-form SEQUENCE; decoding it as UTF-8 leaves U+FFFD for the second byte. */
const isDer = (text: string): boolean => /^0[\x80-\x84\ufffd]/.test(text);

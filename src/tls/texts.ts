// Texts with certificates: the certificates, or what the text holds instead.
import { isCertificateLabel, isPrivateKeyLabel, readPem } from '../core/pem.ts';
import { Problem } from '../core/problem.ts';
import { type Certificate, readCertificate } from './certificate.ts';

/** More than any bundle of CAs needs. Texts from OneGate are not trusted. */
const MOST_CHARACTERS = 1_000_000;
const MOST_CERTIFICATES = 300;

/** Why a text cannot be used, as what was found: 'a private key', 'nothing (it is empty)', ... */
interface Fault {
  readonly found: string;
  readonly remedy?: string;
}

export interface CertificateText {
  /** Empty with a fault. */
  readonly certificates: readonly Certificate[];
  readonly fault?: Fault;
  /** The text also holds a private key. */
  readonly hasKey: boolean;
}

/** All certificates of a text, in order. Never throws. */
export function certificatesIn(text: string): CertificateText {
  const none = (fault: Fault): CertificateText => ({ certificates: [], hasKey: false, fault });
  if (text.length > MOST_CHARACTERS) return none({ found: `a text of ${text.length} characters` });
  const { blocks, damage } = readPem(text);
  const found = blocks.filter((block) => isCertificateLabel(block.label));
  if (damage !== undefined) return none({ found: damage });
  if (found.length === 0) return none(instead(text));
  if (found.length > MOST_CERTIFICATES) return none({ found: `${found.length} certificates` });
  const certificates: Certificate[] = [];
  for (const [at, block] of found.entries()) {
    try {
      certificates.push(readCertificate(block.der));
    } catch {
      const which = found.length === 1 ? 'a block' : `block ${at + 1} of ${found.length}`;
      return none({ found: `${which} that holds no X.509 certificate` });
    }
  }
  return { certificates, hasKey: blocks.some((block) => isPrivateKeyLabel(block.label)) };
}

/** The first certificate of a text. @throws Problem tls_setup_failed when there is none. */
export function firstCertificate(pem: string, doing = 'reading a certificate'): Certificate {
  const { certificates, fault } = certificatesIn(pem);
  if (certificates[0] !== undefined) return certificates[0];
  throw new Problem('tls_setup_failed', { doing, found: fault!.found });
}

/** What a text without the expected PEM block holds, and how to correct it. */
export function instead(text: string): Fault {
  const labels = readPem(text).blocks.map((block) => block.label);
  const trimmed = text.trim();
  if (trimmed === '') return { found: 'nothing (it is empty)' };
  if (labels.some(isPrivateKeyLabel)) return { found: 'a private key, not a certificate', remedy: EXCHANGED };
  if (labels.some(isCertificateLabel))
    return { found: 'a certificate, not a private key', remedy: EXCHANGED };
  if (labels.includes('CERTIFICATE REQUEST'))
    return { found: 'a certificate request, not the certificate issued for it' };
  if (labels.length > 0) return { found: `a PEM block of another kind (${labels[0]})` };
  if (/^LS0tLS1CRUdJTi/.test(trimmed))
    return { found: 'base64 of base64', remedy: 'encode the PEM file once: `base64 -w0 FILE`' };
  if (isDer(text)) {
    const remedy = 'convert it first: `openssl x509 -inform der -in FILE -out FILE.pem`';
    return { found: 'DER, not PEM', remedy };
  }
  return { found: 'text without a PEM block', remedy: 'encode the whole PEM file: `base64 -w0 FILE`' };
}

const EXCHANGED = 'check whether FL_SSL_CERTFILE and FL_SSL_KEYFILE were exchanged';

/** A long-form SEQUENCE; decoding it as UTF-8 leaves U+FFFD for the second byte. */
const isDer = (text: string): boolean => /^0[\x80-\x84\ufffd]/.test(text);

// One certificate, read with node:crypto, and with the DER reader where node:crypto has no answer.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { ipText } from '../core/ip.ts';
import { unlessError } from '../core/result.ts';
import { plain } from '../core/text.ts';
import { children, content, decode, dotted, encode, isContext, OID } from './der.ts';
import { type SubjectNames, sanEntries, uniqueNames } from './names.ts';

export type Certificate = Readonly<ReturnType<typeof readCertificate>>;

/**
 * Reads one DER certificate.
 * @throws Error (of node:crypto or the DER reader) when it is none.
 */
export function readCertificate(der: Uint8Array) {
  const x509 = new X509Certificate(der);
  const [tbs, algorithm] = children(decode(x509.raw));
  const parts = children(tbs);
  const isFirstVersion = !isContext(parts[0], 0);
  const fields = isFirstVersion ? parts : parts.slice(1);
  const selfSigned = x509.issuer === x509.subject && isSignedBy(x509, x509);
  const extension = extensionsOf(fields.find((part) => isContext(part, 3)));
  const constraints = children(extension(OID.basicConstraints));
  const usages = children(extension(OID.extendedKeyUsage)).map(dotted);
  const usage = extension(OID.keyUsage);
  const keyId = extension(OID.subjectKeyIdentifier);
  const names = namesOf(extension(OID.subjectAltName));
  const publicKey = unlessError(() => x509.publicKey);
  return {
    x509,
    /** Clean PEM: LF, one block, a newline at the end. */
    pem: `${x509.toString().trim()}\n`,
    /** 'CN=name, O=organization', for messages. */
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    /** Subject and issuer as in the certificate. */
    subjectDer: encode(fields[4]!),
    issuerDer: encode(fields[2]!),
    notBefore: dateOf(x509.validFrom),
    notAfter: dateOf(x509.validTo),
    /** SHA-256 as `openssl x509 -fingerprint` prints it: AA:BB:... */
    sha256: x509.fingerprint256,
    isCa: x509.ca,
    /** May issue another certificate: a CA, or a root of X.509 version 1, which gRPC accepts. */
    mayIssue: x509.ca || (isFirstVersion && selfSigned),
    /** A root, or a server certificate that is its own CA. */
    selfSigned,
    /** Undefined without a subjectAltName, and with an empty one, which gRPC treats as none. */
    names,
    /** 'DNS:localhost', 'IP:10.0.0.5' */
    sans: sanEntries(names),
    /** Undefined for an algorithm that OpenSSL does not support. */
    publicKey,
    keyType: publicKey === undefined ? 'unknown' : keyType(publicKey),
    /** May be a TLS server by its extended key usage (also when it has none). */
    forServers:
      usages.length === 0 || usages.includes(OID.serverAuth) || usages.includes(OID.anyExtendedKeyUsage),
    /** May sign a TLS handshake by its key usage (also when it has none). */
    allowsDigitalSignature: usage === undefined || ((content(usage)[1] ?? 0) & 0x80) !== 0,
    /** What is wrong with its signature, after 'signed with': 'SHA-1, which can be forged'. */
    signatureFault: signatureFault(algorithm),
    /** How many CAs may be below this one; undefined for any number. */
    pathLength: constraints[1] && content(constraints[1]).at(-1),
    keyId: keyId && content(keyId),
  };
}

// node:crypto throws for keys that OpenSSL cannot use.

/** Whether the key of `issuer` made the signature on `certificate`. */
export const isSignedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  unlessError(() => certificate.verify(issuer.publicKey)) ?? false;

/** A PEM key; undefined when it cannot be read. */
export const privateKeyOf = (keyPem: string): KeyObject | undefined =>
  unlessError(() => createPrivateKey(keyPem));

export const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Whether a private key is the one of the certificate. */
export const matchesKey = ({ x509 }: Certificate, key: KeyObject | undefined): key is KeyObject =>
  key !== undefined && (unlessError(() => x509.checkPrivateKey(key)) ?? false);

/** The kind of a key and its size or curve: 'EC P-256', 'RSA 2048', 'ED25519'. */
export function keyType({ asymmetricKeyType: kind, asymmetricKeyDetails: details }: KeyObject): string {
  const curve = details?.namedCurve;
  const size = curve === undefined ? details?.modulusLength : (CURVES[curve] ?? curve);
  return [(kind ?? 'unknown').toUpperCase(), size].filter((part) => part !== undefined).join(' ');
}

const CURVES: Readonly<Record<string, string>> = {
  secp224r1: 'P-224',
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

/** '2026-11-21 06:00 UTC' */
export const onDate = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Which clock is wrong when a certificate of another VM is outside of its dates (tls/clock.ts). */
export interface WhichClock {
  /** A clause: "this VM's clock is two hours ahead of OneGate's". */
  readonly why: string;
  readonly remedy: string;
}

/** What is wrong with the dates, for a sentence; undefined when the certificate is valid at `now`. */
export function outsideValidity(
  { subject, notBefore, notAfter }: Certificate,
  now: Date,
  which?: WhichClock,
): { found: string; remedy: string } | undefined {
  const clock = `this VM's clock: ${onDate(now)}${which === undefined ? '' : `; ${which.why}`}`;
  if (now > notAfter)
    return {
      found: `${subject} expired on ${onDate(notAfter)}; ${clock}`,
      remedy: which?.remedy ?? 'have it issued again',
    };
  if (now < notBefore)
    return {
      found: `${subject} is not valid before ${onDate(notBefore)}; ${clock}`,
      remedy:
        which?.remedy ??
        'check the clock (`timedatectl`), or have the certificate issued with an earlier start',
    };
  return undefined;
}

type Node = ReturnType<typeof decode>;

/** Finds an extension. Only this one is decoded, because the others may hold anything. */
function extensionsOf(node: Node | undefined): (id: string) => Node | undefined {
  const list = children(children(node)[0]).map(children);
  return (id) => {
    const found = list.find((parts) => dotted(parts[0]) === id);
    return found && decode(content(found.at(-1)));
  };
}

function namesOf(node: Node | undefined): SubjectNames | undefined {
  const entries = children(node);
  if (entries.length === 0) return undefined;
  const valuesOf = (tag: number): Buffer[] => entries.filter((entry) => isContext(entry, tag)).map(content);
  return uniqueNames({
    dns: valuesOf(2).map((bytes) => plain(bytes.toString('latin1').replace(/[^\x21-\x7e]/g, '?'))),
    ip: valuesOf(7)
      .map(ipText)
      .filter((ip) => ip !== undefined),
  });
}

/** Signatures whose digest can be forged. gRPC accepts SHA-1. */
const FORGEABLE: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'MD2',
  '1.2.840.113549.1.1.3': 'MD4',
  '1.2.840.113549.1.1.4': 'MD5',
  '1.2.840.113549.1.1.5': 'SHA-1',
  '1.3.14.3.2.29': 'SHA-1',
  '1.2.840.10040.4.3': 'SHA-1',
  '1.2.840.10045.4.1': 'SHA-1',
};

/** Those that gRPC verifies: RSA and ECDSA with SHA-224 to SHA-512, and Ed25519. */
const VERIFIED = new Set([
  ...['14', '11', '12', '13'].map((last) => `1.2.840.113549.1.1.${last}`),
  ...['1', '2', '3', '4'].map((last) => `1.2.840.10045.4.3.${last}`),
  '1.3.101.112',
]);

/** The digests that RSA-PSS may name: SHA-256, SHA-384, SHA-512. */
const PSS_DIGESTS = new Set(['1', '2', '3'].map((last) => `2.16.840.1.101.3.4.2.${last}`));

/** RSA-PSS without a named digest means SHA-1 (RFC 4055). */
function signatureFault(algorithm: Node | undefined): string | undefined {
  const [id, parameters] = children(algorithm);
  const name = dotted(id);
  const digest = name === OID.rsaPss ? pssDigest(parameters) : undefined;
  const forgeable = digest === '' ? 'SHA-1' : FORGEABLE[name];
  if (forgeable !== undefined) return `${forgeable}, which can be forged`;
  if (digest === undefined ? VERIFIED.has(name) : PSS_DIGESTS.has(digest)) return undefined;
  return `an algorithm that gRPC does not verify (${name})`;
}

function pssDigest(parameters: Node | undefined): string {
  const [first] = children(parameters);
  const named = isContext(first, 0) ? dotted(children(children(first)[0])[0]) : '';
  return named === SHA1 ? '' : named;
}

const SHA1 = '1.3.14.3.2.26';

function dateOf(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new Error('its dates cannot be read');
  return date;
}

/** node:crypto divides the parts of a name by line breaks. */
const oneLine = (name: string | undefined): string =>
  plain((name ?? '').replaceAll('\n', ', '), 200) || '(no name)';

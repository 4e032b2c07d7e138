// The CA and the server certificates that the agent issues: P-256, SHA-256, and all extensions that a strict verifier needs
// (Python's VERIFY_X509_STRICT needs both key identifiers).
import { generateKeyPairSync } from 'node:crypto';
import { Problem } from '../core/problem.ts';
import { matchesKey, pkcs8, privateKeyOf } from './certificate.ts';
import { decode } from './der.ts';
import { type SubjectNames, uniqueNames } from './names.ts';
import { firstCertificate } from './texts.ts';
import { distinguishedName, extension, keyIdentifier, writeCertificate } from './x509-write.ts';

/** PEM texts; the key is PKCS#8 and secret. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

const CA_YEARS = 10;
const SERVER_DAYS = 365;
/** The clocks of other machines may be behind. */
const BACKDATE_MS = 60_000;

/** A new CA: ten years, for server certificates only (no CA below it). `commonName` is cut to 64 characters. */
export function issueCa({ now, commonName }: { now: Date; commonName: string }): KeyPair {
  const { publicKey, privateKey } = newKey();
  const name = distinguishedName(commonName);
  const id = keyIdentifier(publicKey);
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + CA_YEARS);
  const extensions = [
    extension.basicConstraints(true),
    extension.keyCertSign(),
    extension.subjectKeyIdentifier(id),
    extension.authorityKeyIdentifier(id),
  ];
  const draft = { subject: name, issuer: name, notBefore: backdated(now), notAfter, publicKey, extensions };
  return { certPem: writeCertificate(draft, privateKey), keyPem: pkcs8(privateKey) };
}

/**
 * A server certificate with a key of its own: one year, never longer than the CA. Names are made canonical and unique.
 * @throws Problem tls_setup_failed without a name, or when the CA's key does not match its certificate.
 */
export function issueServer({ ca, names, now }: { ca: KeyPair; names: SubjectNames; now: Date }): KeyPair {
  const doing = 'making the server certificate';
  const refuse = (found: string): Problem => new Problem('tls_setup_failed', { doing, found });
  const wanted = uniqueNames(names);
  if (wanted.dns.length + wanted.ip.length === 0) throw refuse('no name and no address for it');
  const issuer = firstCertificate(ca.certPem, doing);
  const signer = privateKeyOf(ca.keyPem);
  if (!matchesKey(issuer, signer)) throw refuse("the CA's key does not belong to the CA's certificate");
  const { publicKey, privateKey } = newKey();
  const draft = {
    subject: distinguishedName(commonNameFor(wanted)),
    issuer: decode(issuer.subjectDer),
    notBefore: backdated(now),
    notAfter: new Date(Math.min(now.getTime() + SERVER_DAYS * 86_400_000, issuer.notAfter.getTime())),
    publicKey,
    extensions: [
      extension.basicConstraints(false),
      extension.digitalSignature(),
      extension.serverAuth(),
      extension.subjectKeyIdentifier(keyIdentifier(publicKey)),
      extension.authorityKeyIdentifier(issuer.keyId ?? keyIdentifier(signer)),
      extension.subjectAltName(wanted),
    ],
  };
  return { certPem: writeCertificate(draft, signer), keyPem: pkcs8(privateKey) };
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

const backdated = (now: Date): Date => new Date(now.getTime() - BACKDATE_MS);

/** The first name that another machine could use. It is only informative: TLS checks the subjectAltName. */
function commonNameFor(names: SubjectNames): string {
  const useful = [
    ...names.dns.filter((name) => name !== 'localhost' && !name.startsWith('*')),
    ...names.ip.filter((ip) => !ip.startsWith('127.') && ip !== '::1'),
  ];
  return useful.find((name) => name.length <= 64) ?? 'flower-superlink';
}

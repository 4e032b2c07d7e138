// The CA and the server certificates that the agent issues: P-256, SHA-256, and all extensions that a strict verifier needs
// (Python's VERIFY_X509_STRICT needs both key identifiers).
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
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

export interface IssueTime {
  readonly now: Date;
  /** When the image was built; undefined where it is not known. */
  readonly built?: Date | undefined;
}

const DAY_MS = 86_400_000;
const CA_YEARS = 10;
/** A server certificate is issued for this time. */
export const SERVER_MS = 365 * DAY_MS;

/**
 * When certificates begin: a day before the image was built, and a day before now. The clock of this VM may be wrong at its
 * first boot, and those of other VMs later: whatever it says, nobody's clock may be before this.
 */
const begin = ({ now, built = now }: IssueTime): Date =>
  new Date(Math.max(0, Math.min(now.getTime(), built.getTime()) - DAY_MS));

/** Now, as far as it can be: a clock that is earlier than the image is wrong. */
const atLeast = ({ now, built = now }: IssueTime): Date => (now < built ? built : now);

/**
 * A CA: ten years, for server certificates only (no CA below it). `commonName` is cut to 64 characters. With the key and the
 * name of an earlier CA it is accepted where that one is trusted (docs/facts.md, "same-ca").
 */
export function issueCa({
  commonName,
  subject,
  key,
  ...time
}: IssueTime & { commonName: string; subject?: Buffer | undefined; key?: KeyObject | undefined }): KeyPair {
  const privateKey = key ?? newKey().privateKey;
  const publicKey = createPublicKey(privateKey);
  const name = subject === undefined ? distinguishedName(commonName) : decode(subject);
  const id = keyIdentifier(publicKey);
  const notAfter = new Date(atLeast(time));
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + CA_YEARS);
  const extensions = [
    extension.basicConstraints(true),
    extension.keyCertSign(),
    extension.subjectKeyIdentifier(id),
    extension.authorityKeyIdentifier(id),
  ];
  const draft = { subject: name, issuer: name, notBefore: begin(time), notAfter, publicKey, extensions };
  return { certPem: writeCertificate(draft, privateKey), keyPem: pkcs8(privateKey) };
}

/**
 * A server certificate with a key of its own: one year, never longer than the CA. Names are made canonical and unique.
 * `wrongClock`: as long as the CA, because a year from now may be over when the clock is right.
 * @throws Problem tls_setup_failed without a name, or when the CA's key does not match its certificate.
 */
export function issueServer({
  ca,
  names,
  wrongClock = false,
  ...time
}: IssueTime & { ca: KeyPair; names: SubjectNames; wrongClock?: boolean }): KeyPair {
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
    notBefore: new Date(Math.max(begin(time).getTime(), issuer.notBefore.getTime())),
    notAfter: wrongClock
      ? issuer.notAfter
      : new Date(Math.min(atLeast(time).getTime() + SERVER_MS, issuer.notAfter.getTime())),
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

/** The first name that another machine could use. It is only informative: TLS checks the subjectAltName. */
function commonNameFor(names: SubjectNames): string {
  const useful = [
    ...names.dns.filter((name) => name !== 'localhost' && !name.startsWith('*')),
    ...names.ip.filter((ip) => !ip.startsWith('127.') && ip !== '::1'),
  ];
  return useful.find((name) => name.length <= 64) ?? 'flower-superlink';
}

// Writes one X.509 certificate: node:crypto signs, node-forge's ASN.1 module writes the other bytes (forge itself has no
// elliptic curves).
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { ipBytes, parseIp } from '../core/ip.ts';
import { pemOf } from '../core/pem.ts';
import {
  type Asn1Node,
  bits,
  boolean,
  children,
  content,
  decode,
  encode,
  explicit,
  implicit,
  integer,
  OID,
  octets,
  oid,
  sequence,
  set,
  time,
  utf8,
} from './der.ts';
import type { SubjectNames } from './names.ts';

export interface CertificateDraft {
  readonly subject: Asn1Node;
  readonly issuer: Asn1Node;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Asn1Node[];
}

/** The certificate as PEM, signed with ECDSA and SHA-256; the serial number is 127 random bits. */
export function writeCertificate(draft: CertificateDraft, signer: KeyObject): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const tbs = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    draft.issuer,
    sequence(time(draft.notBefore), time(draft.notAfter)),
    draft.subject,
    decode(spki(draft.publicKey)),
    explicit(3, sequence(...draft.extensions)),
  );
  const signature = sign('sha256', encode(tbs), signer);
  return pemOf('CERTIFICATE', encode(sequence(tbs, algorithm, bits(signature))));
}

/** O=flower-context, CN=`commonName`, cut to 64 characters (RFC 5280, ub-common-name). */
export function distinguishedName(commonName: string): Asn1Node {
  const attribute = (type: string, value: string): Asn1Node => set(sequence(oid(type), utf8(value)));
  const printable = [...commonName.replace(/\p{C}/gu, ' ').trim()].slice(0, 64).join('').trim();
  return sequence(attribute(OID.organization, ORGANIZATION), attribute(OID.commonName, printable));
}

/** The organization of certificates that the agent issues. */
export const ORGANIZATION = 'flower-context';

/** The subject and authority key identifiers: SHA-256 of the public key, cut to 160 bits (RFC 7093). */
export function keyIdentifier(key: KeyObject): Buffer {
  const keyBits = content(children(decode(spki(key)))[1]).subarray(1);
  return createHash('sha256').update(keyBits).digest().subarray(0, 20);
}

export const extension = {
  basicConstraints: (ca: boolean): Asn1Node =>
    critical(OID.basicConstraints, ca ? sequence(boolean(true), integer(Buffer.from([0]))) : sequence()),
  keyCertSign: (): Asn1Node => critical(OID.keyUsage, bits(Buffer.from([0b00000110]), 1)),
  digitalSignature: (): Asn1Node => critical(OID.keyUsage, bits(Buffer.from([0b10000000]), 7)),
  serverAuth: (): Asn1Node => optional(OID.extendedKeyUsage, sequence(oid(OID.serverAuth))),
  subjectKeyIdentifier: (id: Buffer): Asn1Node => optional(OID.subjectKeyIdentifier, octets(id)),
  authorityKeyIdentifier: (id: Buffer): Asn1Node =>
    optional(OID.authorityKeyIdentifier, sequence(implicit(0, id))),
  subjectAltName: (names: SubjectNames): Asn1Node =>
    optional(
      OID.subjectAltName,
      sequence(
        ...names.dns.map((name) => implicit(2, Buffer.from(name, 'latin1'))),
        ...names.ip.map((ip) => implicit(7, ipBytes(parseIp(ip)!))),
      ),
    ),
} as const;

const optional = (id: string, value: Asn1Node): Asn1Node => sequence(oid(id), octets(encode(value)));
const critical = (id: string, value: Asn1Node): Asn1Node =>
  sequence(oid(id), boolean(true), octets(encode(value)));

const spki = (key: KeyObject): Buffer =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' });

/** 16 bytes, positive and never shorter. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}

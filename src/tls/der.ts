// DER, written and read by node-forge's ASN.1 module. Bytes are Buffers here and latin-1 strings in forge.
import asn1, { type Asn1Node } from 'node-forge/lib/asn1.js';

export type { Asn1Node };

const { Class, Type } = asn1;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const plain = (type: number, value: string): Asn1Node => asn1.create(Class.UNIVERSAL, type, false, value);

export const sequence = (...parts: readonly Asn1Node[]): Asn1Node =>
  asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, parts);

export const set = (...parts: readonly Asn1Node[]): Asn1Node =>
  asn1.create(Class.UNIVERSAL, Type.SET, true, parts);
export const oid = (dotted: string): Asn1Node => plain(Type.OID, asn1.oidToDer(dotted).getBytes());

export const boolean = (value: boolean): Asn1Node => plain(Type.BOOLEAN, value ? '\xff' : '\x00');

/** INTEGER from big-endian bytes that are already minimal two's complement. */
export const integer = (bytes: Uint8Array): Asn1Node => plain(Type.INTEGER, text(bytes));

export const octets = (bytes: Uint8Array): Asn1Node => plain(Type.OCTETSTRING, text(bytes));

/** BIT STRING; `unused` is the number of unused bits in the last byte. */
export const bits = (bytes: Uint8Array, unused = 0): Asn1Node =>
  plain(Type.BITSTRING, String.fromCharCode(unused) + text(bytes));

export const utf8 = (value: string): Asn1Node => plain(Type.UTF8, text(Buffer.from(value, 'utf8')));

/** UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5). */
export const time = (date: Date): Asn1Node =>
  date.getUTCFullYear() < 2050
    ? plain(Type.UTCTIME, asn1.dateToUtcTime(date))
    : plain(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));

/** A context tag around children: `[tag] { ... }`. */
export const explicit = (tag: number, ...parts: readonly Asn1Node[]): Asn1Node =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, true, parts);

/** A context tag that replaces the type: `[tag] IMPLICIT`. */
export const implicit = (tag: number, bytes: Uint8Array): Asn1Node =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, false, text(bytes));

export const encode = (node: Asn1Node): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');

/** Throws on anything that is not exactly one DER value. */
export const decode = (der: Uint8Array): Asn1Node =>
  asn1.fromDer(text(der), { strict: true, parseAllBytes: true, decodeBitStrings: false });

/** Children of a constructed value; none for a primitive one. */
export const children = (node: Asn1Node | undefined): readonly Asn1Node[] =>
  node !== undefined && typeof node.value !== 'string' ? node.value : [];

/** Content octets of a primitive value; none for a constructed one. */
export const content = (node: Asn1Node | undefined): Buffer =>
  Buffer.from(node !== undefined && typeof node.value === 'string' ? node.value : '', 'latin1');

export const dotted = (node: Asn1Node | undefined): string =>
  node !== undefined && node.type === Type.OID && typeof node.value === 'string'
    ? asn1.derToOid(node.value)
    : '';

export const isContext = (node: Asn1Node | undefined, tag: number): boolean =>
  node?.tagClass === Class.CONTEXT_SPECIFIC && node.type === tag;

/** Object identifiers of X.509. */
export const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  rsaPss: '1.2.840.113549.1.1.10',
} as const;

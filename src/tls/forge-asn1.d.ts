// The part of node-forge that is used: loading the ASN.1 module alone takes 2-3 ms, all of forge 40.
declare module 'node-forge/lib/asn1.js' {
  export interface Asn1Node {
    readonly tagClass: number;
    readonly type: number;
    readonly constructed: boolean;
    /** Children when constructed, else the content octets as a latin-1 string. */
    readonly value: string | Asn1Node[];
  }
  interface Bytes {
    getBytes(): string;
  }
  const asn1: {
    readonly Class: { readonly UNIVERSAL: number; readonly CONTEXT_SPECIFIC: number };
    readonly Type: Readonly<
      Record<
        | 'BOOLEAN'
        | 'INTEGER'
        | 'BITSTRING'
        | 'OCTETSTRING'
        | 'OID'
        | 'UTF8'
        | 'SEQUENCE'
        | 'SET'
        | 'UTCTIME'
        | 'GENERALIZEDTIME',
        number
      >
    >;
    create(
      tagClass: number,
      type: number,
      constructed: boolean,
      value: string | readonly Asn1Node[],
    ): Asn1Node;
    fromDer(
      bytes: string,
      options: { strict: boolean; parseAllBytes: boolean; decodeBitStrings: boolean },
    ): Asn1Node;
    toDer(node: Asn1Node): Bytes;
    oidToDer(oid: string): Bytes;
    derToOid(bytes: string): string;
    dateToUtcTime(date: Date): string;
    dateToGeneralizedTime(date: Date): string;
  };
  export default asn1;
}

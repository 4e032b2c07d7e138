// The chain from a server certificate to a trusted CA.
import { type Certificate, isSignedBy, outsideValidity } from './certificate.ts';

/** `found`: the fault, as a sentence. */
type Fault = { readonly found: string; readonly remedy: string };

export type Chain =
  | {
      readonly ok: true;
      /** The server certificate and the intermediates that are needed, in the order TLS sends them. */
      readonly path: readonly Certificate[];
    }
  | (Fault & {
      readonly ok: false;
      /** 'untrusted': the chain ends before a trusted CA. 'unsound': a certificate of the chain cannot be used. */
      readonly kind: 'untrusted' | 'unsound';
      /** The certificate at which the chain ends. */
      readonly last: Certificate;
    });

/**
 * Builds the path as gRPC's BoringSSL does (measured with grpcio 1.70 and 1.85): in any order, an intermediate may be the
 * anchor, and a self-signed certificate that is trusted needs no issuer. Name constraints are not checked.
 */
export function buildChain(
  leaf: Certificate,
  others: readonly Certificate[],
  anchors: readonly Certificate[],
  now: Date,
): Chain {
  const path = [leaf];
  for (let current = leaf; ; ) {
    if (anchors.some(({ sha256 }) => sha256 === current.sha256)) return { ok: true, path };
    const anchor = issuerOf(current, anchors);
    const unused = others.filter((other) => !path.includes(other));
    const issuer = anchor ?? issuerOf(current, unused);
    if (issuer === undefined) return untrusted(current, [...anchors, ...others]);
    const fault = faultOf(path, issuer, now);
    if (fault !== undefined) return { ok: false, kind: 'unsound', last: current, ...fault };
    if (anchor !== undefined) return { ok: true, path };
    path.push(issuer);
    current = issuer;
  }
}

const sameName = (certificate: Certificate, candidate: Certificate): boolean =>
  (candidate.x509.subject ?? '').toLowerCase() === (certificate.x509.issuer ?? '').toLowerCase();

const issuerOf = (certificate: Certificate, among: readonly Certificate[]): Certificate | undefined =>
  among.find((candidate) => sameName(certificate, candidate) && isSignedBy(certificate.x509, candidate.x509));

/** Why `issuer` may not be the issuer of the last of `path`. */
function faultOf(path: readonly Certificate[], issuer: Certificate, now: Date): Fault | undefined {
  const certificate = path.at(-1)!;
  if (!issuer.mayIssue) {
    return {
      found: `${certificate.subject} is signed by ${issuer.subject}, which is not a CA`,
      remedy: 'have the certificate issued by a CA (basicConstraints CA:TRUE, keyUsage keyCertSign)',
    };
  }
  const below = path.slice(1).filter(({ x509 }) => x509.subject !== x509.issuer).length;
  if (issuer.pathLength !== undefined && below > issuer.pathLength) {
    return {
      found: `${issuer.subject} allows ${issuer.pathLength} CAs below it, and there are ${below}`,
      remedy: 'have the server certificate issued by a CA that is allowed to',
    };
  }
  if (!certificate.x509.checkIssued(issuer.x509)) {
    return {
      found: `${certificate.subject} names another issuer than ${issuer.subject} (authorityKeyIdentifier)`,
      remedy: 'use the CA certificate that it was issued with',
    };
  }
  return outsideValidity(issuer, now);
}

function untrusted(last: Certificate, given: readonly Certificate[]): Chain {
  const namesake = given.find((candidate) => candidate !== last && sameName(last, candidate));
  const suffix =
    namesake === undefined
      ? 'and its certificate is missing'
      : 'but the given certificate of that name has another key';
  const found = last.selfSigned
    ? `${last.subject} is self-signed and not among the trusted CAs`
    : `${last.subject} is signed by ${last.issuer}, ${suffix}`;
  return { ok: false, kind: 'untrusted', last, found, remedy: 'add the certificate of that issuer' };
}

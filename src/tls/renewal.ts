// Whether certificates of an earlier boot are kept, and when they are renewed.
import { Problem } from '../core/problem.ts';
import { type Certificate, isSignedBy, matchesKey, onDate, privateKeyOf } from './certificate.ts';
import type { KeyPair } from './issue.ts';
import { type SubjectNames, uniqueNames } from './names.ts';
import { certificatesIn, firstCertificate } from './texts.ts';

/** `why` is a sentence for the journal. `warning` is reported although the certificate is kept. */
export type Fit =
  | { readonly fits: true; readonly warning?: Problem }
  | { readonly fits: false; readonly why: string };

/** The server certificate is due for renewal at two thirds of its life. @throws Problem tls_setup_failed if unreadable. */
export const renewAt = (certPem: string): Date =>
  twoThirds(firstCertificate(certPem, 'reading when the certificate is due for renewal'));

/**
 * Whether the CA of an earlier boot is kept. It is also kept when its start is in the future: after a new CA because of a
 * clock that was set back, no SuperNode would trust the SuperLink.
 */
export function caStillFits({ certPem, keyPem }: KeyPair, { now }: { now: Date }): Fit {
  const ca = only(certPem);
  if (ca === undefined) return no('the CA certificate cannot be read');
  if (!ca.isCa) return no('the CA certificate is not a CA');
  if (!matchesKey(ca, privateKeyOf(keyPem)))
    return no('the key of the CA does not belong to its certificate');
  if (now > ca.notAfter) return no(`the CA expired on ${onDate(ca.notAfter)}`);
  return now < ca.notBefore ? { fits: true, warning: setBack(ca, now) } : { fits: true };
}

/**
 * Whether the server certificate of an earlier boot is kept: it matches its key and the CA, names all of `names` (others are
 * allowed), and is neither expired nor due for renewal.
 */
export function stillFits(
  serverPem: string,
  keyPem: string,
  { caPem, names, now }: { caPem: string; names: SubjectNames; now: Date },
): Fit {
  const server = only(serverPem);
  const ca = only(caPem);
  if (server === undefined) return no('the server certificate cannot be read');
  if (ca === undefined) return no('the CA certificate cannot be read');
  if (!matchesKey(server, privateKeyOf(keyPem)))
    return no('the key does not belong to the server certificate');
  if (!isSignedBy(server.x509, ca.x509)) return no('the server certificate is not signed by the CA');
  const missing = missingFrom(names, server.names);
  if (missing.length > 0) return no(`the server certificate does not name ${missing.join(', ')}`);
  if (now > server.notAfter) return no(`the server certificate expired on ${onDate(server.notAfter)}`);
  if (now >= twoThirds(server))
    return no(`the server certificate is due for renewal since ${onDate(twoThirds(server))}`);
  if (now >= server.notBefore) return { fits: true };
  // Under a CA whose start is also in the future a new certificate would not help.
  if (now < ca.notBefore) return { fits: true, warning: setBack(server, now) };
  return no(
    `the server certificate is valid from ${onDate(server.notBefore)} only: the clock was set back to ${onDate(now)}`,
  );
}

const no = (why: string): Fit => ({ fits: false, why });

const only = (pem: string): Certificate | undefined => certificatesIn(pem).certificates[0];

const twoThirds = ({ notBefore, notAfter }: Certificate): Date =>
  new Date(notBefore.getTime() + ((notAfter.getTime() - notBefore.getTime()) * 2) / 3);

function missingFrom(wanted: SubjectNames, has: SubjectNames = { dns: [], ip: [] }): string[] {
  const { dns, ip } = uniqueNames(wanted);
  return [...dns.filter((name) => !has.dns.includes(name)), ...ip.filter((one) => !has.ip.includes(one))];
}

const setBack = (certificate: Certificate, now: Date): Problem =>
  new Problem('clock_off', {
    doing: 'checking the certificates of the last boot',
    found: `${certificate.subject} is valid from ${onDate(certificate.notBefore)}; this VM's clock: ${onDate(now)}`,
    expected: 'a clock that is never set back',
  });

// Whether the server certificate of an earlier boot is kept, and when it is renewed. own-ca.ts decides about the CA.
import { type Certificate, isSignedBy, matchesKey, onDate, privateKeyOf } from './certificate.ts';
import { SERVER_MS } from './issue.ts';
import { type SubjectNames, uniqueNames } from './names.ts';
import { certificatesIn, firstCertificate } from './texts.ts';

/** `why` is a sentence for the journal. `damaged`: a file is not what the agent wrote. `byDate`: the clock decided. */
export type Fit =
  | { readonly fits: true }
  | { readonly fits: false; readonly why: string; readonly damaged?: true; readonly byDate?: true };

/**
 * When the server certificate is due for renewal: a third of a year before its end. The beginning says nothing about the time
 * of issue. One that ends with its CA is not renewed, because a new one could not last longer: then, at its end.
 * @throws Problem tls_setup_failed if unreadable.
 */
export function renewAt(certPem: string, caPem: string): Date {
  const doing = 'reading when the certificate is due for renewal';
  return dueAt(firstCertificate(certPem, doing), firstCertificate(caPem, doing));
}

const dueAt = ({ notAfter }: Certificate, ca: Certificate): Date =>
  notAfter >= ca.notAfter ? notAfter : new Date(notAfter.getTime() - SERVER_MS / 3);

/**
 * Whether the server certificate of an earlier boot is kept: it matches its key and the CA, names all of `names` (others are
 * allowed), and is neither expired nor due for renewal. `wrongClock`: what the clock says about its dates does not count.
 */
export function stillFits(
  serverPem: string,
  keyPem: string,
  {
    caPem,
    names,
    now,
    wrongClock = false,
  }: { caPem: string; names: SubjectNames; now: Date; wrongClock?: boolean },
): Fit {
  const server = only(serverPem);
  const ca = only(caPem);
  if (server === undefined) return damaged('the server certificate cannot be read');
  if (ca === undefined) return no('the CA certificate cannot be read');
  const key = privateKeyOf(keyPem);
  if (key === undefined) return damaged('the key of the server certificate cannot be read');
  if (!matchesKey(server, key)) return damaged('the key does not belong to the server certificate');
  if (!isSignedBy(server.x509, ca.x509)) return no('the server certificate is not signed by the CA');
  const missing = missingFrom(names, server.names);
  if (missing.length > 0) return no(`the server certificate does not name ${missing.join(', ')}`);
  if (wrongClock) return { fits: true };
  // Before its CA is valid, or after it, a new certificate would not help.
  if (now < ca.notBefore || now > ca.notAfter) return { fits: true };
  if (now > server.notAfter) return byDate(`the server certificate expired on ${onDate(server.notAfter)}`);
  if (now >= dueAt(server, ca))
    return byDate(`the server certificate is due for renewal since ${onDate(dueAt(server, ca))}`);
  if (now >= server.notBefore) return { fits: true };
  return byDate(
    `the server certificate is valid from ${onDate(server.notBefore)} only, and this VM's clock says ${onDate(now)}`,
  );
}

const no = (why: string): Fit => ({ fits: false, why });
const damaged = (why: string): Fit => ({ fits: false, why, damaged: true });
const byDate = (why: string): Fit => ({ fits: false, why, byDate: true });

const only = (pem: string): Certificate | undefined => certificatesIn(pem).certificates[0];

function missingFrom(wanted: SubjectNames, has: SubjectNames = { dns: [], ip: [] }): string[] {
  const { dns, ip } = uniqueNames(wanted);
  return [...dns.filter((name) => !has.dns.includes(name)), ...ip.filter((one) => !has.ip.includes(one))];
}

// The CA of this VM: kept for its ten years, so that every node that ever trusted it still does. While anything of it is left,
// no new one is made without a report:
//
//   ca.pem  ca.key  what happens
//   good    good    kept; one of the future gives way to an earlier one that was set aside and is valid
//   good    no      a key that was set aside and fits is used again; else what serves goes on until it is due for renewal
//   no      good    a certificate that was set aside and fits is used again; else one is made with the same key and name
//   no      no      a pair that was set aside is used again
//   otherwise       a new CA
//
// "no": missing, damaged, or of another CA. Nothing is overwritten: what cannot be used is kept as NAME.damaged-TIME.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { basename, join } from 'node:path';
import { Problem } from '../core/problem.ts';
import { exists, listFolder, quarantine, remove, writeAtomic } from '../host/files.ts';
import { ourIds } from '../host/machine.ts';
import type { Paths } from '../host/paths.ts';
import { textOrUnfit, UnfitFile } from '../host/read.ts';
import { type Certificate, matchesKey, onDate, privateKeyOf } from '../tls/certificate.ts';
import { type IssueTime, issueCa } from '../tls/issue.ts';
import { certificatesIn, firstCertificate } from '../tls/texts.ts';
import { certificateFiles } from './launch.ts';
import type { StepTools } from './step.ts';

export interface OwnCa {
  readonly certPem: string;
  /** Undefined: it is lost, and nothing can be issued. */
  readonly keyPem: string | undefined;
  readonly kept: boolean;
  /** For the journal. */
  readonly note: string;
}

interface CaFacts extends IssueTime {
  readonly hostName: string;
  /** Whether the dates of this CA, or of any, must not be judged by this VM's clock. */
  wrongClock(caPem?: string): boolean;
  /** How long what serves can go on without the CA's key; undefined: it has to be issued again now. */
  goesOnUntil(caPem: string): Date | undefined;
}

/** A file with what it holds. */
interface Good<T> {
  readonly file: string;
  readonly text: string;
  readonly value: T;
}

interface Pair {
  readonly cert: Good<Certificate>;
  readonly key: Good<KeyObject>;
}

type Part<T> = Good<T> | { readonly value?: undefined; readonly fault: string; readonly missing: boolean };

/** Keeps, repairs or makes the CA, and reports what that means for SuperNodes. */
export function ownCa(tools: StepTools, facts: CaFacts): OwnCa {
  const { paths } = tools.machine;
  const { now } = facts;
  const { caCertificate, caKey, server, loopback } = certificateFiles(paths);
  const [cert, key] = [certificateIn(caCertificate), keyIn(caKey)];
  if (cert.value !== undefined && key.value !== undefined && matchesKey(cert.value, key.value))
    return earlierCa(tools, cert, facts) ?? kept(cert.text, key.text);

  const issued = [server, loopback].flatMap((pair) => [pair.certificate, pair.key]).filter(exists);
  const left = [...listFolder(paths.tls).filter((name) => /^ca\.(pem|key)\b/.test(name)), ...issued];
  if (left.length === 0) return newCa(paths, facts);
  const faults = [cert, key].flatMap((part) => (part.value === undefined ? [part.fault] : []));
  const found = faults.join(' and ') || 'the key of the CA does not belong to its certificate';
  const damaged = (remedy: string): Problem =>
    new Problem('state_damaged', { doing: 'checking the CA of this VM', found, expected: WHOLE, remedy });

  const pair = restorable(paths, cert, key, facts);
  if (pair !== undefined) {
    for (const file of [caCertificate, caKey])
      if (file !== pair.cert.file && file !== pair.key.file) putAside(file, now);
    tools.degrade(damaged(`nothing: ${useAgain(paths, pair)}, and SuperNodes that trust this CA still do`));
    return { ...kept(pair.cert.text, pair.key.text), kept: false, note: 'CA used again, ' };
  }

  const until = cert.value === undefined ? undefined : facts.goesOnUntil(cert.text);
  if (cert.value !== undefined && until !== undefined) {
    const aside = describe(putAside(caKey, now));
    const remedy = `restore ${caKey} from a backup${aside}. Without it the server certificate cannot be renewed; it serves until ${onDate(until)}. Then a new CA is made: ${PINNED}`;
    tools.degrade(damaged(remedy));
    return { certPem: cert.text, keyPem: undefined, kept: true, note: 'CA kept without its key, ' };
  }

  const leaf = firstIn(server.certificate) ?? firstIn(loopback.certificate);
  // With both, nothing but a certificate that it issued says which of the two is that of the CA.
  const isOurs = leaf === undefined ? cert.value === undefined : key.value && hasSigned(key.value, leaf);
  if (key.value !== undefined && isOurs) {
    const aside = describe(putAside(caCertificate, now));
    const made = issueCa({ ...options(facts), key: key.value, subject: leaf?.issuerDer });
    writeAtomic(caCertificate, made.certPem, { mode: 0o644 });
    const same = `its certificate was made again with the same key and the name ${firstCertificate(made.certPem).subject}`;
    const problem = damaged(
      `nothing: ${same}. SuperNodes that trust a certificate with this key and name accept it${aside}`,
    );
    // Alone, the key may be what an interrupted first boot has left: nobody has trusted it yet.
    if (left.length === 1 && cert.value === undefined && cert.missing)
      tools.warn(new Problem('state_damaged', { ...problem.facts, severity: 'warning' }));
    else tools.degrade(problem);
    return { certPem: made.certPem, keyPem: key.text, kept: false, note: 'CA certificate made again, ' };
  }

  const asides = [caCertificate, caKey, ...issued].map((file) => putAside(file, now));
  const names = asides.filter((path) => path !== undefined).map((path) => basename(path));
  const rest = names.length === 0 ? '' : `. What was left is kept there as ${names.join(', ')}`;
  const restore = `restore ca.pem and ca.key from a backup into ${paths.tls}, then \`systemctl restart flower-context\``;
  tools.degrade(damaged(`${restore}. Until then a new CA serves: ${PINNED}${rest}`));
  return newCa(paths, facts);
}

const WHOLE = 'ca.pem and ca.key of one CA';
const PINNED =
  'SuperNodes that pin the old CA (FL_SSL_CA_CERTFILE) need the new one (`flower-context ca --base64`), the others find it on OneGate';

const describe = (aside: string | undefined): string =>
  aside === undefined ? '' : ` (what was there is kept as ${aside})`;

const kept = (certPem: string, keyPem: string): OwnCa => ({ certPem, keyPem, kept: true, note: 'CA kept, ' });

const options = ({ now, built, hostName }: CaFacts) => ({
  now,
  built,
  commonName: `flower-context CA ${hostName}`,
});

function newCa(paths: Paths, facts: CaFacts): OwnCa {
  const pair = issueCa(options(facts));
  writeCa(paths, pair.certPem, pair.keyPem);
  return { ...pair, kept: false, note: 'new CA, ' };
}

/** The key first: its certificate can be made again. */
function writeCa(paths: Paths, certPem: string, keyPem: string): void {
  const { caCertificate, caKey } = certificateFiles(paths);
  writeAtomic(caKey, keyPem, { mode: 0o600, owner: ourIds() });
  writeAtomic(caCertificate, certPem, { mode: 0o644 });
}

/** A CA of the future was made while the clock was ahead: the one before it is used again if it is valid. */
function earlierCa(
  { machine, journal }: StepTools,
  { value: present, text }: Good<Certificate>,
  { now, wrongClock }: CaFacts,
): OwnCa | undefined {
  if (now >= present.notBefore || wrongClock(text)) return undefined;
  const { certs, keys } = damagedFiles(machine.paths);
  const earlier = pairsOf(certs, keys).find(({ cert }) => isValid(cert.value, now));
  if (earlier === undefined) return undefined;
  const { caCertificate, caKey } = certificateFiles(machine.paths);
  const asides = [caCertificate, caKey].map((file) => putAside(file, now));
  journal.warn(
    `the CA that is valid only from ${onDate(present.notBefore)} was made while the clock was wrong: it is kept as ${asides.join(' and ')}; ${useAgain(machine.paths, earlier)}: SuperNodes that trust it (SHA-256 ${earlier.cert.value.sha256.slice(0, 23)}...) still do`,
  );
  return { ...kept(earlier.cert.text, earlier.key.text), kept: false, note: 'earlier CA used again, ' };
}

/** A whole CA of what is there and what was set aside. What is there is never left out for that. */
function restorable(
  paths: Paths,
  cert: Part<Certificate>,
  key: Part<KeyObject>,
  { now, wrongClock }: CaFacts,
): Pair | undefined {
  const { certs, keys } = damagedFiles(paths);
  if (cert.value === undefined && key.value === undefined)
    return pairsOf(certs, keys).find((pair) => wrongClock() || isValid(pair.cert.value, now));
  const withCert = cert.value === undefined ? [] : pairsOf([cert], keys);
  const withKey = key.value === undefined ? [] : pairsOf(certs, [key]);
  return withCert[0] ?? withKey.find((pair) => wrongClock() || isValid(pair.cert.value, now));
}

/** Certificates and keys that were set aside and can be read, the latest first. */
function damagedFiles({ tls }: Paths) {
  const named = <T extends object>(start: string, read: (file: string) => Part<T>): Good<T>[] =>
    listFolder(tls)
      .filter((name) => name.startsWith(start))
      .reverse()
      .map((name) => read(join(tls, name)))
      .filter((part): part is Good<T> => part.value !== undefined);
  return { certs: named('ca.pem.damaged-', certificateIn), keys: named('ca.key.damaged-', keyIn) };
}

const pairsOf = (certs: readonly Pair['cert'][], keys: readonly Pair['key'][]): Pair[] =>
  certs.flatMap((cert) =>
    keys.filter((key) => matchesKey(cert.value, key.value)).map((key) => ({ cert, key })),
  );

/** Moves what was set aside back to its name, and says so in a clause. */
function useAgain(paths: Paths, { cert, key }: Pair): string {
  const { caCertificate, caKey } = certificateFiles(paths);
  writeCa(paths, cert.text, key.text);
  const moved = [cert.file, key.file].filter((file) => file !== caCertificate && file !== caKey);
  for (const file of moved) remove(file);
  return `${moved.map((file) => basename(file)).join(' and ')} is used again`;
}

const hasSigned = (key: KeyObject, { x509 }: Certificate): boolean => x509.verify(createPublicKey(key));

const putAside = (file: string, now: Date): string | undefined =>
  exists(file) ? quarantine(file, now) : undefined;

const isValid = ({ notBefore, notAfter }: Certificate, now: Date): boolean =>
  now >= notBefore && now <= notAfter;

const certificateIn = (file: string): Part<Certificate> =>
  partIn(file, (text) => {
    const [certificate] = certificatesIn(text).certificates;
    if (certificate === undefined) return 'the CA certificate cannot be read';
    return certificate.isCa ? certificate : 'the CA certificate is not a CA';
  });

const keyIn = (file: string): Part<KeyObject> =>
  partIn(file, (text) => privateKeyOf(text) ?? 'the key of the CA cannot be read');

function partIn<T extends object>(file: string, read: (text: string) => T | string): Part<T> {
  const text = textOrUnfit(file);
  if (text === undefined) return { fault: `${file} does not exist`, missing: true };
  if (text instanceof UnfitFile) return { fault: text.message, missing: false };
  const value = read(text);
  return typeof value === 'string' ? { fault: `${value} (${file})`, missing: false } : { file, text, value };
}

function firstIn(file: string): Certificate | undefined {
  const text = textOrUnfit(file);
  return typeof text === 'string' ? certificatesIn(text).certificates[0] : undefined;
}

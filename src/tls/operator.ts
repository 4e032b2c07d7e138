// Certificates of the operator (FL_SSL_*). All faults are reported together, before Flower starts.
import { joinProblems, Problem, type ProblemFacts } from '../core/problem.ts';
import { keyBeside, readCa, type TrustedCa } from './ca.ts';
import { type Certificate, matchesKey, onDate, outsideValidity } from './certificate.ts';
import { buildChain } from './chain.ts';
import { readServerKey, type ServerKey } from './key.ts';
import { covers, listNames, sanEntry } from './names.ts';
import { weaknesses } from './strength.ts';
import { type CertificateText, certificatesIn } from './texts.ts';

/** FL_SSL_CA_CERTFILE, FL_SSL_CERTFILE and FL_SSL_KEYFILE as PEM. */
export interface OperatorTexts {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface OperatorOptions {
  readonly now: Date;
  /** Addresses that SuperNodes may connect to. */
  readonly addresses: readonly string[];
  /** Names that SuperNodes may connect to. */
  readonly dialNames?: readonly string[];
}

/** PEM as Python's grpc needs it: LF, PKCS#8, the server certificate first and after it only what it needs. */
export interface OperatorCertificates extends OperatorTexts {
  /** Those of `addresses` and `dialNames` that the certificate names. */
  readonly dialable: readonly string[];
  readonly notAfter: Date;
  readonly warnings: readonly Problem[];
}

const CA = 'FL_SSL_CA_CERTFILE';
const CERT = 'FL_SSL_CERTFILE';
const KEY = 'FL_SSL_KEYFILE';
const DOING = `checking the server certificate in ${CERT}`;
const SOON_MS = 30 * 86_400_000;

/**
 * Checks the three against each other, the clock and the hosts that SuperNodes connect to.
 * @throws Problem tls_setup_failed or address_not_in_certificate, with all that was found in `others`.
 */
export function takeOperatorCertificates(
  texts: OperatorTexts,
  options: OperatorOptions,
): OperatorCertificates {
  const { now, addresses, dialNames = [] } = options;
  const hosts = [...addresses, ...dialNames];
  const problems: Problem[] = [];
  const attempt = <T>(check: () => T): T | undefined => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
      return undefined;
    }
  };
  const ca = attempt(() => readCa(texts.caPem, { variable: CA, now, code: 'tls_setup_failed' }));
  const key = attempt(() => readServerKey(texts.keyPem, KEY));
  const given = attempt(() => serverCertificates(texts.certPem));
  const leaf = given && (attempt(() => leafAmong(given.certificates, key)) ?? given.certificates[0]!);
  const path = leaf && ca && attempt(() => pathOf(leaf, given.certificates, ca, now));
  if (leaf !== undefined)
    problems.push(
      ...weaknesses(path ?? [leaf]).map((weakness) => refuse(weakness)),
      ...faultsOf(leaf, hosts, now),
    );
  const [first, ...others] = problems;
  if (first !== undefined) throw joinProblems([first, ...others]);
  const { names, notAfter } = leaf!;
  const dialable = hosts.filter((host) => covers(names!, host));
  return {
    caPem: ca!.caPem,
    certPem: path!.map(({ pem }) => pem).join(''),
    keyPem: key!.keyPem,
    dialable,
    notAfter,
    warnings: [
      ...ca!.warnings,
      ...(given!.hasKey ? [keyBeside(DOING, CERT)] : []),
      ...warningsAbout(leaf!, options, dialable),
    ],
  };
}

type Fault = Omit<ProblemFacts, 'doing' | 'variable'>;

const refuse = (facts: Fault, variable = CERT): Problem =>
  new Problem('tls_setup_failed', { doing: DOING, variable, ...facts });

function serverCertificates(text: string): CertificateText {
  const read = certificatesIn(text);
  if (read.fault === undefined) return read;
  throw refuse({ expected: 'the server certificate in PEM, followed by its intermediates', ...read.fault });
}

/** The certificate of the key, at any position; without a usable key, the first. */
function leafAmong(certificates: readonly Certificate[], key: ServerKey | undefined): Certificate {
  if (key === undefined) return certificates[0]!;
  const leaf = certificates.find((certificate) => matchesKey(certificate, key.key));
  if (leaf !== undefined) return leaf;
  const found = `the key in ${KEY} does not belong to ${certificates[0]!.subject}`;
  const remedy =
    'set the key that the certificate was requested with; `openssl x509 -pubkey` and `openssl pkey -pubout` must agree';
  throw refuse({ found, remedy }, KEY);
}

function pathOf(
  leaf: Certificate,
  given: readonly Certificate[],
  ca: TrustedCa,
  now: Date,
): readonly Certificate[] {
  const chain = buildChain(leaf, given, ca.certificates, now);
  if (chain.ok) return chain.path;
  const remedy =
    chain.kind === 'untrusted'
      ? `append the certificate of its issuer to ${CERT}, or put the right CA into ${CA}`
      : chain.remedy;
  throw refuse({ found: chain.found, expected: `a chain that ends at a CA in ${CA}`, remedy });
}

/** What is wrong with the server certificate itself. */
function faultsOf(leaf: Certificate, hosts: readonly string[], now: Date): Problem[] {
  const { subject, forServers, allowsDigitalSignature } = leaf;
  const faults: (Fault | false | undefined)[] = [
    outsideValidity(leaf, now),
    !forServers && {
      found: `${subject} may not be used by a server (extendedKeyUsage without serverAuth)`,
      remedy: 'have it issued again with extendedKeyUsage serverAuth',
    },
    !allowsDigitalSignature && {
      found: `${subject} may not sign a TLS handshake (keyUsage without digitalSignature)`,
      remedy: 'have it issued again with keyUsage digitalSignature',
    },
  ];
  return [...faults.filter((fault) => !!fault).map((fault) => refuse(fault)), ...unnamedHosts(leaf, hosts)];
}

function unnamedHosts({ names, subject }: Certificate, hosts: readonly string[]): Problem[] {
  const entries = hosts.map(sanEntry).join(', ');
  if (names === undefined) {
    const found = `${subject} has no subjectAltName; the CN does not name an address`;
    return [refuse({ found, remedy: `have it issued again with subjectAltName ${entries}` })];
  }
  if (hosts.length === 0 || hosts.some((host) => covers(names, host))) return [];
  return [
    new Problem('address_not_in_certificate', {
      doing: DOING,
      found: `it names ${listNames(names)}, but SuperNodes connect to ${hosts.join(', ')}`,
      expected: 'at least one address that a SuperNode can use',
      remedy: `have it issued again with ${entries} (FL_CERT_EXTRA_SAN changes only certificates of the agent)`,
      variable: CERT,
    }),
  ];
}

function warningsAbout(
  { subject, notAfter }: Certificate,
  { now, addresses }: OperatorOptions,
  dialable: readonly string[],
): Problem[] {
  const warnings: Problem[] = [];
  const warn = (found: string, remedy: string): unknown =>
    warnings.push(new Problem('config_suspicious', { doing: DOING, found, remedy, variable: CERT }));
  if (notAfter.getTime() - now.getTime() < SOON_MS)
    warn(`${subject} expires on ${onDate(notAfter)}`, 'have it issued again; the agent does not renew it');
  const uncovered = addresses.filter((address) => !dialable.includes(address));
  if (uncovered.length > 0)
    warn(
      `${subject} does not name ${uncovered.join(', ')}`,
      `SuperNodes can connect only to ${dialable.join(', ')}`,
    );
  return warnings;
}

// Certificates of the operator (FL_SSL_*). All faults are reported together, before Flower starts.
import { joinProblems, Problem, type ProblemFacts } from '../core/problem.ts';
import { keyBeside, readCa, type TrustedCa } from './ca.ts';
import { type Certificate, matchesKey, onDate, outsideValidity, publicKeyOf } from './certificate.ts';
import { buildChain } from './chain.ts';
import { hasNamedCurve, readServerKey, type ServerKey } from './key.ts';
import { covers, listNames, type SubjectNames, sanEntry } from './names.ts';
import { certificatesIn } from './texts.ts';

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
  readonly names: SubjectNames;
  /** Those of `addresses` and `dialNames` that the certificate names. */
  readonly dialable: readonly string[];
  readonly notAfter: Date;
  readonly caFingerprintSha256: string;
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
  const problems: Problem[] = [];
  const ca = attempt(problems, () =>
    readCa(texts.caPem, { variable: CA, now: options.now, code: 'tls_setup_failed' }),
  );
  const key = attempt(problems, () => readServerKey(texts.keyPem, KEY));
  const given = attempt(problems, () => serverCertificates(texts.certPem));
  const leaf = given && (leafAmong(given.certificates, key) ?? mismatch(problems, given.certificates[0]!));
  const path = leaf && ca && pathOf(problems, leaf, given.certificates, ca, options.now);
  if (leaf !== undefined) problems.push(...faultsOf(leaf, options), ...weaknesses(path ?? [leaf]));
  const [first, ...others] = problems;
  if (first !== undefined) throw joinProblems([first, ...others]);
  const dialable = hostsOf(options).filter((host) => covers(leaf!.names!, host));
  return {
    caPem: ca!.caPem,
    certPem: path!.map(({ pem }) => pem).join(''),
    keyPem: key!.keyPem,
    names: leaf!.names!,
    dialable,
    notAfter: leaf!.notAfter,
    caFingerprintSha256: ca!.fingerprintSha256,
    warnings: [...ca!.warnings, ...given!.warnings, ...warningsAbout(leaf!, options, dialable)],
  };
}

type Fault = Omit<ProblemFacts, 'doing' | 'variable'>;

const refuse = (facts: Fault, variable = CERT): Problem =>
  new Problem('tls_setup_failed', { doing: DOING, variable, ...facts });

function attempt<T>(problems: Problem[], run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problems.push(error);
    return undefined;
  }
}

function serverCertificates(text: string): {
  certificates: readonly Certificate[];
  warnings: readonly Problem[];
} {
  const { certificates, fault, hasKey } = certificatesIn(text);
  if (fault !== undefined)
    throw refuse({ expected: 'the server certificate in PEM, followed by its intermediates', ...fault });
  return { certificates, warnings: hasKey ? [keyBeside(DOING, CERT)] : [] };
}

/** The certificate of the key, at any position; without a usable key, the first. */
const leafAmong = (
  certificates: readonly Certificate[],
  key: ServerKey | undefined,
): Certificate | undefined =>
  key === undefined ? certificates[0] : certificates.find((certificate) => matchesKey(certificate, key.key));

function mismatch(problems: Problem[], first: Certificate): Certificate {
  const found = `the key in ${KEY} does not belong to ${first.subject}`;
  const remedy =
    'set the key that the certificate was requested with; `openssl x509 -pubkey` and `openssl pkey -pubout` must agree';
  problems.push(refuse({ found, remedy }, KEY));
  return first;
}

function pathOf(
  problems: Problem[],
  leaf: Certificate,
  given: readonly Certificate[],
  ca: TrustedCa,
  now: Date,
): readonly Certificate[] | undefined {
  const chain = buildChain(leaf, given, ca.certificates, now);
  if (chain.ok) return chain.path;
  const remedy =
    chain.kind === 'untrusted'
      ? `append the certificate of its issuer to ${CERT}, or put the right CA into ${CA}`
      : chain.remedy;
  problems.push(refuse({ found: chain.found, expected: `a chain that ends at a CA in ${CA}`, remedy }));
  return undefined;
}

/** Digests that can be forged. The signature of a certificate that is trusted itself is never verified. */
const weaknesses = (path: readonly Certificate[]): Problem[] =>
  path
    .filter(({ weakSignature, selfSigned }) => weakSignature !== undefined && !selfSigned)
    .map(({ subject, weakSignature }) =>
      refuse({
        found: `${subject} is signed with ${weakSignature}, which can be forged`,
        remedy: 'have it issued again with SHA-256',
      }),
    );

/** What is wrong with the server certificate itself. */
function faultsOf(leaf: Certificate, options: OperatorOptions): Problem[] {
  const { subject, forServers, allowsDigitalSignature } = leaf;
  const publicKey = publicKeyOf(leaf);
  const faults: (Fault | false | undefined)[] = [
    outsideValidity(leaf, options.now),
    publicKey !== undefined &&
      !hasNamedCurve(publicKey) && {
        found: `the key of ${subject} has explicit curve parameters instead of a named curve`,
        remedy: 'have it issued again for a key with a named curve',
      },
    !forServers && {
      found: `${subject} may not be used by a server (extendedKeyUsage without serverAuth)`,
      remedy: 'have it issued again with extendedKeyUsage serverAuth',
    },
    !allowsDigitalSignature && {
      found: `${subject} may not sign a TLS handshake (keyUsage without digitalSignature)`,
      remedy: 'have it issued again with keyUsage digitalSignature',
    },
  ];
  const unnamed = unnamedHosts(leaf, hostsOf(options));
  return [
    ...faults.filter((fault) => fault !== undefined && fault !== false).map((fault) => refuse(fault)),
    ...(unnamed === undefined ? [] : [unnamed]),
  ];
}

const hostsOf = ({ addresses, dialNames = [] }: OperatorOptions): string[] => [...addresses, ...dialNames];

function unnamedHosts({ names, subject }: Certificate, hosts: readonly string[]): Problem | undefined {
  const entries = hosts.map(sanEntry).join(', ');
  if (names === undefined) {
    return refuse({
      found: `${subject} has no subjectAltName; the CN does not name an address`,
      remedy: `have it issued again with subjectAltName ${entries}`,
    });
  }
  if (hosts.length === 0 || hosts.some((host) => covers(names, host))) return undefined;
  return new Problem('address_not_in_certificate', {
    doing: DOING,
    found: `it names ${listNames(names)}, but SuperNodes connect to ${hosts.join(', ')}`,
    expected: 'at least one address that a SuperNode can use',
    remedy: `have it issued again with ${entries} (FL_CERT_EXTRA_SAN changes only certificates of the agent)`,
    variable: CERT,
  });
}

function warningsAbout(
  { subject, notAfter }: Certificate,
  { now, addresses }: OperatorOptions,
  dialable: readonly string[],
): Problem[] {
  const uncovered = addresses.filter((address) => !dialable.includes(address));
  const warn = (found: string, remedy: string): Problem =>
    new Problem('config_suspicious', { doing: DOING, found, remedy, variable: CERT });
  return [
    ...(notAfter.getTime() - now.getTime() < SOON_MS
      ? [
          warn(
            `${subject} expires on ${onDate(notAfter)}`,
            'have it issued again; the agent does not renew it',
          ),
        ]
      : []),
    ...(uncovered.length > 0
      ? [
          warn(
            `${subject} does not name ${uncovered.join(', ')}`,
            `SuperNodes can connect only to ${dialable.join(', ')}`,
          ),
        ]
      : []),
  ];
}

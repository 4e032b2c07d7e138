// Certificates that the operator brings (FL_SSL_*): everything that would go wrong later is said now, all at once.
import { joinProblems, Problem, type ProblemFacts } from '../core/problem.ts';
import { keyBeside, readCa, type TrustedCa } from './ca.ts';
import { type Certificate, matchesKey, publicKeyOf } from './certificate.ts';
import { buildChain } from './chain.ts';
import { onDate, outsideValidity } from './dates.ts';
import { hasNamedCurve, readServerKey, type ServerKey } from './key.ts';
import { covers, listNames, type SubjectNames, sanEntry } from './names.ts';
import { certificatesIn } from './texts.ts';

/** Decoded texts of FL_SSL_CA_CERTFILE, FL_SSL_CERTFILE and FL_SSL_KEYFILE. */
export interface OperatorTexts {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface OperatorOptions {
  readonly now: Date;
  /** Addresses that SuperNodes may dial. */
  readonly addresses: readonly string[];
  /** Names that SuperNodes may dial. */
  readonly dialNames?: readonly string[];
}

/** Clean texts, as Python's grpc wants them: LF, PKCS#8, the server certificate first and only what it needs behind it. */
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
 * Checks the three against each other, against the clock and against what SuperNodes dial.
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
  const dialable = dialledHosts(options).filter((host) => covers(leaf!.names!, host));
  return {
    caPem: ca!.caPem,
    certPem: path!.map(({ pem }) => pem).join(''),
    keyPem: key!.keyPem,
    names: leaf!.names!,
    dialable,
    notAfter: leaf!.notAfter,
    caFingerprintSha256: ca!.fingerprintSha256,
    warnings: [...ca!.warnings, ...given!.warnings, ...oddities(leaf!, options, dialable)],
  };
}

const refuse = (facts: Omit<ProblemFacts, 'doing' | 'variable'>): Problem =>
  new Problem('tls_setup_failed', { doing: DOING, variable: CERT, ...facts });

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
    throw refuse({ expected: 'the server certificate in PEM, its intermediates behind it', ...fault });
  return { certificates, warnings: hasKey ? [keyBeside(DOING, CERT)] : [] };
}

/** The certificate that the key belongs to, wherever it stands; without a usable key, the first. */
const leafAmong = (
  certificates: readonly Certificate[],
  key: ServerKey | undefined,
): Certificate | undefined =>
  key === undefined ? certificates[0] : certificates.find((certificate) => matchesKey(certificate, key.key));

function mismatch(problems: Problem[], first: Certificate): Certificate {
  const found = `the key in ${KEY} does not belong to ${first.subject}`;
  const remedy =
    'give the key that the certificate was requested with; `openssl x509 -pubkey` and `openssl pkey -pubout` must agree';
  problems.push(new Problem('tls_setup_failed', { doing: DOING, variable: KEY, found, remedy }));
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
      ? `put the certificate of its issuer behind the server's in ${CERT}, or the right CA into ${CA}`
      : chain.remedy;
  problems.push(refuse({ found: chain.found, expected: `a chain that ends at a CA in ${CA}`, remedy }));
  return undefined;
}

/** Digests that can be forged; nobody looks at the signature of a certificate that vouches for itself. */
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
  const problems: Problem[] = [];
  const validity = outsideValidity(leaf, options.now);
  if (validity !== undefined) problems.push(refuse(validity));
  const publicKey = publicKeyOf(leaf);
  if (publicKey !== undefined && !hasNamedCurve(publicKey)) {
    const found = `the key of ${leaf.subject} has its curve written out instead of named`;
    problems.push(refuse({ found, remedy: 'have it issued again for a key with a named curve' }));
  }
  if (!leaf.forServers) {
    const found = `${leaf.subject} may not be used by a server (extendedKeyUsage without serverAuth)`;
    problems.push(refuse({ found, remedy: 'have it issued again with extendedKeyUsage serverAuth' }));
  }
  if (!leaf.allowsDigitalSignature) {
    const found = `${leaf.subject} may not sign a TLS handshake (keyUsage without digitalSignature)`;
    problems.push(refuse({ found, remedy: 'have it issued again with keyUsage digitalSignature' }));
  }
  const unnamed = unnamedHosts(leaf, options);
  return unnamed === undefined ? problems : [...problems, unnamed];
}

const dialledHosts = ({ addresses, dialNames = [] }: OperatorOptions): string[] => [
  ...addresses,
  ...dialNames,
];

function unnamedHosts(leaf: Certificate, options: OperatorOptions): Problem | undefined {
  const hosts = dialledHosts(options);
  if (leaf.names === undefined) {
    return refuse({
      found: `${leaf.subject} has no subjectAltName; the CN does not name an address`,
      remedy: `have it issued again with subjectAltName ${hosts.map(sanEntry).join(', ')}`,
    });
  }
  if (hosts.length === 0 || hosts.some((host) => covers(leaf.names!, host))) return undefined;
  return new Problem('address_not_in_certificate', {
    doing: DOING,
    found: `it names ${listNames(leaf.names)}, but SuperNodes dial ${hosts.join(', ')}`,
    expected: 'at least one address that a SuperNode can use',
    remedy: `have it issued again with ${hosts.map(sanEntry).join(', ')} (FL_CERT_EXTRA_SAN changes only certificates made here)`,
    variable: CERT,
  });
}

function oddities(leaf: Certificate, options: OperatorOptions, dialable: readonly string[]): Problem[] {
  const odd = (found: string, remedy: string): Problem =>
    new Problem('config_suspicious', { doing: DOING, found, remedy, variable: CERT });
  const uncovered = options.addresses.filter((address) => !dialable.includes(address));
  const problems: Problem[] = [];
  if (leaf.notAfter.getTime() - options.now.getTime() < SOON_MS) {
    problems.push(
      odd(
        `${leaf.subject} expires on ${onDate(leaf.notAfter)}`,
        'have it issued again in time; it is not renewed here',
      ),
    );
  }
  if (uncovered.length > 0) {
    problems.push(
      odd(
        `${leaf.subject} does not name ${uncovered.join(', ')}`,
        `SuperNodes can dial only ${dialable.join(', ')}`,
      ),
    );
  }
  return problems;
}

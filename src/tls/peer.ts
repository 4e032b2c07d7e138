// Why a TLS client with this CA would refuse the SuperLink. Flower only reports that it could not connect, so the agent
// checks the certificate before it starts Flower.
import { joinProblems, Problem } from '../core/problem.ts';
import { readCa } from './ca.ts';
import { type Certificate, outsideValidity, type WhichClock } from './certificate.ts';
import { buildChain } from './chain.ts';
import { covers, listNames, sanEntry } from './names.ts';
import { weaknesses } from './strength.ts';
import { certificatesIn } from './texts.ts';
import { ORGANIZATION } from './x509-write.ts';

export interface PeerFacts {
  /** The certificates that the server sent, its own first. */
  readonly chainPem: string;
  /** The CA that this node trusts. */
  readonly caPem: string;
  /** The host to connect to: an address without brackets in the spelling of readHostPort, or a name. */
  readonly host: string;
  readonly now: Date;
  /** Which clock is wrong, if a certificate is not valid now. */
  readonly which?: WhichClock | undefined;
}

/**
 * Everything that is wrong with the certificate at `host`, by gRPC's rules; undefined when it would be accepted.
 * Codes: ca_mismatch, ca_invalid, address_not_in_certificate, tls_setup_failed (dates, usage, nothing readable).
 */
export function explainPeer({ chainPem, caPem, host, now, which }: PeerFacts): Problem | undefined {
  const doing = `checking the certificate of the SuperLink at ${host}`;
  const refuse = (found: string, remedy: string, more: { expected?: string } = {}): Problem =>
    new Problem('tls_setup_failed', { doing, found, remedy, ...more });
  const { certificates, fault } = certificatesIn(chainPem);
  const [leaf, ...others] = certificates;
  if (leaf === undefined)
    return refuse(`it sent ${fault!.found}`, 'check the SuperLink: `flower-context status` there');

  const trusted = trustOf(leaf, others, { caPem, now, which }, doing);
  const path = trusted instanceof Problem ? [leaf] : trusted;
  const problems: (Problem | undefined)[] = [
    trusted instanceof Problem ? trusted : undefined,
    ...weaknesses(path).map(({ found, expected, remedy }) => refuse(found, remedy, { expected })),
  ];
  const validity = outsideValidity(leaf, now, which);
  if (validity !== undefined) {
    const remedy =
      now < leaf.notBefore
        ? 'start time synchronisation on both sides (`timedatectl set-ntp true`): one of the clocks is wrong'
        : 'renew it on the SuperLink (`systemctl restart flower-context` renews one that the agent issued); if it is still valid, check the clock here';
    problems.push(refuse(validity.found, which?.remedy ?? remedy));
  }
  if (!leaf.forServers || !leaf.allowsDigitalSignature) {
    const usage = leaf.forServers ? 'keyUsage' : 'extendedKeyUsage';
    const found = `${leaf.subject} may not be used by a TLS server (${usage})`;
    problems.push(refuse(found, 'have it issued again for serverAuth'));
  }
  problems.push(nameFault(leaf, host, doing));
  const [first, ...rest] = problems.filter((problem) => problem !== undefined);
  return first && joinProblems([first, ...rest]);
}

/** The path to the CA, or why there is none. */
function trustOf(
  leaf: Certificate,
  others: readonly Certificate[],
  { caPem, now, which }: Pick<PeerFacts, 'caPem' | 'now' | 'which'>,
  doing: string,
): readonly Certificate[] | Problem {
  try {
    const { certificates } = readCa(caPem, { variable: 'the CA this node trusts', now, which });
    const chain = buildChain(leaf, others, certificates, now);
    if (chain.ok) return chain.path;
    const { kind, found, remedy, last } = chain;
    if (kind === 'unsound') return new Problem('tls_setup_failed', { doing, found, remedy });
    const end = last === leaf ? '' : `, its chain ends at ${nameOf(last)}`;
    const issuer = last.selfSigned ? 'which is self-signed' : `signed by ${last.issuer}`;
    const renewed = certificates.some(({ subject }) => subject === last.issuer)
      ? '; same name, another key: the SuperLink has a new CA'
      : '';
    const trusted = certificates.map(nameOf).join(' and ');
    return new Problem('ca_mismatch', {
      doing,
      found: `it sends ${nameOf(leaf)}${end}, ${issuer}; this node trusts ${trusted}${renewed}`,
      expected: 'a certificate signed by the CA this node trusts',
    });
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/** Subject and the first eight bytes of the fingerprint, enough to compare two. */
const nameOf = ({ subject, sha256 }: Certificate): string => `${subject} (SHA-256 ${sha256.slice(0, 23)}...)`;

/**
 * Whether gRPC accepts the CN of a certificate without subjectAltName for the host. It does so for names only. It treats an
 * IPv6 address as a name when a letter precedes the first colon (`fd00::5`), and compares it as text.
 */
function namedByCommonName({ x509 }: Certificate, host: string): boolean {
  if (/^[\d.]*(:|$)/.test(host)) return false;
  const cn = /^CN=(.*)$/m.exec(x509.subject ?? '')?.[1]?.toLowerCase() ?? '';
  return covers({ dns: [cn], ip: [cn] }, host);
}

function nameFault(leaf: Certificate, host: string, doing: string): Problem | undefined {
  if (leaf.names === undefined ? namedByCommonName(leaf, host) : covers(leaf.names, host)) return undefined;
  const entry = sanEntry(host);
  const line = `FL_CERT_EXTRA_SAN="${entry}"`;
  const issuedByAgent = leaf.issuer.includes(`O=${ORGANIZATION}`);
  return new Problem('address_not_in_certificate', {
    doing,
    found: `it does not name ${host}; it names ${listNames(leaf.names)}`,
    remedy: issuedByAgent
      ? `on the SuperLink set ${line} (append it with a comma to an existing value) and restart it, or connect to one of the names above`
      : `have the certificate issued again with ${entry}, or connect to one of the names above`,
    variable: issuedByAgent ? 'FL_CERT_EXTRA_SAN' : 'FL_SSL_CERTFILE',
    ...(issuedByAgent ? { example: line } : {}),
  });
}

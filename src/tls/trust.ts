// Whether a SuperNode uses TLS, and which CA it trusts. It uses plaintext only where FL_TLS_ENABLED=NO or the SuperLink's
// FL_TLS=NO asks for it:
//
//   FL_TLS_ENABLED   FL_SSL_CA_CERTFILE   result
//   YES              set                  TLS with this CA
//   YES              empty                TLS with the CA that the SuperLink publishes; a failure without one
//   NO               any                  plaintext
//   empty            set                  TLS with this CA
//   empty            empty                as the SuperLink publishes; a failure when FL_SUPERLINK_ADDRESS is set
//
// TLS with a SuperLink that publishes FL_TLS=NO is a failure, and so is FL_TLS=NO to a node that used TLS before: what
// OneGate says may only increase trust (trust-memory.ts).
import { Problem, type ProblemFacts } from '../core/problem.ts';
import { unlessError } from '../core/result.ts';
import { decodeCaBase64, readCa, type TrustedCa } from './ca.ts';
import type { WhichClock } from './certificate.ts';
import { CA_FILE_ONLY, type TrustMemory } from './trust-memory.ts';

export interface TrustFacts {
  /** FL_TLS_ENABLED; undefined when it is not set. */
  readonly tlsEnabled: boolean | undefined;
  /** FL_SSL_CA_CERTFILE. */
  readonly pinnedCaPem?: string;
  /** 'static': FL_SUPERLINK_ADDRESS is set and OneGate is not used. */
  readonly mode: 'static' | 'discovery';
  /** FL_TLS and FL_CA_CERT (base64) of the SuperLink, in discovery. */
  readonly published?: { readonly tls: 'YES' | 'NO' | undefined; readonly caCert?: string };
  readonly now: Date;
  /** Which clock is wrong, if the CA is not valid now. */
  readonly which?: WhichClock | undefined;
  /** What this node trusted last; undefined: nobody. */
  readonly last?: Pick<TrustMemory, 'tls' | 'ca' | 'address' | 'at'> | undefined;
}

export type TrustDecision =
  | {
      readonly tls: true;
      readonly caPem: string;
      readonly fingerprintSha256: string;
      /** Of every CA in `caPem`. */
      readonly fingerprints: string[];
      readonly source: 'FL_SSL_CA_CERTFILE' | 'OneGate';
      readonly warnings: readonly Problem[];
    }
  | { readonly tls: false; readonly warnings: readonly Problem[] };

const CA = 'FL_SSL_CA_CERTFILE';
const TLS = 'FL_TLS_ENABLED';
const ON_ONEGATE = "the SuperLink's FL_CA_CERT on OneGate";

/**
 * TLS or plaintext, and with which CA.
 * @throws Problem ca_missing, ca_invalid, or tls_mode_mismatch when this node is to use TLS and the SuperLink publishes
 * FL_TLS=NO or no FL_TLS.
 */
export function trustDecision(facts: TrustFacts): TrustDecision {
  const { tlsEnabled, pinnedCaPem, mode, published } = facts;
  if (tlsEnabled === false) return plaintext(facts);
  if (tlsEnabled === true || pinnedCaPem !== undefined) return encrypted(facts);
  if (mode === 'static') {
    throw problem('ca_missing', CA, {
      found: 'FL_SUPERLINK_ADDRESS is set, FL_TLS_ENABLED and FL_SSL_CA_CERTFILE are not',
      expected: `a CA certificate, or ${TLS}=NO for plaintext`,
      remedy: `set ${CA} to the SuperLink's CA (\`flower-context ca --base64\` prints it there), or ${TLS}=NO`,
    });
  }
  if (published?.tls === 'YES') return fromOneGate(facts, 'the SuperLink publishes FL_TLS=YES');
  if (published?.tls === 'NO') {
    if (facts.last?.tls === true) throw downgrade(facts.last);
    const warning = problem('config_suspicious', TLS, {
      found: 'the SuperLink publishes FL_TLS=NO: nothing is encrypted',
      remedy: `set ${TLS}=YES on the SuperLink, or ${TLS}=NO here to confirm plaintext`,
    });
    return { tls: false, warnings: [warning] };
  }
  throw problem('tls_mode_mismatch', TLS, {
    found: 'the SuperLink does not publish whether it serves TLS (FL_TLS is neither YES nor NO)',
    remedy: `check the SuperLink (\`flower-context status\` there), or set ${TLS} and ${CA} here`,
  });
}

const downgrade = ({ ca, address, at }: NonNullable<TrustFacts['last']>): Problem =>
  problem('tls_mode_mismatch', TLS, {
    found: `the SuperLink publishes FL_TLS=NO, but this node used TLS ${address === null ? '' : `with ${address} `}on ${at} (${ca[0] === undefined ? 'CA not known' : `CA ${ca[0].slice(0, 23)}...`})`,
    expected: 'TLS: what OneGate says cannot make this node use plaintext',
    remedy: `check on the SuperLink that FL_TLS_ENABLED is YES (\`flower-context status\` there); if another VM or the network changed FL_TLS, it is right after the SuperLink's next boot. If plaintext is wanted, set ${TLS}=NO on this VM${at === CA_FILE_ONLY ? '. An earlier version kept the CA also after a change to plaintext: before an upgrade of a SuperNode without TLS set FL_TLS_ENABLED=NO first' : ''}`,
  });

const problem = (
  code: Problem['code'],
  variable: string,
  facts: Omit<ProblemFacts, 'doing' | 'variable'>,
): Problem => new Problem(code, { doing: 'configuring TLS trust', variable, ...facts });

function plaintext({ pinnedCaPem, published }: TrustFacts): TrustDecision {
  const warnings = [
    published?.tls === 'YES' &&
      problem('tls_mode_mismatch', TLS, {
        // This node starts in plaintext as configured, and connects once the SuperLink serves plaintext.
        severity: 'warning',
        found: `${TLS}=NO here, but the SuperLink publishes FL_TLS=YES: the connection will fail`,
        remedy: `set ${TLS}=YES here or leave it empty, or ${TLS}=NO on the SuperLink`,
      }),
    pinnedCaPem !== undefined &&
      problem('config_suspicious', TLS, {
        found: `${CA} is set, but ${TLS}=NO: nothing is encrypted and the CA is not used`,
        remedy: `leave ${TLS} empty to use the CA`,
      }),
  ];
  return { tls: false, warnings: warnings.filter((warning) => warning !== false) };
}

function encrypted(facts: TrustFacts): TrustDecision {
  const { published, pinnedCaPem, tlsEnabled, now, which } = facts;
  const reason = tlsEnabled === true ? `${TLS}=YES` : `${CA} is set`;
  if (published?.tls === 'NO') {
    throw problem('tls_mode_mismatch', TLS, {
      found: `${reason} here, but the SuperLink publishes FL_TLS=NO: it serves plaintext`,
      remedy: `set ${TLS}=YES on the SuperLink, or ${TLS}=NO here for plaintext`,
    });
  }
  if (pinnedCaPem === undefined) return fromOneGate(facts, reason);
  const ca = readCa(pinnedCaPem, { variable: CA, now, which });
  return trusting(ca, CA, differsFrom(published?.caCert, ca, now));
}

const trusting = (
  { caPem, fingerprintSha256, certificates, warnings }: TrustedCa,
  source: 'FL_SSL_CA_CERTFILE' | 'OneGate',
  more: readonly Problem[] = [],
): TrustDecision => ({
  tls: true,
  caPem,
  fingerprintSha256,
  fingerprints: certificates.map(({ sha256 }) => sha256),
  source,
  warnings: [...warnings, ...more],
});

const publishedCa = (caCert: string, now: Date, which?: WhichClock): TrustedCa =>
  readCa(decodeCaBase64(caCert, ON_ONEGATE), { variable: ON_ONEGATE, now, which });

function fromOneGate({ published, mode, now, which }: TrustFacts, reason: string): TrustDecision {
  if (published?.caCert === undefined) {
    const missing =
      mode === 'static'
        ? 'OneGate is not used because FL_SUPERLINK_ADDRESS is set'
        : 'the SuperLink publishes no usable FL_CA_CERT';
    throw problem('ca_missing', CA, { found: `${reason}, ${CA} is empty, and ${missing}` });
  }
  return trusting(publishedCa(published.caCert, now, which), 'OneGate');
}

/** A warning when the SuperLink publishes another CA than the pinned one. A published CA that is invalid is ignored. */
function differsFrom(caCert: string | undefined, pinned: TrustedCa, now: Date): Problem[] {
  const ca = caCert === undefined ? undefined : unlessError(() => publishedCa(caCert, now));
  const trusted = pinned.certificates.map(({ sha256 }) => sha256);
  if (ca === undefined || ca.certificates.some(({ sha256 }) => trusted.includes(sha256))) return [];
  return [
    problem('config_suspicious', CA, {
      found: `${CA} (${trusted[0]?.slice(0, 23)}...) is not the CA that the SuperLink publishes (${ca.fingerprintSha256.slice(0, 23)}...)`,
      remedy: `if the pinned CA is out of date, leave ${CA} empty to trust the published one`,
    }),
  ];
}

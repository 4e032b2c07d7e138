// Whom a SuperNode trusts: the five rules of "TLS mode of a SuperNode". Plaintext is only ever an explicit choice.
import { Problem } from '../core/problem.ts';
import { decodeCaBase64, readCa } from './ca.ts';

export interface TrustFacts {
  /** FL_TLS_ENABLED; undefined when it is not set. */
  readonly tlsEnabled: boolean | undefined;
  /** Decoded text of FL_SSL_CA_CERTFILE. */
  readonly pinnedCaPem?: string;
  /** 'static': FL_SUPERLINK_ADDRESS is set and OneGate is not asked. */
  readonly mode: 'static' | 'discovery';
  /** FL_TLS and FL_CA_CERT (base64) of the SuperLink, in discovery. */
  readonly published?: { readonly tls: 'YES' | 'NO' | undefined; readonly caCert?: string };
  readonly now: Date;
}

export type TrustDecision =
  | {
      readonly tls: true;
      readonly caPem: string;
      readonly fingerprintSha256: string;
      readonly source: 'FL_SSL_CA_CERTFILE' | 'OneGate';
      readonly warnings: readonly Problem[];
    }
  | { readonly tls: false; readonly warnings: readonly Problem[] };

const CA = 'FL_SSL_CA_CERTFILE';
const TLS = 'FL_TLS_ENABLED';
const ON_ONEGATE = "the SuperLink's FL_CA_CERT on OneGate";
const DOING = 'deciding whether to encrypt, and whom to trust';

/**
 * TLS or plaintext, and with which CA.
 * @throws Problem ca_missing, ca_invalid, or tls_mode_mismatch when this node is to use TLS and the SuperLink says it
 * does not serve it, or does not say.
 */
export function trustDecision(facts: TrustFacts): TrustDecision {
  if (facts.tlsEnabled === false) return plaintextAsTold(facts);
  if (facts.tlsEnabled === true || facts.pinnedCaPem !== undefined) return encrypted(facts);
  if (facts.mode === 'discovery') return asPublished(facts);
  throw new Problem('ca_missing', {
    doing: DOING,
    found: 'FL_SUPERLINK_ADDRESS is set, FL_TLS_ENABLED and FL_SSL_CA_CERTFILE are not',
    expected: 'a CA certificate, or a clear word that plaintext is wanted',
    remedy: `set ${CA} to the SuperLink's CA (\`flower-context ca --base64\` prints it there), or ${TLS}=NO`,
    variable: CA,
  });
}

/** Rule 2. */
function plaintextAsTold({ pinnedCaPem, published }: TrustFacts): TrustDecision {
  const warnings: Problem[] = [];
  if (published?.tls === 'YES') {
    warnings.push(
      new Problem('tls_mode_mismatch', {
        // This node starts in plaintext as it is configured to; a SuperLink that changes its mode later makes it right.
        severity: 'warning',
        doing: DOING,
        found: `${TLS}=NO here, but the SuperLink publishes FL_TLS=YES; it will not understand this node`,
        remedy: `set ${TLS}=YES here or leave it empty, or ${TLS}=NO on the SuperLink`,
        variable: TLS,
      }),
    );
  }
  if (pinnedCaPem !== undefined) {
    const found = `${CA} is set, but ${TLS}=NO: nothing is encrypted and the CA is not used`;
    warnings.push(
      new Problem('config_suspicious', {
        doing: DOING,
        found,
        remedy: `leave ${TLS} empty to use the CA`,
        variable: TLS,
      }),
    );
  }
  return { tls: false, warnings };
}

/** Rules 1 and 3: TLS is wanted here, so whatever stands in its way is a failure. */
function encrypted(facts: TrustFacts): TrustDecision {
  const { published, pinnedCaPem, tlsEnabled, now } = facts;
  const wanted = tlsEnabled === true ? `${TLS}=YES` : `${CA} is set`;
  if (published?.tls === 'NO') {
    throw new Problem('tls_mode_mismatch', {
      doing: DOING,
      found: `${wanted} here, but the SuperLink publishes FL_TLS=NO: it serves plaintext`,
      remedy: `set ${TLS}=YES on the SuperLink; or, if plaintext is meant, ${TLS}=NO here`,
      variable: TLS,
    });
  }
  if (pinnedCaPem === undefined) return fromOneGate(facts, wanted);
  const ca = readCa(pinnedCaPem, { variable: CA, now });
  const differing = differsFrom(
    published?.caCert,
    ca.certificates.map(({ sha256 }) => sha256),
    now,
  );
  return {
    tls: true,
    caPem: ca.caPem,
    fingerprintSha256: ca.fingerprintSha256,
    source: CA,
    warnings: differing === undefined ? ca.warnings : [...ca.warnings, differing],
  };
}

/** Rule 4. */
function asPublished(facts: TrustFacts): TrustDecision {
  const tls = facts.published?.tls;
  if (tls === 'YES') return fromOneGate(facts, 'the SuperLink publishes FL_TLS=YES');
  if (tls === 'NO') {
    const found = 'the SuperLink publishes FL_TLS=NO: nothing is encrypted';
    return {
      tls: false,
      warnings: [
        new Problem('config_suspicious', {
          doing: DOING,
          found,
          remedy: `set ${TLS}=YES on the SuperLink, or ${TLS}=NO here if that is meant`,
          variable: TLS,
        }),
      ],
    };
  }
  throw new Problem('tls_mode_mismatch', {
    doing: DOING,
    found: 'the SuperLink does not publish whether it serves TLS (FL_TLS is neither YES nor NO)',
    remedy: `look at the SuperLink (\`flower-context status\` there); or set ${TLS} and ${CA} here`,
    variable: TLS,
  });
}

function fromOneGate({ published, mode, now }: TrustFacts, wanted: string): TrustDecision {
  if (published?.caCert === undefined) {
    const missing =
      mode === 'static'
        ? 'OneGate is not asked because FL_SUPERLINK_ADDRESS is set'
        : 'the SuperLink publishes no usable FL_CA_CERT';
    throw new Problem('ca_missing', {
      doing: DOING,
      found: `${wanted}, ${CA} is empty, and ${missing}`,
      variable: CA,
    });
  }
  const ca = readCa(decodeCaBase64(published.caCert, ON_ONEGATE), { variable: ON_ONEGATE, now });
  return {
    tls: true,
    caPem: ca.caPem,
    fingerprintSha256: ca.fingerprintSha256,
    source: 'OneGate',
    warnings: ca.warnings,
  };
}

/** The pinned CA wins; that the SuperLink publishes another one is worth a word, a broken one is not ours to judge. */
function differsFrom(caCert: string | undefined, pinned: readonly string[], now: Date): Problem | undefined {
  if (caCert === undefined) return undefined;
  try {
    const ca = readCa(decodeCaBase64(caCert, ON_ONEGATE), { variable: ON_ONEGATE, now });
    if (ca.certificates.some(({ sha256 }) => pinned.includes(sha256))) return undefined;
    return new Problem('config_suspicious', {
      doing: DOING,
      found: `${CA} (${pinned[0]?.slice(0, 23)}...) is not the CA that the SuperLink publishes (${ca.fingerprintSha256.slice(0, 23)}...)`,
      remedy: `leave ${CA} empty to trust what the SuperLink publishes, if the pinned one is out of date`,
      variable: CA,
    });
  } catch {
    return undefined;
  }
}

// What a boot checks before it changes anything. Pure: `validate` and `doctor` call the same functions.
import {
  type BootConfig,
  type ImageFacts,
  parseVariables,
  type SuperLinkConfig,
  type SuperNodeConfig,
} from '../config/parse.ts';
import { namesInContext } from '../config/table.ts';
import type { VariableFinding } from '../core/finding.ts';
import { attempt, Problem } from '../core/problem.ts';
import { profileFor } from '../flower/profiles.ts';
import { checkToken } from '../onegate/client.ts';
import { type OperatorCertificates, takeOperatorCertificates } from '../tls/operator.ts';
import { type TrustDecision, type TrustFacts, trustDecision } from '../tls/trust.ts';
import { platformFindings } from '../vm/platform.ts';

export interface CheckFacts {
  readonly image: ImageFacts;
  readonly now: Date;
  /** The addresses and host names that SuperNodes may dial; empty where they are not known. */
  readonly addresses: readonly string[];
  readonly hostNames: readonly string[];
  /** The token for OneGate; undefined where there is none, or none is known. */
  readonly token?: string | undefined;
  /** Names of variables that OpenNebula fills in later: what depends on one of them is not checked. */
  readonly open?: ReadonlySet<string>;
  /** Whether a program is on the machine that the CONTEXT is for; left out where that is not known. */
  readonly programExists?: (path: string) => boolean;
}

interface ContextCheck {
  /** Undefined when there are errors. */
  readonly config: BootConfig | undefined;
  readonly errors: readonly VariableFinding[];
  /** Of the variables, then of what one-context and oned do not understand. */
  readonly warnings: readonly VariableFinding[];
  /** What the boot itself reports when it comes to it. */
  readonly ahead: readonly VariableFinding[];
  /** What is wrong although every variable can be read: Flower's version, certificates, trust. Fatal ones end a boot. */
  readonly problems: readonly Problem[];
}

/** Checks the CONTEXT (NAME -> value as OpenNebula wrote it) as far as the CONTEXT alone decides. Never throws Problem. */
export function checkContext(raw: Readonly<Record<string, string>>, facts: CheckFacts): ContextCheck {
  const { image, now, token, open = new Set(), programExists = () => true } = facts;
  const parsed = parseVariables(raw, image, open);
  const warnings = [...parsed.warnings, ...platformFindings(raw, programExists)];
  const unusable = token === undefined ? [] : faultsOf(() => checkToken(token));
  if (!parsed.ok)
    return { config: undefined, errors: parsed.problems, warnings, ahead: [], problems: unusable };
  const { config } = parsed;
  const problems = [
    ...unusable,
    ...faultsOf(() => profileFor(config.FLOWER_VERSION)),
    ...problemsOf(() =>
      config.role === 'superlink'
        ? (operatorCertificates(config, facts)?.warnings ?? [])
        : trustWarnings(knownTrust(config, now, open)),
    ),
    ...[plainOneGate(config, raw['ONEGATE_ENDPOINT'])].filter((found) => found !== undefined),
  ];
  return { config, errors: [], warnings, ahead: parsed.ahead, problems };
}

/** The problem that a check throws. */
const faultsOf = (check: () => unknown): readonly Problem[] =>
  problemsOf(() => {
    check();
    return [];
  });

/** The problems that a check returns or throws. */
function problemsOf(check: () => readonly Problem[]): readonly Problem[] {
  const found = attempt(check);
  return found instanceof Problem ? [found] : found;
}

/**
 * The operator's three PEM texts, checked and cleaned; undefined when none was given: the rules of the variables refuse
 * one or two of them.
 * @throws Problem with everything that is wrong with them.
 */
export function operatorCertificates(
  config: SuperLinkConfig,
  { addresses, hostNames, now }: Pick<CheckFacts, 'addresses' | 'hostNames' | 'now'>,
): OperatorCertificates | undefined {
  const { FL_SSL_CA_CERTFILE: caPem, FL_SSL_CERTFILE: certPem, FL_SSL_KEYFILE: keyPem } = config;
  if (!config.FL_TLS_ENABLED || caPem === undefined || certPem === undefined || keyPem === undefined)
    return undefined;
  return takeOperatorCertificates({ caPem, certPem, keyPem }, { now, addresses, dialNames: hostNames });
}

/** What the variables of a SuperNode say about trust. With an address, OneGate is not asked. */
export const trustFacts = (config: SuperNodeConfig, now: Date): TrustFacts => ({
  tlsEnabled: config.FL_TLS_ENABLED,
  mode: config.FL_SUPERLINK_ADDRESS === undefined ? 'discovery' : 'static',
  now,
  ...(config.FL_SSL_CA_CERTFILE === undefined ? {} : { pinnedCaPem: config.FL_SSL_CA_CERTFILE }),
});

/**
 * Whether a SuperNode uses TLS, and with which CA, as far as its variables decide. Undefined when the SuperLink decides
 * (through OneGate), or a variable that OpenNebula fills in later.
 * @throws Problem ca_missing, ca_invalid
 */
export function knownTrust(
  config: SuperNodeConfig,
  now: Date,
  open: ReadonlySet<string> = new Set(),
): TrustDecision | undefined {
  const facts = trustFacts(config, now);
  const isOpen = (['FL_SUPERLINK_ADDRESS', 'FL_TLS_ENABLED', 'FL_SSL_CA_CERTFILE'] as const)
    .flatMap(namesInContext)
    .some((name) => open.has(name));
  const decided = facts.tlsEnabled === false || facts.pinnedCaPem !== undefined;
  return decided || (facts.mode === 'static' && !isOpen) ? trustDecision(facts) : undefined;
}

/**
 * A warning for a SuperNode whose trust depends on OneGate alone, when OneGate is asked by plain HTTP. `endpoint`:
 * ONEGATE_ENDPOINT; undefined where it is not known. Plain HTTP is usual at OpenNebula, so it is no error.
 */
export function plainOneGate(config: BootConfig, endpoint: string | undefined): Problem | undefined {
  if (config.role !== 'supernode' || endpoint?.trim().toLowerCase().startsWith('http://') !== true)
    return undefined;
  const { mode, tlsEnabled, pinnedCaPem } = trustFacts(config, new Date(0));
  if (mode === 'static' || tlsEnabled === false || pinnedCaPem !== undefined) return undefined;
  return new Problem('config_suspicious', {
    doing: 'checking how OneGate is reached',
    found:
      'this node learns the SuperLink and its CA from OneGate by plain HTTP, as is usual at OpenNebula. Nothing protects this path: who can change its traffic can name another SuperLink and another CA',
    remedy:
      "nothing, if you trust the network between this VM and the front-end and all VMs of the service; else set FL_SSL_CA_CERTFILE to the SuperLink's CA (`flower-context ca --base64` prints it there)",
    variable: 'FL_SSL_CA_CERTFILE',
  });
}

/** A rule of the variables reports a CA that plaintext makes useless. */
const trustWarnings = (decision: TrustDecision | undefined): readonly Problem[] =>
  decision?.tls === true ? decision.warnings : [];

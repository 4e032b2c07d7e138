// Cross-variable rules that make a context wrong, and the runner of all rules. Those about what is inside certificates
// are in src/tls.

import type { HostPort } from '../core/hostport.ts';
import { formatHostPort } from '../core/hostport.ts';
import { isLoopback, isUnspecified, parseIp } from '../core/ip.ts';
import type { Finding } from './finding.ts';
import { robustClients } from './robust.ts';
import { type GivenValues, onBoth, onSuperLink, onSuperNode, type Rule } from './rule.ts';
import { SUSPICIONS } from './suspicions.ts';
import type { VariableName } from './table.ts';
import type { ImageFacts } from './variable.ts';

const NEEDS: Readonly<Record<string, readonly string[]>> = {
  'image-classification': ['pytorch', 'tensorflow'],
  'anomaly-detection': ['sklearn'],
  'llm-fine-tuning': ['pytorch'],
};

const ERRORS: readonly Rule[] = [
  ...(['FL_MIN_AVAILABLE_CLIENTS', 'FL_MIN_FIT_CLIENTS'] as const).map((name) =>
    onSuperLink(['FL_STRATEGY', 'FL_NUM_MALICIOUS', name], (values) => {
      const { FL_STRATEGY: strategy, FL_NUM_MALICIOUS: malicious, [name]: clients } = values;
      const robust = robustClients(strategy, malicious);
      if (robust === undefined || clients >= robust.needed) return undefined;
      return {
        variable: name,
        severity: 'error',
        found: `${clients}, too few for FL_STRATEGY=${strategy} with FL_NUM_MALICIOUS=${malicious}`,
        expected: `at least ${robust.needed} (${robust.formula})`,
        example: String(robust.needed),
      };
    }),
  ),

  onBoth(['FL_GRPC_KEEPALIVE_TIME', 'FL_GRPC_KEEPALIVE_TIMEOUT'], (values) => {
    const { FL_GRPC_KEEPALIVE_TIME: time, FL_GRPC_KEEPALIVE_TIMEOUT: timeout } = values;
    if (timeout < time) return undefined;
    return {
      variable: 'FL_GRPC_KEEPALIVE_TIMEOUT',
      severity: 'error',
      found: `${timeout} s, not less than FL_GRPC_KEEPALIVE_TIME (${time} s)`,
      expected: 'a timeout that is over before the next probe',
      ...(time > 1 ? { example: String(Math.max(1, Math.floor(time / 3))) } : {}),
    };
  }),

  onSuperLink(['FL_SSL_CA_CERTFILE', 'FL_SSL_CERTFILE', 'FL_SSL_KEYFILE'], (values) => {
    const names = ['FL_SSL_CA_CERTFILE', 'FL_SSL_CERTFILE', 'FL_SSL_KEYFILE'] as const;
    const missing = names.filter((name) => values[name] === undefined);
    if (missing.length === 0 || missing.length === names.length) return undefined;
    return {
      variable: missing[0]!,
      severity: 'error',
      found: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} empty while ${names.filter((name) => values[name] !== undefined).join(' and ')} ${missing.length === 1 ? 'are' : 'is'} set`,
      expected: 'all three FL_SSL_* (the operator brings certificates) or none (they are made)',
    };
  }),

  onSuperNode(['FL_USE_CASE', 'ML_FRAMEWORK'], ({ FL_USE_CASE: useCase, ML_FRAMEWORK: framework }) => {
    const needed = NEEDS[useCase];
    if (needed === undefined || needed.includes(framework)) return undefined;
    return {
      variable: 'FL_USE_CASE',
      severity: 'error',
      found: `'${useCase}' with ML_FRAMEWORK=${framework}`,
      expected: `ML_FRAMEWORK=${needed.join(' or ')} for this use case, or FL_USE_CASE=none`,
      example: 'none',
    };
  }),

  onSuperLink(['FL_FLEET_API_ADDRESS', 'FL_CONTROL_API_ADDRESS'], (values) => {
    const { FL_FLEET_API_ADDRESS: fleet, FL_CONTROL_API_ADDRESS: control } = values;
    if (fleet.port !== control.port || !overlap(fleet.host, control.host)) return undefined;
    return {
      variable: 'FL_CONTROL_API_ADDRESS',
      severity: 'error',
      found: `${formatHostPort(control)} takes the port of FL_FLEET_API_ADDRESS (${formatHostPort(fleet)})`,
      expected: 'another port than the Fleet API has',
      example: `127.0.0.1:${freePort(9093, [fleet])}`,
    };
  }),

  onSuperLink(
    ['FL_METRICS_ENABLED', 'FL_METRICS_PORT', 'FL_FLEET_API_ADDRESS', 'FL_CONTROL_API_ADDRESS'],
    ({ FL_METRICS_ENABLED: enabled, FL_METRICS_PORT: port, ...apis }) => {
      const taken = (Object.entries(apis) as [VariableName, HostPort][]).find(([, api]) => api.port === port);
      if (!enabled || taken === undefined) return undefined;
      return {
        variable: 'FL_METRICS_PORT',
        severity: 'error',
        found: `${port}, the port of ${taken[0]}`,
        expected: 'a port that Flower does not use',
        example: String(freePort(9101, Object.values(apis))),
      };
    },
  ),
];

const RULES: readonly Rule[] = [...ERRORS, ...SUSPICIONS];

interface Read {
  readonly image: ImageFacts;
  /** What could be read; a variable with a problem of its own is not in it. */
  readonly values: ReadonlyMap<VariableName, unknown>;
  readonly given: GivenValues;
}

/** Findings of all rules whose variables could be read, errors first. */
export function checkRules({ image, values, given }: Read): Finding[] {
  const applicable = RULES.filter(
    ({ roles, reads }) => roles.includes(image.role) && reads.every((name) => values.has(name)),
  );
  return applicable.flatMap(({ reads, check }) => {
    const verdict = check(Object.fromEntries(reads.map((name) => [name, values.get(name)])), given, image);
    return verdict === undefined
      ? []
      : [{ ...verdict, variable: given.get(verdict.variable)?.as ?? verdict.variable }];
  });
}

/** Whether two listeners could not have the same port; `::` takes IPv4 too. Names other than localhost are compared as text. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [parseIp(numeric(one)), parseIp(numeric(other))];
  if (a === undefined || b === undefined)
    return one === other || [a, b].some((ip) => ip !== undefined && isUnspecified(ip));
  if (a.text === b.text) return true;
  const [wild, narrow] = isUnspecified(a) ? [a, b] : [b, a];
  if (isUnspecified(wild)) return wild.version === 6 || narrow.version === 4 || isUnspecified(narrow);
  return [one, other].includes('localhost') && isLoopback(a) && isLoopback(b);
}

/** A port to propose: the usual one, or one far away from it. */
const freePort = (usual: number, taken: readonly HostPort[]): number =>
  taken.some(({ port }) => port === usual) ? usual + 10_000 : usual;

const numeric = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host);

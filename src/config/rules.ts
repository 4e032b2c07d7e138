// Cross-variable rules that make a CONTEXT invalid, and the runner of all rules. src/tls checks what is inside certificates.
import type { VariableFinding } from '../core/finding.ts';
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { isLoopback, isUnspecified, parseIp } from '../core/ip.ts';
import type { Given } from './given.ts';
import { LOCKED_FLOWER } from './locked.ts';
import { onBoth, onSuperLink, onSuperNode, type Rule } from './rule.ts';
import { AHEAD, SUSPICIONS } from './suspicions.ts';
import { robustClients } from './table/run.ts';
import { rowOf, type VariableName } from './table.ts';
import type { ImageFacts } from './variable.ts';

const NEEDS: Readonly<Record<string, readonly string[]>> = {
  'image-classification': ['pytorch', 'tensorflow'],
  'anomaly-detection': ['sklearn'],
  'llm-fine-tuning': ['pytorch'],
};

/** The database, and the files that SQLite makes beside it. */
const SQLITE_FILES = ['', '-wal', '-shm', '-journal'];

/** Of two paths that the table has accepted: relative, without dots and empty parts. */
const isAtOrBelow = (path: string, above: string): boolean => `${path}/`.startsWith(`${above}/`);

/** FLWR_HOME of Flower is .flwr in the same directory: Flower writes and deletes there. */
const notBelowFlwr = (variable: VariableName, path: string, example: string) =>
  isAtOrBelow(path, '.flwr') && {
    variable,
    found: `'${path}', in the directory that Flower uses for itself (.flwr)`,
    expected: 'a path outside .flwr',
    example,
  };

const CERTIFICATES = ['FL_SSL_CA_CERTFILE', 'FL_SSL_CERTFILE', 'FL_SSL_KEYFILE'] as const;

const ERRORS: readonly Rule[] = [
  // What is in the image needs no lock: nothing is installed. Other ranges are refused by their profile.
  onBoth(['FLOWER_VERSION'], ({ FLOWER_VERSION: version }, _given, { flowerVersion, installed = [] }) => {
    const range = version.slice(0, version.lastIndexOf('.') + 1);
    const usable = [
      ...LOCKED_FLOWER,
      flowerVersion,
      ...installed.map((name) => name.slice(0, name.lastIndexOf('-'))),
    ];
    return (
      LOCKED_FLOWER.some((locked) => locked.startsWith(range)) &&
      !usable.includes(version) && {
        variable: 'FLOWER_VERSION',
        found: `'${version}': its packages are not locked, so this appliance does not install it`,
        expected: rowOf('FLOWER_VERSION').expected,
        example: rowOf('FLOWER_VERSION').example,
      }
    );
  }),

  ...(['FL_MIN_AVAILABLE_CLIENTS', 'FL_MIN_FIT_CLIENTS'] as const).map((name) =>
    onSuperLink(['FL_STRATEGY', 'FL_NUM_MALICIOUS', name], (values) => {
      const { FL_STRATEGY: strategy, FL_NUM_MALICIOUS: malicious, [name]: clients } = values;
      const robust = robustClients(strategy, malicious);
      return (
        robust !== undefined &&
        clients < robust.needed && {
          variable: name,
          found: `${clients}, too few for FL_STRATEGY=${strategy} with FL_NUM_MALICIOUS=${malicious}`,
          expected: `at least ${robust.needed} (${robust.formula})`,
          example: String(robust.needed),
        }
      );
    }),
  ),

  onBoth(['FL_GRPC_KEEPALIVE_TIME', 'FL_GRPC_KEEPALIVE_TIMEOUT'], (values) => {
    const { FL_GRPC_KEEPALIVE_TIME: time, FL_GRPC_KEEPALIVE_TIMEOUT: timeout } = values;
    return (
      timeout >= time && {
        variable: 'FL_GRPC_KEEPALIVE_TIMEOUT',
        found: `${timeout} s, not less than FL_GRPC_KEEPALIVE_TIME (${time} s)`,
        expected: 'a timeout that ends before the next probe',
        ...(time > 1 ? { example: String(Math.max(1, Math.floor(time / 3))) } : {}),
      }
    );
  }),

  onSuperLink(CERTIFICATES, (values) => {
    const missing = CERTIFICATES.filter((name) => values[name] === undefined);
    if (missing.length === 0 || missing.length === CERTIFICATES.length) return undefined;
    const set = CERTIFICATES.filter((name) => values[name] !== undefined);
    const list = (names: readonly string[]): string =>
      `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'}`;
    return {
      variable: missing[0]!,
      found: `${list(missing)} empty while ${list(set)} set`,
      expected: 'all three FL_SSL_* (certificates of the operator) or none (the agent issues them)',
    };
  }),

  onSuperNode(['FL_USE_CASE', 'ML_FRAMEWORK'], ({ FL_USE_CASE: useCase, ML_FRAMEWORK: framework }) => {
    const needed = NEEDS[useCase];
    return (
      needed !== undefined &&
      !needed.includes(framework) && {
        variable: 'FL_USE_CASE',
        found: `'${useCase}' with ML_FRAMEWORK=${framework}`,
        expected: `ML_FRAMEWORK=${needed.join(' or ')} for this use case, or FL_USE_CASE=none`,
        example: 'none',
      }
    );
  }),

  onSuperLink(['FL_DATABASE'], ({ FL_DATABASE: database }) =>
    notBelowFlwr('FL_DATABASE', database, 'state/state.db'),
  ),

  onSuperLink(
    ['FL_CHECKPOINT_ENABLED', 'FL_CHECKPOINT_PATH'],
    ({ FL_CHECKPOINT_ENABLED: enabled, FL_CHECKPOINT_PATH: checkpoints }) =>
      enabled && notBelowFlwr('FL_CHECKPOINT_PATH', checkpoints, 'checkpoints'),
  ),

  onSuperLink(['FL_DATABASE', 'FL_CHECKPOINT_ENABLED', 'FL_CHECKPOINT_PATH'], (values) => {
    const { FL_DATABASE: database, FL_CHECKPOINT_ENABLED: enabled, FL_CHECKPOINT_PATH: checkpoints } = values;
    return (
      enabled &&
      SQLITE_FILES.some((end) => isAtOrBelow(checkpoints, `${database}${end}`)) && {
        variable: 'FL_DATABASE',
        found: `'${database}', which would be a file at or above the directory of FL_CHECKPOINT_PATH ('${checkpoints}')`,
        expected: 'a file that is not the checkpoint directory or one above it',
        ...(isAtOrBelow(checkpoints, 'state') ? {} : { example: 'state/state.db' }),
      }
    );
  }),

  onSuperLink(['FL_FLEET_API_ADDRESS', 'FL_CONTROL_API_ADDRESS'], (values) => {
    const { FL_FLEET_API_ADDRESS: fleet, FL_CONTROL_API_ADDRESS: control } = values;
    return (
      fleet.port === control.port &&
      overlap(fleet.host, control.host) && {
        variable: 'FL_CONTROL_API_ADDRESS',
        found: `${formatHostPort(control)} takes the port of FL_FLEET_API_ADDRESS (${formatHostPort(fleet)})`,
        expected: 'another port than that of the Fleet API',
        example: `127.0.0.1:${freePort(9093, [fleet])}`,
      }
    );
  }),

  onSuperLink(
    ['FL_METRICS_ENABLED', 'FL_METRICS_PORT', 'FL_FLEET_API_ADDRESS', 'FL_CONTROL_API_ADDRESS'],
    ({ FL_METRICS_ENABLED: enabled, FL_METRICS_PORT: port, ...apis }) => {
      const taken = Object.entries<HostPort>(apis).find(([, api]) => api.port === port);
      return (
        enabled &&
        taken !== undefined && {
          variable: 'FL_METRICS_PORT',
          found: `${port}, the port of ${taken[0]}`,
          expected: 'a port that Flower does not use',
          example: String(freePort(9101, Object.values(apis))),
        }
      );
    },
  ),
];

interface Read {
  readonly image: ImageFacts;
  /** A variable with an error of its own is not in it. */
  readonly values: ReadonlyMap<VariableName, unknown>;
  readonly given: ReadonlyMap<VariableName, Given>;
}

/** Findings of all rules whose variables could be read, errors first. */
export const checkRules = (read: Read): VariableFinding[] => [
  ...run(ERRORS, 'error', read),
  ...run(SUSPICIONS, 'warning', read),
];

/** The same for what is said before a boot only. */
export const lookAhead = (read: Read): VariableFinding[] => run(AHEAD, 'warning', read);

function run(
  rules: readonly Rule[],
  severity: 'error' | 'warning',
  { image, values, given }: Read,
): VariableFinding[] {
  return rules.flatMap(({ roles, reads, check }) => {
    if (!roles.includes(image.role) || !reads.every((name) => values.has(name))) return [];
    const found = check(Object.fromEntries(reads.map((name) => [name, values.get(name)])), given, image);
    if (found === false || found === undefined) return [];
    return [{ ...found, severity, variable: given.get(found.variable)?.as ?? found.variable }];
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

/** A port to propose: the usual one, or one far from it. */
const freePort = (usual: number, taken: readonly HostPort[]): number =>
  taken.some(({ port }) => port === usual) ? usual + 10_000 : usual;

const numeric = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host);

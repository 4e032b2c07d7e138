// The three kinds of service template: its roles, the inputs of its form, and where it differs from the table of variables.
import { ALL_NAMES, rowOf, type VariableName } from '../config/table.ts';
import type { Role } from '../core/role.ts';

export type Topology = 'single-site' | 'coordinator' | 'training-site';

export interface Count {
  readonly cardinality: number;
  readonly min: number;
  readonly max: number;
}

interface TopologyFacts {
  readonly name: string;
  readonly description: string;
  readonly roles: readonly Role[];
  /** How many SuperNodes by default. */
  readonly supernodes: Count;
  /** Presets other than the defaults of the table. */
  readonly presets: Partial<Record<VariableName, string>>;
  readonly mandatory: readonly VariableName[];
  /** Inputs of the short form, in addition to those of every template. */
  readonly also: readonly VariableName[];
  /** Variables that only do harm here, and what is right instead. */
  readonly excluded: Partial<Record<VariableName, string>>;
}

/** With a key in the form of a service every SuperNode has the key. */
const OPERATOR_CERTIFICATES =
  'your certificates in the form of the SuperLink VM template, or a coordinator and a training-site template: every VM of a service can read the answers of its form';

const NO_DISCOVERY =
  'no setting: these SuperNodes discover nothing, FL_SUPERLINK_ADDRESS names the SuperLink';

const LIKE_THE_TABLE = { presets: {}, mandatory: [], also: [], excluded: {} };

export const TOPOLOGIES: Readonly<Record<Topology, TopologyFacts>> = {
  'single-site': {
    name: 'Flower federation',
    description: 'A Flower SuperLink and its SuperNodes in one zone',
    roles: ['superlink', 'supernode'],
    supernodes: { cardinality: 2, min: 2, max: 10 },
    ...LIKE_THE_TABLE,
    excluded: {
      FL_SUPERLINK_ADDRESS:
        'no address: the SuperNodes discover the SuperLink of their service, and an address disables that',
      FL_SSL_CA_CERTFILE: OPERATOR_CERTIFICATES,
      FL_SSL_CERTFILE: OPERATOR_CERTIFICATES,
      FL_SSL_KEYFILE: OPERATOR_CERTIFICATES,
    },
  },
  coordinator: {
    name: 'Flower coordinator',
    description: 'A Flower SuperLink for SuperNodes of other zones',
    roles: ['superlink'],
    supernodes: { cardinality: 0, min: 0, max: 0 },
    ...LIKE_THE_TABLE,
    presets: { FL_NUM_ROUNDS: '10' },
    also: ['FL_SSL_CA_CERTFILE', 'FL_SSL_CERTFILE', 'FL_SSL_KEYFILE'],
  },
  'training-site': {
    name: 'Flower training site',
    description: 'Flower SuperNodes for a SuperLink in another zone',
    roles: ['supernode'],
    supernodes: { cardinality: 2, min: 2, max: 10 },
    ...LIKE_THE_TABLE,
    mandatory: ['FL_SUPERLINK_ADDRESS', 'FL_SSL_CA_CERTFILE'],
    also: ['FL_SUPERLINK_ADDRESS', 'FL_SSL_CA_CERTFILE'],
    excluded: { FL_EDGE_BACKOFF: NO_DISCOVERY, FL_EDGE_MAX_BACKOFF: NO_DISCOVERY },
  },
};

export const TOPOLOGY_NAMES = Object.keys(TOPOLOGIES) as readonly Topology[];

/** The inputs of a first deployment. The defaults of the other variables are enough to train; `--all-inputs` adds them. */
const SHORT_FORM: ReadonlySet<VariableName> = new Set([
  'FLOWER_VERSION',
  'ML_FRAMEWORK',
  'FL_USE_CASE',
  'FL_TLS_ENABLED',
  'FL_CERT_EXTRA_SAN',
  'FL_LOG_LEVEL',
  'FL_NUM_ROUNDS',
  'FL_STRATEGY',
  'FL_MIN_FIT_CLIENTS',
  'FL_MIN_EVALUATE_CLIENTS',
  'FL_MIN_AVAILABLE_CLIENTS',
  'FL_CHECKPOINT_ENABLED',
  'FL_NODE_CONFIG',
  'FL_GPU_ENABLED',
  'FL_GRPC_KEEPALIVE_TIME',
  'FL_GRPC_KEEPALIVE_TIMEOUT',
]);

/** The inputs of a service template: the short form, or all. */
export const inputsOf = (topology: Topology, all: boolean): readonly VariableName[] =>
  ALL_NAMES.filter(
    (name) =>
      rowOf(name).level !== 'infrastructure' &&
      TOPOLOGIES[topology].excluded[name] === undefined &&
      rowOf(name).roles.some((role) => TOPOLOGIES[topology].roles.includes(role)) &&
      (all || SHORT_FORM.has(name) || TOPOLOGIES[topology].also.includes(name)),
  );

/**
 * The inputs of the VM template of a role: those of that role in any service template. Sunstone 7 adds them to the inputs
 * of a service, except for names that the service has: a variable that is no input keeps the value of the service template.
 */
export const vmInputsOf = (role: Role): readonly VariableName[] =>
  ALL_NAMES.filter(
    (name) =>
      rowOf(name).roles.includes(role) &&
      TOPOLOGY_NAMES.some(
        (topology) => TOPOLOGIES[topology].roles.includes(role) && inputsOf(topology, false).includes(name),
      ),
  );

/** What a template writes into the CONTEXT of every VM; never an input. */
export const INFRASTRUCTURE: readonly VariableName[] = ALL_NAMES.filter(
  (name) => rowOf(name).level === 'infrastructure' && rowOf(name).template !== undefined,
);

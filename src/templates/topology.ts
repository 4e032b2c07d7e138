// The three kinds of service template: who is in it, which variables its form offers, and what it wants otherwise than
// the table says.
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
  /** How many SuperNodes, when nobody says. */
  readonly supernodes: Count;
  /** What forms are filled in with here instead of the default. */
  readonly presets: Partial<Record<VariableName, string>>;
  readonly mandatory: readonly VariableName[];
  /** Asked for in the short form, beside what every template asks for. */
  readonly also: readonly VariableName[];
  /** Variables that could only do harm here, and what is right instead. */
  readonly excluded: Partial<Record<VariableName, string>>;
}

/** The values of a form are in the service, which every VM of it can read: a key there is a key of all SuperNodes. */
const OPERATOR_CERTIFICATES =
  'certificates of your own in the form of the SuperLink VM template, or a coordinator and a training-site template: every VM of a service can read the answers of its form';

export const TOPOLOGIES: Readonly<Record<Topology, TopologyFacts>> = {
  'single-site': {
    name: 'Flower federation',
    description: 'A Flower SuperLink and its SuperNodes in one zone',
    roles: ['superlink', 'supernode'],
    supernodes: { cardinality: 2, min: 2, max: 10 },
    presets: {},
    mandatory: [],
    also: [],
    excluded: {
      FL_SUPERLINK_ADDRESS: 'the SuperLink of the service is discovered; an address would switch that off',
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
    presets: { FL_NUM_ROUNDS: '10' },
    mandatory: [],
    also: ['FL_SSL_CA_CERTFILE', 'FL_SSL_CERTFILE', 'FL_SSL_KEYFILE'],
    excluded: {},
  },
  'training-site': {
    name: 'Flower training site',
    description: 'Flower SuperNodes for a SuperLink in another zone',
    roles: ['supernode'],
    supernodes: { cardinality: 2, min: 2, max: 10 },
    presets: {},
    mandatory: ['FL_SUPERLINK_ADDRESS', 'FL_SSL_CA_CERTFILE'],
    also: ['FL_SUPERLINK_ADDRESS', 'FL_SSL_CA_CERTFILE'],
    excluded: {
      FL_EDGE_BACKOFF: 'nothing is discovered: FL_SUPERLINK_ADDRESS names the SuperLink',
      FL_EDGE_MAX_BACKOFF: 'nothing is discovered: FL_SUPERLINK_ADDRESS names the SuperLink',
    },
  },
};

export const TOPOLOGY_NAMES = Object.keys(TOPOLOGIES) as readonly Topology[];

/** What a first deployment is asked for. The others have a default that trains; `--all-inputs` asks for them, too. */
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

/** The variables that a service template asks for: the short form, or all. */
export const inputsOf = (site: Topology, all: boolean): readonly VariableName[] =>
  ALL_NAMES.filter(
    (name) =>
      rowOf(name).level !== 'infrastructure' &&
      TOPOLOGIES[site].excluded[name] === undefined &&
      rowOf(name).roles.some((role) => TOPOLOGIES[site].roles.includes(role)) &&
      (all || SHORT_FORM.has(name) || TOPOLOGIES[site].also.includes(name)),
  );

/**
 * The variables that the VM template of a role asks for: what any of the service templates asks that role for. Sunstone 7
 * adds these questions to those of a service, except for names that the service asks for: a variable that neither asks
 * for keeps the value that the service template has.
 */
export const vmInputsOf = (role: Role): readonly VariableName[] =>
  ALL_NAMES.filter(
    (name) =>
      rowOf(name).roles.includes(role) &&
      TOPOLOGY_NAMES.some(
        (site) => TOPOLOGIES[site].roles.includes(role) && inputsOf(site, false).includes(name),
      ),
  );

/** What a template writes into the CONTEXT of every VM; nobody is asked for it. */
export const INFRASTRUCTURE: readonly VariableName[] = ALL_NAMES.filter(
  (name) => rowOf(name).level === 'infrastructure' && rowOf(name).template !== undefined,
);

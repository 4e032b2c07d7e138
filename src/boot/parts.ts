// What a launch plan is about, in named parts, and which of them may differ from what runs until nobody is interrupted by a
// restart of Flower. Pure. docs/operate.md shows the table.
import type { Partition } from '../cluster/partition.ts';
import type { SuperLinkConfig, SuperNodeConfig } from '../config/parse.ts';
import type { VariableName } from '../config/table.ts';
import { formatHostPort } from '../core/hostport.ts';
import type { FlowerEndpoints } from '../flower/endpoints.ts';

export interface Part {
  /** What a change of it is, as a phrase. */
  readonly what: string;
  /** The same for the documentation, where more is to be said. */
  readonly when?: string;
  /** When it waits, if that depends on the values; for the documentation. */
  readonly unless?: string;
  /** The variables of the CONTEXT that can change it. */
  readonly variables: readonly VariableName[];
  /** Flower may run on with the old one for a while. Without it, what serves is wrong or unsafe. */
  readonly waits: boolean | ((before: string, after: string) => boolean);
  /** Both values are part of the reason. */
  readonly withValues?: true;
}

const words = (text: string): string[] => text.split(' ').filter(Boolean);

/** Whoever trusted the old CAs still may; nothing has been taken away. */
const onlyAdded = (before: string, after: string): boolean => {
  const now = new Set(words(after));
  return words(before).length > 0 && words(before).every((one) => now.has(one));
};

export const PARTS = {
  tls: { what: 'TLS instead of plaintext or the reverse', variables: ['FL_TLS_ENABLED'], waits: false },
  // An added CA waits: the SuperLink still shows a certificate of the old one, or the link is lost and nothing has to wait.
  trust: {
    what: 'other trusted CAs',
    unless: 'if a CA is only added',
    variables: ['FL_SSL_CA_CERTFILE'],
    waits: onlyAdded,
  },
  // Somebody else may know the old one: that is why keys are replaced.
  operator_key: {
    what: "another key of an operator's certificate",
    variables: ['FL_SSL_KEYFILE'],
    waits: false,
  },
  isolation: { what: 'another user for apps', variables: ['FL_ISOLATION'], waits: false },
  listen: {
    what: 'other listen addresses',
    variables: ['FL_FLEET_API_ADDRESS', 'FL_CONTROL_API_ADDRESS'],
    waits: false,
  },
  superlink: { what: 'another SuperLink', variables: ['FL_SUPERLINK_ADDRESS'], waits: false },
  // Another node has the old one by now, or is about to take it: two would train on the same data.
  partition_id: {
    what: 'another data partition',
    when: 'another data partition, if a node with a lower number was removed',
    variables: [],
    waits: false,
    withValues: true,
  },
  num_partitions: {
    what: 'another number of data partitions',
    when: 'another number of data partitions, by scaling',
    variables: [],
    waits: true,
    withValues: true,
  },
  certificate: {
    what: 'a new server certificate',
    when: 'a new server certificate under the same CA, also by renewal',
    variables: ['FL_CERT_EXTRA_SAN', 'FL_SSL_CERTFILE'],
    waits: true,
  },
  flower: { what: 'another version of Flower', variables: ['FLOWER_VERSION'], waits: true, withValues: true },
  environment: { what: 'another environment of Flower', variables: ['ML_FRAMEWORK'], waits: true },
  database: { what: 'another database', variables: ['FL_DATABASE'], waits: true },
  keepalive: {
    what: 'other keepalive times',
    variables: ['FL_GRPC_KEEPALIVE_TIME', 'FL_GRPC_KEEPALIVE_TIMEOUT'],
    waits: true,
  },
  log_level: { what: 'another log level', variables: ['FL_LOG_LEVEL'], waits: true, withValues: true },
  node_config: {
    what: 'another node config',
    variables: ['FL_NODE_CONFIG', 'FL_GPU_MEMORY_FRACTION'],
    waits: true,
  },
  use_case: { what: 'another use case', variables: ['FL_USE_CASE'], waits: true, withValues: true },
  gpu: { what: 'another use of GPUs', variables: ['FL_GPU_ENABLED', 'FL_CUDA_VISIBLE_DEVICES'], waits: true },
  retries: {
    what: 'other limits for retries',
    variables: ['FL_MAX_RETRIES', 'FL_MAX_WAIT_TIME'],
    waits: true,
  },
  checkpoints: {
    what: 'another checkpoint directory',
    variables: ['FL_CHECKPOINT_ENABLED', 'FL_CHECKPOINT_PATH'],
    waits: true,
  },
} as const satisfies Readonly<Record<string, Part>>;

export type PartName = keyof typeof PARTS;
/** Texts or checksums; a role has only some of the parts. */
export type Parts = Readonly<Partial<Record<PartName, string>>>;

export const PART_NAMES = Object.keys(PARTS) as readonly PartName[];

/** A difference of two plans that no part explains: another package wrote them. It waits. */
const OTHER_PACKAGE = 'another launch plan of a new package';

export interface Difference {
  /** Everything that differs, as a phrase. */
  readonly reason: string;
  /** What of it makes that Flower must not run on; undefined: it may. */
  readonly urgent: string | undefined;
}

/** What differs between the plan in force and the next one. A part that one of them does not know does not differ. */
export function differenceOf(before: Parts, after: Parts): Difference {
  const changed = PART_NAMES.flatMap((name) => {
    const [old, now] = [before[name], after[name]];
    if (old === undefined || now === undefined || old === now) return [];
    const part: Part = PARTS[name];
    const text = part.withValues ? `${part.what} (${now} instead of ${old})` : part.what;
    return [{ text, waits: typeof part.waits === 'function' ? part.waits(old, now) : part.waits }];
  });
  const urgent = changed.filter(({ waits }) => !waits);
  return {
    reason: list(changed) || OTHER_PACKAGE,
    urgent: urgent.length === 0 ? undefined : list(urgent),
  };
}

/** The partition in the parts of a SuperNode; undefined outside a service. */
export function partitionIn({ partition_id: id, num_partitions: of }: Parts): Partition | undefined {
  return id === undefined || of === undefined || id === NONE ? undefined : { id: Number(id), of: Number(of) };
}

const NONE = '-';

const list = (parts: readonly { readonly text: string }[]): string =>
  parts.map(({ text }) => text).join(', ');

/** What both roles have. `secret`: a checksum, with FL_ISOLATION=process. */
const common = (
  config: SuperLinkConfig | SuperNodeConfig,
  endpoints: FlowerEndpoints,
  environment: string,
  secret: string | undefined,
): Parts => ({
  tls: endpoints.tls === null ? 'NO' : 'YES',
  isolation: [config.FL_ISOLATION, secret ?? ''].join(' '),
  flower: endpoints.flower_version,
  environment,
  keepalive: `${config.FL_GRPC_KEEPALIVE_TIME} ${config.FL_GRPC_KEEPALIVE_TIMEOUT}`,
  log_level: config.FL_LOG_LEVEL,
});

export interface PartFacts {
  readonly endpoints: FlowerEndpoints;
  /** The folder of the virtual environment. */
  readonly environment: string;
  /** A checksum of the secret of SuperExec; undefined without it. */
  readonly secret: string | undefined;
  /** Fingerprints of the trusted CAs. */
  readonly trust: readonly string[];
}

export const superLinkParts = (
  config: SuperLinkConfig,
  {
    endpoints,
    environment,
    secret,
    trust,
    certificate,
    operatorKey,
    checkpoints,
  }: PartFacts & {
    /** Fingerprint of the server certificate. */
    readonly certificate: string;
    /** Fingerprint of the operator's public key; empty with a certificate of this VM. */
    readonly operatorKey: string;
    /** The directory that Flower needs for models; empty for none. */
    readonly checkpoints: string;
  },
): Parts => ({
  ...common(config, endpoints, environment, secret),
  trust: trust.join(' '),
  operator_key: operatorKey,
  certificate,
  listen:
    endpoints.role === 'superlink'
      ? [endpoints.listeners.fleet, endpoints.listeners.control].map(formatHostPort).join(' ')
      : '',
  database: config.FL_DATABASE,
  checkpoints,
});

export const superNodeParts = (
  config: SuperNodeConfig,
  {
    endpoints,
    environment,
    secret,
    trust,
    partition,
    nodeConfig,
    gpu,
  }: PartFacts & {
    readonly partition: Partition | undefined;
    /** A checksum of the node config without the partition. */
    readonly nodeConfig: string;
    readonly gpu: boolean;
  },
): Parts => ({
  ...common(config, endpoints, environment, secret),
  trust: trust.join(' '),
  superlink: formatHostPort(endpoints.endpoint),
  partition_id: String(partition?.id ?? NONE),
  num_partitions: String(partition?.of ?? NONE),
  node_config: nodeConfig,
  use_case: config.FL_USE_CASE,
  gpu: gpu ? config.FL_CUDA_VISIBLE_DEVICES : 'NO',
  retries: `${config.FL_MAX_RETRIES} ${config.FL_MAX_WAIT_TIME}`,
});

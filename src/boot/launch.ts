// What a boot writes and starts for its configuration. Pure: the steps write it, `plan` prints it.
import { join } from 'node:path';
import type { SuperLinkConfig, SuperNodeConfig } from '../config/parse.ts';
import type { HostPort } from '../core/hostport.ts';
import { checkpointDirectory } from '../flower/directories.ts';
import { superLinkEndpoints, superNodeEndpoints } from '../flower/endpoints.ts';
import { nodeConfigToml } from '../flower/node-config.ts';
import { launchPlan } from '../flower/plan.ts';
import { runConfigToml } from '../flower/run-config.ts';
import type { Credentials, FlowerFacts } from '../flower/settings.ts';
import { superExecPlan } from '../flower/superexec.ts';
import type { Paths } from '../host/paths.ts';
import { type SubjectNames, subjectNames } from '../tls/names.ts';

/** The launch plan, what is written beside it, and the text of the run config file. `endpoint`: what SuperNodes dial. */
export function superLinkLaunch(
  config: SuperLinkConfig,
  {
    endpoint,
    endpoint6,
    ...facts
  }: FlowerFacts & { readonly endpoint: HostPort; readonly endpoint6?: HostPort | undefined },
) {
  const tls = servedCredentials(config, facts.paths);
  const checkpoints = checkpointDirectory(facts.paths, config);
  // A SuperNode accepts the certificate for what it dials.
  const plan = launchPlan(config, { ...facts, tls, serverName: endpoint.host });
  const endpoints = superLinkEndpoints(config, { ...facts, tls }, endpoint, endpoint6);
  return {
    plan,
    endpoints,
    superexec:
      config.FL_ISOLATION === 'process'
        ? superExecPlan(plan, endpoints, facts, config.FL_CHECKPOINT_ENABLED ? checkpoints : undefined)
        : undefined,
    runConfig: runConfigToml(config, checkpoints),
  };
}

interface SuperNodeFacts extends FlowerFacts {
  readonly superlink: HostPort;
  readonly tls: boolean;
  /** Undefined outside a service. */
  readonly partition: { readonly id: number; readonly of: number } | undefined;
  /** Whether a GPU is wanted and was found. */
  readonly gpu: boolean;
}

/** The launch plan, what is written beside it, and the text of the node config file. */
export function superNodeLaunch(config: SuperNodeConfig, facts: SuperNodeFacts) {
  const { paths, gpu } = facts;
  const devices = config.FL_CUDA_VISIBLE_DEVICES;
  const ca = facts.tls ? superLinkCaFile(paths) : null;
  const endpoints = superNodeEndpoints({ ...facts, ca });
  const plan = launchPlan(config, {
    ...facts,
    ca,
    nodeConfig: paths.nodeConfig,
    cudaVisibleDevices: gpu && devices !== 'all' ? devices : undefined,
  });
  return {
    plan,
    endpoints,
    superexec: config.FL_ISOLATION === 'process' ? superExecPlan(plan, endpoints, facts) : undefined,
    nodeConfig: nodeConfigToml(config.FL_NODE_CONFIG ?? [], {
      partition: facts.partition,
      dataPath: paths.data,
      useCase: config.FL_USE_CASE,
      gpuMemoryFraction: gpu ? config.FL_GPU_MEMORY_FRACTION : undefined,
    }),
  };
}

/** The CA that a SuperNode verifies the SuperLink with. */
export const superLinkCaFile = (paths: Paths): string => join(paths.tls, 'superlink-ca.pem');

/** The CA before the last change, for a person. */
export const previousCaFile = (paths: Paths): string => join(paths.tls, 'superlink-ca.previous.pem');

/** The files of a SuperLink's CA, and of the three pairs that it may serve with. */
export const certificateFiles = (paths: Paths) => {
  const pair = (name: string, ca: string): Credentials => ({
    certificate: join(paths.tls, `${name}.pem`),
    key: join(paths.tls, `${name}.key`),
    ca: join(paths.tls, ca),
  });
  return {
    /** This VM's CA. */
    caCertificate: join(paths.tls, 'ca.pem'),
    caKey: join(paths.tls, 'ca.key'),
    /** Issued by it. */
    server: pair('server', 'ca.pem'),
    /** The operator's, served on the Fleet API. */
    operator: pair('operator-server', 'operator-ca.pem'),
    /** Beside the operator's, for the local listeners. */
    loopback: pair('loopback', 'ca.pem'),
  } as const;
};

/** `own` names the loopback address; `operator` replaces it on the Fleet API. Null: plaintext. */
function servedCredentials(config: SuperLinkConfig, paths: Paths) {
  if (!config.FL_TLS_ENABLED) return null;
  const files = certificateFiles(paths);
  return config.FL_SSL_CERTFILE === undefined
    ? { own: files.server, operator: null }
    : { own: files.loopback, operator: files.operator };
}

/** The names that a certificate of this VM's own CA must have; `hostNames` are added where they are known. */
export const serverNames = (
  { FL_CERT_EXTRA_SAN: extraSan }: SuperLinkConfig,
  facts: { addresses: readonly string[]; loopback: string; hostNames?: readonly string[] },
): SubjectNames => subjectNames({ ...facts, extraSan });

// The launch plan: everything the launcher needs to start one of Flower's daemons, as data. Pure: the same
// configuration and facts give the same plan, so its checksum says whether Flower runs what it should.

import { join } from 'node:path';
import * as z from 'zod';
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { ROLES, type Role } from '../core/role.ts';
import { parseVersion } from '../core/version.ts';
import type { Paths } from '../host/paths.ts';
import { databaseFile, flwrHome, stateDirectory } from './directories.ts';
import { onLoopback } from './endpoint.ts';
import { keepaliveOptions } from './keepalive.ts';
import { profileFor } from './profiles/index.ts';
import type { SuperLinkListeners } from './profiles/profile.ts';
import type { SuperLinkSettings, SuperNodeSettings } from './settings.ts';

/** Three PEM files of a TLS listener; absolute paths. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

interface BothFacts {
  /** The Flower that is in `environment`. */
  readonly version: string;
  /** The virtual environment's folder: absolute, not the link to it, so that a running Flower never changes under itself. */
  readonly environment: string;
  readonly paths: Paths;
  /** Address of listeners meant for this VM only. */
  readonly loopback: string;
}

export interface SuperLinkFacts extends BothFacts {
  /**
   * TLS material, or null for plaintext. `own` is a certificate of the agent's own CA that names the loopback address.
   * `operator` is what the Fleet listener shows in its place, when the operator brought certificates.
   */
  readonly tls: { readonly own: Credentials; readonly operator: Credentials | null } | null;
}

export interface SuperNodeFacts extends BothFacts {
  /** The SuperLink's Fleet API. */
  readonly superlink: HostPort;
  /** File of the CA certificates to trust, or null for plaintext. */
  readonly ca: string | null;
  /** File of the node config; its name must end in `.toml`, by which Flower knows that it is a file. */
  readonly nodeConfig: string;
  /** CUDA_VISIBLE_DEVICES for the ClientApp; left unset when undefined. */
  readonly cudaVisibleDevices?: string | undefined;
}

const option = z.tuple([z.string().startsWith('grpc.'), z.int()]);
const credentials = z.strictObject({ certificate: z.string(), key: z.string(), ca: z.string() });

/** The plan as it is in the file. */
export const launchPlanSchema = z.strictObject({
  version: z.literal(1),
  role: z.enum(ROLES),
  flower_version: z.string(),
  program: z.enum(['flower-superlink', 'flower-supernode']),
  argv: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  workdir: z.string(),
  grpc: z.strictObject({ server: z.array(option), client: z.array(option) }),
  /** SuperLink: which listener is the Fleet API, and what it shows when not --ssl-*. SuperNode: null. */
  fleet: z.nullable(z.strictObject({ listen: z.string(), credentials: z.nullable(credentials) })),
  link_file: z.string(),
  /** Seconds without any call to the Fleet API after which a SuperNode is ended, to be started afresh. */
  silence_seconds: z.optional(z.number()),
});
export type LaunchPlan = z.infer<typeof launchPlanSchema>;

/** The plan's bytes; the link file's `plan` is the SHA-256 of exactly these. */
export const formatPlan = (plan: LaunchPlan): string => `${JSON.stringify(plan, null, 2)}\n`;

/**
 * How to start Flower for this configuration.
 * @throws Problem flower_version_unsupported
 */
export function launchPlan(config: SuperLinkSettings, facts: SuperLinkFacts): LaunchPlan;
export function launchPlan(config: SuperNodeSettings, facts: SuperNodeFacts): LaunchPlan;
export function launchPlan(
  config: SuperLinkSettings | SuperNodeSettings,
  facts: SuperLinkFacts | SuperNodeFacts,
): LaunchPlan {
  return config.role === 'superlink'
    ? superLinkPlan(config, facts as SuperLinkFacts)
    : superNodePlan(config, facts as SuperNodeFacts);
}

/** What a SuperLink listens on, after the loopback address is put in. */
export const superLinkListeners = (
  config: Pick<SuperLinkSettings, 'FL_FLEET_API_ADDRESS' | 'FL_CONTROL_API_ADDRESS'>,
  loopback: string,
): SuperLinkListeners => ({
  fleet: config.FL_FLEET_API_ADDRESS,
  control: onLoopback(config.FL_CONTROL_API_ADDRESS, loopback),
  runtime: { host: loopback, port: 9091 },
});

function superLinkPlan(config: SuperLinkSettings, facts: SuperLinkFacts): LaunchPlan {
  const profile = profileFor(facts.version);
  const listeners = superLinkListeners(config, facts.loopback);
  const { tls } = facts;
  return {
    ...common(config, facts, 'superlink'),
    program: 'flower-superlink',
    argv: [
      ...(tls === null
        ? ['--insecure']
        : [
            '--ssl-certfile',
            tls.own.certificate,
            '--ssl-keyfile',
            tls.own.key,
            '--ssl-ca-certfile',
            tls.own.ca,
          ]),
      '--isolation',
      config.FL_ISOLATION,
      '--database',
      databaseFile(facts.paths, config.FL_DATABASE),
      ...profile.superlinkListeners(listeners, parseVersion(facts.version)!.minor),
    ],
    fleet: { listen: formatHostPort(listeners.fleet), credentials: tls?.operator ?? null },
  };
}

function superNodePlan(config: SuperNodeSettings, facts: SuperNodeFacts): LaunchPlan {
  const profile = profileFor(facts.version);
  const plan = common(config, facts, 'supernode');
  return {
    ...plan,
    program: 'flower-supernode',
    argv: [
      // Only about the Fleet API: the API of the ClientApp's processes is plaintext on loopback either way.
      ...(facts.ca === null ? ['--insecure'] : ['--root-certificates', facts.ca]),
      '--superlink',
      formatHostPort(facts.superlink),
      '--node-config',
      facts.nodeConfig,
      '--isolation',
      config.FL_ISOLATION,
      // Flower reads 0 as "do not retry" and "do not wait"; only leaving the flags out means "without end".
      ...(config.FL_MAX_RETRIES === 0 ? [] : ['--max-retries', String(config.FL_MAX_RETRIES)]),
      ...(config.FL_MAX_WAIT_TIME === 0 ? [] : ['--max-wait-time', String(config.FL_MAX_WAIT_TIME)]),
      ...profile.supernodeRuntime({ host: facts.loopback, port: 9094 }),
    ],
    environment: {
      ...plan.environment,
      ...(facts.cudaVisibleDevices === undefined ? {} : { CUDA_VISIBLE_DEVICES: facts.cudaVisibleDevices }),
    },
    fleet: null,
  };
}

function common(config: SuperLinkSettings | SuperNodeSettings, facts: BothFacts, role: Role) {
  const { server, client } = keepaliveOptions(config);
  const workdir = stateDirectory(facts.paths, role);
  return {
    version: 1,
    role,
    flower_version: facts.version,
    environment: {
      // Flower starts its child processes by bare name.
      PATH: [join(facts.environment, 'bin'), '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
      HOME: workdir,
      FLWR_HOME: flwrHome(facts.paths, role),
      FLWR_LOG_LEVEL: config.FL_LOG_LEVEL,
      LANG: 'C.UTF-8',
      PYTHONUNBUFFERED: '1',
      // An appliance does not phone home, and does not change by itself while it runs.
      FLWR_TELEMETRY_ENABLED: '0',
      FLWR_DISABLE_UPDATE_CHECK: '1',
      FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION: '1',
    } as Record<string, string>,
    workdir,
    grpc: {
      server: role === 'superlink' ? server.map(([name, value]): [string, number] => [name, value]) : [],
      client: role === 'supernode' ? client.map(([name, value]): [string, number] => [name, value]) : [],
    },
    link_file: facts.paths.flowerLink,
  } as const;
}

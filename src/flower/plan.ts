// The launch plan: everything that the launcher needs to start a daemon of Flower. The same configuration and facts give
// the same bytes, so their checksum tells whether Flower has to be restarted.

import * as z from 'zod';
import { formatHostPort } from '../core/hostport.ts';
import { parseJson } from '../core/json.ts';
import { ROLES, type Role } from '../core/role.ts';
import { readText } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import {
  commandPath,
  databaseFile,
  directoriesFlowerNeeds,
  flwrHome,
  stateDirectory,
} from './directories.ts';
import { superLinkListeners, superNodeRuntime } from './endpoints.ts';
import { keepaliveOptions } from './keepalive.ts';
import { profileFor, TRANSPORTS } from './profiles.ts';
import {
  credentials,
  type FlowerFacts,
  type SuperLinkFacts,
  type SuperLinkSettings,
  type SuperNodeFacts,
  type SuperNodeSettings,
} from './settings.ts';

const option = z.lazy(() => z.tuple([z.string(), z.int()]));

/** The content of the file. @internal */
export const launchPlanSchema = z.lazy(() =>
  z.strictObject({
    version: z.literal(1),
    role: z.enum(ROLES),
    flower_version: z.string(),
    program: z.enum(['flower-superlink', 'flower-supernode']),
    argv: z.array(z.string()),
    environment: z.record(z.string(), z.string()),
    workdir: z.string(),
    transport: z.enum(TRANSPORTS),
    /** Of keepalive.ts. */
    options: z.strictObject({ server: z.array(option), client: z.array(option) }),
    /**
     * SuperLink: the listener of the Fleet API, its certificate if it differs from --ssl-*, with TLS a name in the
     * certificate, for the launcher's own calls, and with HTTP the most bytes of a request. SuperNode: null.
     */
    fleet: z.nullable(
      z.strictObject({
        listen: z.string(),
        credentials: z.nullable(credentials),
        name: z.optional(z.string()),
        largest_body: z.optional(z.int()),
      }),
    ),
    /** Absolute, parents first: what the launcher makes below `workdir`, which systemd makes. */
    directories: z.array(z.string()),
    /** Seconds without progress after which the launcher ends Flower; for tests. */
    silence_seconds: z.optional(z.number()),
  }),
);
export type LaunchPlan = z.infer<typeof launchPlanSchema>;

/** The bytes of the file. `plan` in link.json is their SHA-256. */
export const formatPlan = (plan: LaunchPlan): string => `${JSON.stringify(plan, null, 2)}\n`;

/** The plan of this boot; undefined when there is no valid one. */
export const readPlan = ({ plan }: Paths): LaunchPlan | undefined =>
  parseJson(readText(plan, { owner: 'own' }), launchPlanSchema);

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

function superLinkPlan(config: SuperLinkSettings, facts: SuperLinkFacts): LaunchPlan {
  const listeners = superLinkListeners(config, facts.version, facts.loopback);
  const { tls } = facts;
  const profile = profileFor(facts.version);
  const name = tls?.operator ? facts.serverName : tls ? facts.loopback : undefined;
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
      ...isolation(config, facts),
      '--database',
      databaseFile(facts.paths, config.FL_DATABASE),
      ...profile.superlinkArguments(listeners),
    ],
    fleet: {
      listen: formatHostPort(listeners.fleet),
      credentials: tls?.operator ?? null,
      ...(name === undefined ? {} : { name }),
      ...(profile.largestBody === undefined ? {} : { largest_body: profile.largestBody }),
    },
  };
}

function superNodePlan(config: SuperNodeSettings, facts: SuperNodeFacts): LaunchPlan {
  const plan = common(config, facts, 'supernode');
  return {
    ...plan,
    program: 'flower-supernode',
    argv: [
      // This is about the Fleet API only. The API of the child processes is always plaintext on loopback.
      ...(facts.ca === null ? ['--insecure'] : ['--root-certificates', facts.ca]),
      '--superlink',
      formatHostPort(facts.superlink),
      '--node-config',
      facts.nodeConfig,
      ...isolation(config, facts),
      // Flower reads 0 as "do not retry" and "do not wait"; without the flags there is no limit.
      ...(config.FL_MAX_RETRIES === 0 ? [] : ['--max-retries', String(config.FL_MAX_RETRIES)]),
      ...(config.FL_MAX_WAIT_TIME === 0 ? [] : ['--max-wait-time', String(config.FL_MAX_WAIT_TIME)]),
      ...profileFor(facts.version).supernodeArguments(superNodeRuntime(facts.loopback)),
    ],
    environment: {
      ...plan.environment,
      ...(facts.cudaVisibleDevices === undefined ? {} : { CUDA_VISIBLE_DEVICES: facts.cudaVisibleDevices }),
    },
    fleet: null,
  };
}

/** In process mode Flower starts no children. It accepts only a SuperExec that knows the secret (superexec.ts). */
const isolation = (
  { FL_ISOLATION: mode }: Pick<SuperLinkSettings, 'FL_ISOLATION'>,
  { paths }: FlowerFacts,
): string[] => [
  '--isolation',
  mode,
  ...(mode === 'process' ? ['--superexec-auth-secret-file', paths.superexecSecret] : []),
];

function common(config: SuperLinkSettings | SuperNodeSettings, facts: FlowerFacts, role: Role) {
  const { transport, taskPollSeconds } = profileFor(facts.version);
  const { server, client } = keepaliveOptions(config, transport);
  const workdir = stateDirectory(facts.paths, role);
  return {
    version: 1,
    role,
    flower_version: facts.version,
    environment: {
      PATH: commandPath(facts.environment),
      HOME: workdir,
      FLWR_HOME: flwrHome(facts.paths, role),
      FLWR_LOG_LEVEL: config.FL_LOG_LEVEL,
      LANG: 'C.UTF-8',
      PYTHONUNBUFFERED: '1',
      // No telemetry (docs/facts.md, "flower-telemetry"), and no installation while it runs.
      FLWR_TELEMETRY_ENABLED: '0',
      FLWR_DISABLE_UPDATE_CHECK: '1',
      FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION: '1',
      ...(taskPollSeconds === undefined
        ? {}
        : { FLWR_SUPEREXEC_TASK_POLL_INTERVAL: String(taskPollSeconds) }),
    } as Record<string, string>,
    workdir,
    transport,
    options: {
      server: role === 'superlink' ? server : [],
      client: role === 'supernode' ? client : [],
    },
    directories: directoriesFlowerNeeds(facts.paths, config),
  } as const;
}

// What a boot with this configuration would write and start, computed by the functions of the boot's own steps.
import { join } from 'node:path';
import type { BootConfig, SuperLinkConfig, SuperNodeConfig } from '../config/parse.ts';
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { environmentPath } from '../flower/environment.ts';
import type { LaunchPlan } from '../flower/plan.ts';
import type { Machine } from '../host/machine.ts';
import { advertisedEndpoint } from './addresses.ts';
import { type CheckFacts, knownTrust, operatorCertificates } from './checks.ts';
import {
  certificateFiles,
  type LaunchFacts,
  serverNames,
  superLinkCaFile,
  superLinkLaunch,
  superNodeLaunch,
} from './launch.ts';
import { unitOf } from './steps/flower.ts';

export interface PlannedFile {
  readonly path: string;
  readonly mode: string;
  /** The text, where it is known before the boot and not secret. */
  readonly content?: string;
  readonly what: string;
}

export interface Preview {
  readonly role: 'superlink' | 'supernode';
  readonly files: readonly PlannedFile[];
  readonly starts: string;
  readonly launch_plan: LaunchPlan;
  /** What other VMs see; <...> replaces what only the running VM can find out. */
  readonly endpoint: string;
}

type Facts = Pick<CheckFacts, 'addresses' | 'hostNames' | 'now' | 'open'>;

/** An address that only the running VM can find out (RFC 2606: a name that nobody has). */
const UNKNOWN: HostPort = { host: 'discovered.invalid', port: 9092 };

/** For a configuration that `checkContext` accepts with the same facts. */
export function preview(config: BootConfig, facts: Facts, { paths, host }: Machine): Preview {
  const launch = {
    version: config.FLOWER_VERSION,
    environment: environmentPath(config.FLOWER_VERSION, config.ML_FRAMEWORK, paths),
    paths,
    loopback: host.loopback,
  };
  const { files, ...rest } =
    config.role === 'superlink' ? superLink(config, facts, launch) : superNode(config, facts, launch);
  const planFile = { path: paths.plan, mode: '0640', what: 'the launch plan' };
  const endpointsFile = {
    path: paths.endpoints,
    mode: '0644',
    what: 'the addresses and TLS files of Flower',
  };
  return {
    role: config.role,
    files: [...files, planFile, endpointsFile],
    starts: unitOf(config.role),
    ...rest,
  };
}

function superLink(
  config: SuperLinkConfig,
  facts: Facts,
  launch: LaunchFacts,
): Omit<Preview, 'role' | 'starts'> {
  const { paths, loopback } = launch;
  const { addresses } = facts;
  const operator = operatorCertificates(config, facts);
  const served = certificateFiles(paths)[operator === undefined ? 'server' : 'operator'];
  const { dns, ip } = serverNames(config, { addresses, loopback });
  const certificate = `a server certificate for ${[...dns, ...ip].join(', ')} and the host name`;
  const endpoint =
    addresses.length === 0
      ? undefined
      : advertisedEndpoint(config.FL_FLEET_API_ADDRESS, addresses, operator?.dialable);
  const { plan, runConfig } = superLinkLaunch(config, { ...launch, endpoint: endpoint ?? UNKNOWN });
  return {
    files: [
      ...(config.FL_TLS_ENABLED
        ? [
            { path: join(paths.tls, 'ca.key'), mode: '0600', what: "the key of this VM's own CA" },
            { path: join(paths.tls, 'ca.pem'), mode: '0644', what: "this VM's own CA" },
            { path: served.key, mode: '0640', what: 'the key of the server certificate' },
            {
              path: served.certificate,
              mode: '0644',
              what: operator === undefined ? certificate : 'FL_SSL_CERTFILE',
            },
          ]
        : []),
      { path: paths.runConfig, mode: '0640', what: 'for `flwr run --run-config`', content: runConfig },
    ],
    launch_plan: plan,
    endpoint: endpoint === undefined ? '<the address of this VM>' : formatHostPort(endpoint),
  };
}

function superNode(
  config: SuperNodeConfig,
  { now, open }: Facts,
  launch: LaunchFacts,
): Omit<Preview, 'role' | 'starts'> {
  const { paths } = launch;
  const { FL_SUPERLINK_ADDRESS: address, FL_SSL_CA_CERTFILE: ca } = config;
  // A SuperLink serves TLS unless it says otherwise.
  const tls = knownTrust(config, now, open)?.tls ?? true;
  const { plan, nodeConfig } = superNodeLaunch(config, {
    ...launch,
    superlink: address ?? UNKNOWN,
    tls,
    partition: undefined,
    gpu: config.FL_GPU_ENABLED,
  });
  return {
    files: [
      ...(tls
        ? [
            {
              path: superLinkCaFile(paths),
              mode: '0644',
              what: ca === undefined ? 'the CA that the SuperLink publishes' : 'the CA of FL_SSL_CA_CERTFILE',
            },
          ]
        : []),
      {
        path: paths.nodeConfig,
        mode: '0640',
        what: 'the node config; partition-id and num-partitions are added in a service',
        content: nodeConfig,
      },
    ],
    launch_plan: plan,
    endpoint: address === undefined ? '<from OneGate>' : formatHostPort(address),
  };
}

// What a boot with this configuration would write and start, computed by the functions of the boot's own steps.

import type { BootConfig, SuperLinkConfig, SuperNodeConfig } from '../config/parse.ts';
import { formatHostPort } from '../core/hostport.ts';
import type { Role } from '../core/role.ts';
import { environmentPath } from '../flower/environment.ts';
import type { LaunchPlan } from '../flower/plan.ts';
import type { FlowerFacts } from '../flower/settings.ts';
import { unitOf } from '../flower/state-file.ts';
import { formatSuperExecPlan, SUPEREXEC_UNIT, type SuperExecPlan } from '../flower/superexec.ts';
import { superExecFiles } from '../flower/superexec-files.ts';
import type { Machine } from '../host/machine.ts';
import { advertisedEndpoint, advertisedEndpoint6 } from './addresses.ts';
import { type CheckFacts, knownTrust, operatorCertificates } from './checks.ts';
import {
  certificateFiles,
  serverNames,
  superLinkCaFile,
  superLinkLaunch,
  superNodeLaunch,
} from './launch.ts';

interface PlannedFile {
  readonly path: string;
  readonly mode: string;
  readonly what: string;
  /** The text, where it is known before the boot and not secret. */
  readonly content?: string | undefined;
}

export interface Preview {
  readonly role: Role;
  readonly files: readonly PlannedFile[];
  readonly starts: string;
  readonly launch_plan: LaunchPlan;
  /** What other VMs see; <...> replaces what only the running VM can find out. */
  readonly endpoint: string;
}

type Facts = Pick<CheckFacts, 'addresses' | 'hostNames' | 'now' | 'open'>;
type OfRole = Pick<Preview, 'files' | 'launch_plan' | 'endpoint'> & {
  readonly superexec: SuperExecPlan | undefined;
};

/** For a configuration that `checkContext` accepts with the same facts. */
export function preview(config: BootConfig, facts: Facts, { paths, host }: Machine): Preview {
  const launch = {
    version: config.FLOWER_VERSION,
    environment: environmentPath(config.FLOWER_VERSION, config.ML_FRAMEWORK, paths),
    paths,
    loopback: host.loopback,
  };
  const { superexec, ...ofRole } =
    config.role === 'superlink' ? superLink(config, facts, launch) : superNode(config, facts, launch);
  return {
    role: config.role,
    ...ofRole,
    files: [
      ...ofRole.files,
      file(paths.plan, '0640', 'the launch plan'),
      file(paths.endpoints, '0644', 'the addresses and TLS files of Flower'),
      ...(superexec === undefined
        ? []
        : [
            file(
              superExecFiles(paths).plan,
              '0644',
              `how ${SUPEREXEC_UNIT} starts the apps`,
              formatSuperExecPlan(superexec),
            ),
            file(paths.superexecSecret, '0640', 'the secret that Flower and SuperExec share'),
          ]),
    ],
    starts: unitOf(config.role),
  };
}

const file = (path: string, mode: string, what: string, content?: string): PlannedFile => ({
  path,
  mode,
  what,
  content,
});

const UNKNOWN = '<the address of this VM>';

function superLink(config: SuperLinkConfig, facts: Facts, launch: FlowerFacts): OfRole {
  const { addresses } = facts;
  const operator = operatorCertificates(config, facts);
  const files = certificateFiles(launch.paths);
  const served = operator === undefined ? files.server : files.operator;
  const { dns, ip } = serverNames(config, { addresses, loopback: launch.loopback });
  const own = `a server certificate for ${[...dns, ...ip].join(', ')} and the host name`;
  const tls = [
    file(files.caKey, '0600', "the key of this VM's own CA"),
    file(files.caCertificate, '0644', "this VM's own CA"),
    file(served.key, '0640', 'the key of the server certificate'),
    file(served.certificate, '0644', operator === undefined ? own : 'FL_SSL_CERTFILE'),
  ];
  const candidates = addresses.length === 0 ? [UNKNOWN] : addresses;
  const { FL_FLEET_API_ADDRESS: listen } = config;
  const endpoint = advertisedEndpoint(listen, candidates, operator?.dialable);
  const endpoint6 = advertisedEndpoint6(listen, endpoint, candidates, operator?.dialable);
  const beside = endpoint6 === undefined ? '' : `, without IPv4 ${formatHostPort(endpoint6)}`;
  const { plan, runConfig, superexec } = superLinkLaunch(config, { ...launch, endpoint, endpoint6 });
  return {
    files: [
      ...(config.FL_TLS_ENABLED ? tls : []),
      file(launch.paths.runConfig, '0640', 'for `flwr run --run-config`', runConfig),
    ],
    launch_plan: plan,
    superexec,
    endpoint: endpoint.host === UNKNOWN ? UNKNOWN : `${formatHostPort(endpoint)}${beside}`,
  };
}

function superNode(config: SuperNodeConfig, { now, open }: Facts, launch: FlowerFacts): OfRole {
  const { paths } = launch;
  const { FL_SUPERLINK_ADDRESS: address, FL_SSL_CA_CERTFILE: ca } = config;
  // A SuperLink serves TLS unless it says otherwise.
  const tls = knownTrust(config, now, open)?.tls ?? true;
  const { plan, nodeConfig, superexec } = superNodeLaunch(config, {
    ...launch,
    // RFC 2606: nobody has this name.
    superlink: address ?? { host: 'discovered.invalid', port: 9092 },
    tls,
    partition: undefined,
    gpu: config.FL_GPU_ENABLED,
  });
  const trusted = ca === undefined ? 'the CA that the SuperLink publishes' : 'the CA of FL_SSL_CA_CERTFILE';
  const inService = 'the node config; partition-id and num-partitions are added in a service';
  return {
    files: [
      ...(tls ? [file(superLinkCaFile(paths), '0644', trusted)] : []),
      file(paths.nodeConfig, '0640', inService, nodeConfig),
    ],
    launch_plan: plan,
    superexec,
    endpoint: address === undefined ? '<from OneGate>' : formatHostPort(address),
  };
}

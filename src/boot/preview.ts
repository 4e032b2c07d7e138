// What a boot with these variables would write and start, computed without doing any of it.
import { join } from 'node:path';
import type { BootConfig, SuperLinkConfig, SuperNodeConfig } from '../config/parse.ts';
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { checkpointDirectory } from '../flower/directories.ts';
import { nodeConfigToml } from '../flower/node-config.ts';
import { type LaunchPlan, launchPlan } from '../flower/plan.ts';
import { runConfigToml } from '../flower/run-config.ts';
import type { Machine } from '../host/machine.ts';
import { subjectNames } from '../tls/names.ts';
import { nicsFrom } from '../vm/nics.ts';
import { advertisedEndpoint, allAddresses } from './addresses.ts';
import { certificateFiles } from './steps/certificates.ts';
import { unitOf } from './steps/flower.ts';

export interface PlannedFile {
  readonly path: string;
  readonly mode: string;
  /** The text, where it is known beforehand and not secret. */
  readonly content?: string;
  readonly what: string;
}

export interface Preview {
  readonly role: 'superlink' | 'supernode';
  readonly files: readonly PlannedFile[];
  readonly starts: string;
  readonly launch_plan: LaunchPlan;
  /** What other VMs would see; <...> stands for what only the running VM knows. */
  readonly endpoint: string;
}

/** Where discovery would have to be asked, this stands instead (RFC 2606: nobody's name). */
const DISCOVERED: HostPort = { host: 'discovered.invalid', port: 9092 };

export function preview(
  config: BootConfig,
  raw: Readonly<Record<string, string>>,
  { paths, host }: Machine,
): Preview {
  const common = {
    version: config.FLOWER_VERSION,
    environment: join(paths.environments, `${config.FLOWER_VERSION}-${config.ML_FRAMEWORK}`),
    paths,
    loopback: host.loopback,
  };
  return config.role === 'superlink'
    ? superLink(config, allAddresses(nicsFrom(raw, host), []), common)
    : superNode(config, common);
}

type Common = Pick<Parameters<typeof launchPlan>[1], 'version' | 'environment' | 'paths' | 'loopback'>;

function superLink(config: SuperLinkConfig, addresses: readonly string[], common: Common): Preview {
  const { paths, loopback } = common;
  const operator = config.FL_SSL_CERTFILE !== undefined;
  const file = certificateFiles(paths);
  const plan = launchPlan(config, {
    ...common,
    tls: config.FL_TLS_ENABLED
      ? { own: operator ? file.loopback : file.server, operator: operator ? file.operator : null }
      : null,
  });
  const names = subjectNames({
    addresses,
    extraSan: config.FL_CERT_EXTRA_SAN,
    loopback,
  });
  const shown = operator ? file.operator : file.server;
  return {
    role: 'superlink',
    files: [
      ...(config.FL_TLS_ENABLED
        ? [
            { path: join(paths.tls, 'ca.key'), mode: '0600', what: "the key of this VM's own CA" },
            { path: join(paths.tls, 'ca.pem'), mode: '0644', what: "this VM's own CA" },
            { path: shown.key, mode: '0640', what: 'the key of the server certificate' },
            {
              path: shown.certificate,
              mode: '0644',
              what: operator
                ? 'FL_SSL_CERTFILE'
                : `a server certificate for ${[...names.dns, ...names.ip].join(', ')} and the host name`,
            },
          ]
        : []),
      {
        path: paths.runConfig,
        mode: '0640',
        what: 'for `flwr run --run-config`',
        content: runConfigToml(config, checkpointDirectory(paths, config.FL_CHECKPOINT_PATH)),
      },
      { path: paths.plan, mode: '0640', what: 'the launch plan' },
    ],
    starts: unitOf('superlink'),
    launch_plan: plan,
    endpoint:
      addresses.length === 0
        ? '<the address of this VM>'
        : formatHostPort(advertisedEndpoint(config.FL_FLEET_API_ADDRESS, addresses)),
  };
}

function superNode(config: SuperNodeConfig, common: Common): Preview {
  const { paths } = common;
  const superlink = config.FL_SUPERLINK_ADDRESS ?? DISCOVERED;
  const caFile = join(paths.tls, 'superlink-ca.pem');
  const tls =
    config.FL_TLS_ENABLED ??
    (config.FL_SSL_CA_CERTFILE !== undefined || config.FL_SUPERLINK_ADDRESS === undefined);
  return {
    role: 'supernode',
    files: [
      ...(tls
        ? [
            {
              path: caFile,
              mode: '0644',
              what:
                config.FL_SSL_CA_CERTFILE === undefined
                  ? 'the CA that the SuperLink publishes'
                  : 'the CA of FL_SSL_CA_CERTFILE',
            },
          ]
        : []),
      {
        path: paths.nodeConfig,
        mode: '0640',
        what: 'the node config; partition-id and num-partitions are added in a service',
        content: nodeConfigToml(new Map(config.FL_NODE_CONFIG ?? []), {
          partition: undefined,
          dataPath: paths.data,
          useCase: config.FL_USE_CASE,
        }),
      },
      { path: paths.plan, mode: '0640', what: 'the launch plan' },
    ],
    starts: unitOf('supernode'),
    launch_plan: launchPlan(config, {
      ...common,
      superlink,
      ca: tls ? caFile : null,
      nodeConfig: paths.nodeConfig,
    }),
    endpoint: config.FL_SUPERLINK_ADDRESS === undefined ? '<from OneGate>' : formatHostPort(superlink),
  };
}

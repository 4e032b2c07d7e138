// Files and ports of a VM. The type requires an entry for each path of the agent (src/host/paths.ts).
import { type Paths, pathsUnder } from '../../src/host/paths.ts';

interface File {
  /** Owner and mode. */
  readonly access: string;
  readonly what: string;
}

const FILES: Readonly<
  Record<Exclude<keyof Paths, 'root' | 'contextFiles' | 'contextDiscs' | 'passwd' | 'memoryEvents'>, File>
> = {
  oneEnv: { access: 'of one-context', what: 'the agent reads only the OneGate token from it' },
  oneContextLock: { access: 'of one-context', what: 'exists while one-context runs' },
  contextFolderFile: {
    access: 'of OpenNebula',
    what: 'the CONTEXT that one-context reads in a container; in a VM it is the disc labelled CONTEXT',
  },
  appliance: {
    access: 'root 0644',
    what: 'facts of the image: role, baked Flower version, user, when it was built',
  },
  state: { access: 'root', what: 'state of the agent; kept at a reboot' },
  checkpoint: { access: 'root 0600', what: 'the finished steps and their inputs' },
  tls: {
    access: 'root:flower 0750',
    what: '`ca.pem` and `ca.key` (root 0600), `server.pem` and `server.key` (root:flower 0640), `operator-*` and `loopback.*` with certificates of the operator, `superlink-ca.pem` on a SuperNode',
  },
  trust: { access: 'root 0600', what: 'what a SuperNode trusted last: TLS, CA and address of its SuperLink' },
  failedInstallations: {
    access: 'root 0644',
    what: 'versions and frameworks that could not be installed; `flower-context install` tries again',
  },
  flowerState: {
    access: 'root 0755',
    what: 'state of Flower in `superlink/` or `supernode/` (flower 0750): database, checkpoints of models',
  },
  run: { access: 'root 0755', what: 'files for other programs on this VM; removed at a reboot' },
  motd: { access: 'root 0644', what: 'the text shown at login (pam_motd)' },
  lock: { access: 'root 0600', what: 'locked by the agent that runs: one per machine' },
  status: { access: 'root 0644', what: 'steps, waits, problems and facts of the boot; no secrets' },
  ready: { access: 'root 0644', what: 'whether this VM serves; the ready script reads it' },
  ends: { access: 'root 0600', what: 'ends of Flower and SuperExec that the agent has counted' },
  clock: {
    access: 'root 0644',
    what: 'SuperLink: where the clock was when the system started, and how it was set since',
  },
  plan: {
    access: 'root:flower 0640',
    what: 'launch plan: arguments, environment and gRPC options of Flower',
  },
  endpoints: {
    access: 'root 0644',
    what: 'listeners, the endpoint for SuperNodes, and the TLS files of Flower',
  },
  inForce: {
    access: 'root 0600',
    what: 'what the Flower that runs was started with, and the change that waits',
  },
  applyNow: {
    access: 'root 0600',
    what: 'the request of `flower-context apply --now`, until the agent takes it',
  },
  databaseVersion: {
    access: 'root 0644',
    what: 'SuperLink: the Flower that last served with its database; the launcher keeps a copy for it before a newer one migrates',
  },
  nodeConfig: { access: 'root:flower 0640', what: 'node config for ClientApps' },
  runConfig: {
    access: 'root:flower 0640',
    what: 'run config from the CONTEXT; `flower-context submit` passes it',
  },
  superexec: {
    access: 'root 0755',
    what: 'with FL_ISOLATION=process: how SuperExec starts (`plan.json`), the CA of the API that it calls, a link to the environment; no secrets',
  },
  superexecSecret: {
    access: 'root:flower 0640',
    what: 'with FL_ISOLATION=process: the secret that Flower and SuperExec share; new after each reboot',
  },
  superexecState: {
    access: 'flower-app 0700',
    what: 'with FL_ISOLATION=process: unpacked apps and checkpoints of models',
  },
  flwrHome: {
    access: 'root 0755',
    what: 'FLWR_HOME of `flower-context submit`: the connection to this SuperLink',
  },
  environment: { access: 'link', what: 'the virtual environment in use' },
  flowerLink: {
    access: 'root 0644',
    what: 'state of Flower, from inside its process: serving, accepted, lost. A line of JSON and its checksum',
  },
  environments: { access: 'root', what: 'virtual environments of Flower, `<version>-<framework>`' },
  makeEnvironment: {
    access: 'root 0755',
    what: 'builds a missing environment for FLOWER_VERSION or ML_FRAMEWORK, by flower-environment@.service',
  },
  apps: { access: 'root 0755', what: 'apps that `flower-context submit` takes by name: `quickstart`' },
  data: {
    access: 'root:flower-data 2750',
    what: 'local data of a SuperNode: root writes, ClientApps read; `data-path` in their node config is this path',
  },
  backup: {
    access: 'root 0644',
    what: "Flower's part of `flower-context backup` and `restore`, as user flower",
  },
  launcher: { access: 'root 0644', what: 'starts Flower with the launch plan, in the process of Flower' },
};

const PORTS: readonly (readonly [port: string, address: string, who: string])[] = [
  [
    '9092',
    'FL_FLEET_API_ADDRESS',
    'SuperLink: SuperNodes connect here (gRPC, TLS unless FL_TLS_ENABLED=NO). The only port that other machines need',
  ],
  ['9093', 'FL_CONTROL_API_ADDRESS', 'SuperLink: `flwr run`. No authentication: loopback'],
  ['9091', 'loopback', 'SuperLink with Flower before 1.37: the API of the processes of Flower'],
  ['9094', 'loopback', 'SuperNode: the API of the processes of Flower'],
  ['9101', 'FL_METRICS_PORT, all addresses', 'both, with FL_METRICS_ENABLED=YES: /metrics'],
];

export function machineReference(): string {
  const paths = pathsUnder('/');
  const files = (Object.keys(FILES) as (keyof typeof FILES)[]).map(
    (name) => `| \`${paths[name]}\` | ${FILES[name].access} | ${FILES[name].what} |`,
  );
  const context = `| ${paths.contextFiles.map((path) => `\`${path}\``).join(', else ')} | of one-context | the CONTEXT; parsed, never executed |`;
  return [
    '## Files',
    ['| Path | Access | What it is |', '|---|---|---|', context, ...files].join('\n'),
    '## Ports',
    ['| Port | Listens on | Who |', '|---|---|---|', ...PORTS.map((row) => `| ${row.join(' | ')} |`)].join(
      '\n',
    ),
    'Outgoing: SuperNodes to 9092 of the SuperLink; both to OneGate (ONEGATE_ENDPOINT); to the package index only for an environment of FLOWER_VERSION or ML_FRAMEWORK that the image does not have.',
  ].join('\n\n');
}

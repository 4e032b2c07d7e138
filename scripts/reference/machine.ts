// Files and ports of a VM. The type makes the list of files as long as the agent's own (src/host/paths.ts).
import { type Paths, pathsUnder } from '../../src/host/paths.ts';

interface File {
  /** Owner and mode. */
  readonly access: string;
  readonly what: string;
}

const FILES: Readonly<
  Record<Exclude<keyof Paths, 'root' | 'contextFiles' | 'contextDiscs' | 'passwd'>, File>
> = {
  oneEnv: { access: "one-context's", what: 'from it only the OneGate token is taken' },
  oneContextLock: { access: "one-context's", what: 'there while one-context is at work' },
  contextFolderFile: {
    access: "OpenNebula's",
    what: 'the CONTEXT that one-context reads in a container; in a VM it is the disc labelled CONTEXT',
  },
  appliance: { access: 'root 0644', what: 'what the image builder decided: role, baked Flower, user' },
  state: { access: 'root', what: "the agent's memory; survives reboots" },
  checkpoint: { access: 'root 0600', what: 'the steps that are done, and with which inputs' },
  tls: {
    access: 'root:flower 0750',
    what: '`ca.pem` and `ca.key` (root 0600), `server.pem` and `server.key` (root:flower 0640), `operator-*` and `loopback.*` with certificates of the operator, `superlink-ca.pem` on a SuperNode',
  },
  failedInstallations: {
    access: 'root 0644',
    what: 'what FLOWER_VERSION or ML_FRAMEWORK asked for and could not be installed; `flower-context install` tries again',
  },
  flowerState: {
    access: 'root 0755',
    what: "Flower's memory in `superlink/` or `supernode/` (flower 0750): database, checkpoints of models",
  },
  run: { access: 'root 0755', what: 'what the agent tells others on this VM; gone at reboot' },
  motd: { access: '0644 root', what: 'what is shown at login (pam_motd)' },
  status: { access: 'root 0644', what: 'every step, wait, problem and fact of the boot; no secrets' },
  ready: { access: 'root 0644', what: 'whether this VM serves: what the ready script decides by' },
  plan: { access: 'root:flower 0640', what: 'how Flower is started: arguments, environment, gRPC options' },
  endpoints: {
    access: 'root 0644',
    what: 'listeners, the endpoint that SuperNodes dial, and the TLS files of Flower',
  },
  nodeConfig: { access: 'root:flower 0640', what: 'what a ClientApp reads of its node' },
  runConfig: {
    access: 'root:flower 0640',
    what: 'the run config that the CONTEXT makes; `flower-context submit` passes it',
  },
  flwrHome: {
    access: 'root 0700',
    what: 'FLWR_HOME of `flower-context submit`: the connection to this SuperLink',
  },
  environment: { access: 'link', what: 'the virtual environment that is in use' },
  flowerRun: { access: 'flower 0755', what: "Flower's own runtime folder" },
  flowerLink: { access: 'flower 0644', what: 'told from inside Flower: serving, accepted, lost' },
  environments: { access: 'root', what: 'virtual environments of Flower, `<version>-<framework>`' },
  makeEnvironment: {
    access: 'root 0755',
    what: 'builds such an environment when FLOWER_VERSION or ML_FRAMEWORK asks for one that is not there',
  },
  apps: { access: 'root 0755', what: 'apps that `flower-context submit` finds by their name: `quickstart`' },
  data: {
    access: 'root:flower 2750',
    what: "a SuperNode's own data: root writes, ClientApps read; its path is `data-path` in their node config",
  },
  launcher: { access: 'root 0644', what: "starts Flower by the launch plan, in Flower's own process" },
};

const PORTS: readonly (readonly [port: string, address: string, who: string])[] = [
  [
    '9092',
    'FL_FLEET_API_ADDRESS',
    'SuperLink: SuperNodes connect here (gRPC, TLS unless FL_TLS_ENABLED=NO). The only port that other machines need',
  ],
  ['9093', 'FL_CONTROL_API_ADDRESS', 'SuperLink: `flwr run`. No authentication: loopback'],
  ['9091', 'loopback', "SuperLink with Flower before 1.37: the API of Flower's own processes"],
  ['9094', 'loopback', "SuperNode: the API of Flower's own processes"],
  ['9101', 'FL_METRICS_PORT, all addresses', 'both, with FL_METRICS_ENABLED=YES: /metrics'],
];

export function machineReference(): string {
  const paths = pathsUnder('/');
  const files = (Object.keys(FILES) as (keyof typeof FILES)[]).map(
    (name) => `| \`${paths[name]}\` | ${FILES[name].access} | ${FILES[name].what} |`,
  );
  const context = `| ${paths.contextFiles.map((path) => `\`${path}\``).join(', else ')} | one-context's | the CONTEXT; parsed, never executed |`;
  return [
    '## Files',
    ['| Path | Access | What it is |', '|---|---|---|', context, ...files].join('\n'),
    '## Ports',
    ['| Port | Listens on | Who |', '|---|---|---|', ...PORTS.map((row) => `| ${row.join(' | ')} |`)].join(
      '\n',
    ),
    'Outgoing: SuperNodes to 9092 of the SuperLink; both to OneGate (ONEGATE_ENDPOINT); to the package index only when FLOWER_VERSION or ML_FRAMEWORK asks for an environment that is not there.',
  ].join('\n\n');
}

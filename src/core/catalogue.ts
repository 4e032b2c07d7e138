// Every problem code of the agent. A code is stable: it is FL_ERROR on OneGate and the key of `flower-context explain`.
import type { Entry, Severity } from './catalogue-entry.ts';
import { SUPERVISION } from './catalogue-supervision.ts';
import { RUN_CODES } from './run-codes.ts';

export type { Severity } from './catalogue-entry.ts';

const REACTION: Readonly<Record<Severity, string>> = {
  fatal:
    'The boot ends with exit status 1. FL_ERROR on OneGate has the code. systemd starts the agent again, and the boot resumes at the first unfinished step.',
  degraded: 'The boot continues without it. Status and journal report the problem.',
  warning: 'The boot continues. Status and journal report the problem.',
};
const WAITS_FOR_CONTEXT =
  'The boot ends with exit status 2. FL_ERROR on OneGate has the code. The agent does not retry until the CONTEXT changes. Flower that already runs keeps its previous configuration.';
const FLOWER_NOT_STARTED = `Flower is not started, because it would retry forever without a clear error. ${REACTION.fatal}`;

const JOURNAL = 'journalctl -u flower-context';
const STATUS = 'flower-context status';
const CA_REMEDY =
  "set FL_SSL_CA_CERTFILE to the SuperLink's CA (`flower-context ca --base64` prints it there)";
/** How a SuperNode forgets that its attributes were changed. The documents say it with the same words. */
export const FORGET_CHANGES =
  'On each VM that reports it, run `systemctl stop flower-context`, then `flower-context boot --fresh`, then `systemctl start flower-context`';

const ENTRIES = {
  config_validation_failed: {
    title: 'the CONTEXT of this VM has invalid values',
    about: 'Flower cannot start with these values. All of them are reported, each with an accepted form.',
    found: 'Every variable is checked before anything else is done.',
    agent: WAITS_FOR_CONTEXT,
    remedy: 'correct the variables named, then `onevm updateconf` or instantiate again',
    where: ['flower-context validate FILE (also away from a VM)', 'docs/reference/variables.md'],
  },
  config_suspicious: {
    title: 'the CONTEXT has a value that is valid but probably a mistake',
    severity: 'warning',
    about: 'Examples: a misspelled variable, a setting of another strategy, plaintext where TLS is offered.',
    found: 'The variables are compared with each other and with what the SuperLink publishes.',
    remedy: 'check the variable named',
    where: [STATUS, 'flower-context validate FILE'],
  },
  context_unreadable: {
    title: 'the CONTEXT could not be read',
    about: "The file is missing, or it has other lines than NAME='value'. It is parsed, never executed.",
    found: 'The agent reads context.sh.network, else context.sh.local, in /var/run/one-context.',
    agent: `${WAITS_FOR_CONTEXT} Without a CONTEXT nothing is published.`,
    remedy: 'check that one-context ran (`systemctl status one-context`) and that the VM has a CONTEXT',
    where: ['ls -l /var/run/one-context', 'flower-context context'],
  },
  image_incomplete: {
    title: 'the image lacks a part that the agent needs',
    about:
      'The install script puts these parts into every image: appliance.json with the role, the user flower, and a virtual environment with Flower.',
    found: 'Each part is read when it is needed.',
    remedy: 'build the image again with the install script of this project',
    where: ['cat /etc/flower-context/appliance.json', 'getent passwd flower', 'ls /opt/flower/envs'],
  },
  state_unwritable: {
    title: 'the agent cannot read or write its files',
    about: 'The disk is full or read-only, or the agent does not run as root. No file is half written.',
    found: 'The operating system refused a read or a write.',
    remedy:
      'free disk space (`df -h`) or make the file system writable (`mount -o remount,rw /`), then `systemctl restart flower-context`',
    where: ['df -h /var/lib/flower-context', 'mount | grep " / "', 'dmesg | tail'],
  },
  state_damaged: {
    title: 'a state file was damaged and has been renamed',
    severity: 'degraded',
    about:
      'Causes are a power cut, a bad disk or an edit. The file is kept as NAME.damaged-TIME. A part of the CA is found or made again if possible; otherwise there is a new CA, and SuperNodes that pin the old one need it.',
    found: 'Every state file is checked when it is read.',
    remedy: 'nothing, if the boot continued; the file beside the original (.damaged-*) shows the damage',
    where: ['ls /var/lib/flower-context /var/lib/flower-context/tls', 'flower-context ca'],
  },
  tls_setup_failed: {
    title: 'the certificates could not be prepared',
    about:
      'A server certificate is expired, belongs to another key, has an incomplete chain, or is not for servers. All faults are reported at once.',
    found: "The boot checks FL_SSL_*; a SuperNode checks the SuperLink's certificate before Flower starts.",
    agent: `With FL_SSL_* at fault: ${WAITS_FOR_CONTEXT} Else: ${REACTION.fatal}`,
    remedy: 'correct the FL_SSL_* variables named, or leave all three empty to have certificates made',
    where: ['flower-context validate FILE', 'openssl x509 -in server.pem -noout -text'],
  },
  ca_missing: {
    title: 'TLS is required, but no CA certificate is available',
    about:
      'FL_TLS_ENABLED=YES, or the SuperLink publishes TLS. Without its CA the SuperLink cannot be verified. The agent never falls back to plaintext.',
    found: 'FL_SSL_CA_CERTFILE is empty, and OneGate has no usable FL_CA_CERT of the SuperLink.',
    agent: FLOWER_NOT_STARTED,
    remedy: CA_REMEDY,
    where: ['flower-context ca --base64 (on the SuperLink)', STATUS, 'onegate vm show ID --json'],
  },
  ca_invalid: {
    title: 'the CA certificate is not valid',
    about:
      'It is neither PEM nor base64 of PEM, or it is a key, a server certificate or an expired CA. On a SuperLink: its own CA ends within a year.',
    found: 'The agent reads FL_SSL_CA_CERTFILE, or FL_CA_CERT of the SuperLink on OneGate.',
    agent: FLOWER_NOT_STARTED,
    remedy: CA_REMEDY,
    where: ['flower-context ca --base64 (on the SuperLink)', 'openssl x509 -in ca.pem -noout -text'],
  },
  ca_mismatch: {
    title: "the SuperLink's certificate is not signed by the CA that this node trusts",
    about:
      'The SuperLink has a new CA (for example a new disk), or another server answers at its address. Compare the fingerprints before you trust a new CA.',
    found: 'The agent connects to the SuperLink and verifies the chain as gRPC does.',
    agent: FLOWER_NOT_STARTED,
    remedy:
      'take the CA from the SuperLink again (`flower-context ca --base64` there) and set it as FL_SSL_CA_CERTFILE here',
    where: ['flower-context ca (on both sides)', 'flower-context doctor'],
  },
  address_not_in_certificate: {
    title: "the SuperLink's certificate does not contain the address that SuperNodes dial",
    about:
      'A certificate is valid for the names and addresses in it. This node dials another one: a NAT address, a DNS name or a second network. The problem contains the FL_CERT_EXTRA_SAN line to add.',
    found: "The address is compared with the certificate's subjectAltName, as gRPC does.",
    agent: FLOWER_NOT_STARTED,
    remedy: 'add the address to FL_CERT_EXTRA_SAN on the SuperLink, or dial one that is in the certificate',
    where: ['flower-context status (sans, on the SuperLink)', 'flower-context doctor (on both sides)'],
  },
  tls_mode_mismatch: {
    title: 'one side uses TLS and the other does not',
    about:
      'If FL_TLS_ENABLED is empty on a SuperNode, it follows the SuperLink. A node that has used TLS does not go back to plaintext because OneGate says so: anybody on the way to OneGate, and every VM of the service, could have changed FL_TLS.',
    found: 'FL_TLS_ENABLED is compared with FL_TLS on OneGate and with the answer at the address.',
    agent: `If this node requires TLS: ${REACTION.fatal} With FL_TLS_ENABLED=NO on this node it is a warning.`,
    remedy:
      'set FL_TLS_ENABLED to the same value on both sides; for plaintext after TLS set FL_TLS_ENABLED=NO on this VM',
    where: ['flower-context context | grep FL_TLS_ENABLED (on both sides)', 'flower-context doctor'],
  },
  not_in_service: {
    title: 'this VM is not part of a OneFlow service, so the SuperLink cannot be discovered',
    about: 'Without FL_SUPERLINK_ADDRESS a SuperNode needs a service and a OneGate token. One is missing.',
    found: 'OneGate answers that the VM has no service, or the CONTEXT lacks TOKEN=YES.',
    remedy: 'set FL_SUPERLINK_ADDRESS (and FL_SSL_CA_CERTFILE), or deploy the VM through a OneFlow service',
    where: ['onegate service show', 'oneflow list (on the front-end)', 'flower-context context'],
  },
  superlink_ambiguous: {
    title: 'several roles of the service, or none, could be the SuperLink',
    about: 'The SuperLink is the role named superlink. Without that name it is the only other role.',
    found: 'The agent reads the roles of the service from OneGate.',
    remedy: 'name the role superlink in the service template, or set FL_SUPERLINK_ADDRESS',
    where: ['oneflow show ID (on the front-end)', 'flower-context lint FILE (the service template)'],
  },
  discovery_timeout: {
    title: 'the SuperLink was not found in time',
    about: 'The SuperLink did not publish FL_READY=YES and an address.',
    found: 'With FL_EDGE_BACKOFF=fixed the agent asks OneGate 30 times, 10 s apart.',
    remedy:
      'check the SuperLink VM (`flower-context status` there); with FL_EDGE_BACKOFF=exponential the agent waits without limit',
    where: ['onegate vm show ID --json', 'oneflow show ID (on the front-end)'],
  },
  superlink_unreachable: {
    title: "the SuperLink's address does not answer",
    severity: 'warning',
    about: 'The SuperLink may still start. Flower starts anyway and retries.',
    found: 'The agent connects to the address before Flower starts, and then every 10 s.',
    agent: 'The boot continues. The node is ready when the SuperLink has accepted it.',
    remedy: 'check the address, the firewall between the two and that the SuperLink is up; Flower retries',
    where: ['flower-context probe HOST:PORT --ca FILE', 'security groups of both VMs: TCP 9092'],
  },
  onegate_unreachable: {
    title: 'OneGate is unreachable or refuses requests',
    severity: 'degraded',
    about:
      'It is down, hangs, or refuses the token (401, also while oned is down). 404 means no service, or that OneFlow is down. All of this can be temporary.',
    found: 'Each request has 5 s and is repeated with growing pauses.',
    agent:
      'A SuperLink serves and publishes when OneGate answers again, READY=YES included. A SuperNode that discovers its SuperLink waits.',
    remedy: 'check ONEGATE_ENDPOINT from inside the VM (`onegate vm show`); the agent retries',
    where: ['flower-context doctor', 'systemctl status opennebula-gate opennebula-flow (on the front-end)'],
  },
  onegate_value_refused: {
    title: 'a value would not pass OneGate unchanged and was not sent',
    about:
      'OneGate changes some characters and limits an update to 128 KiB. A very large FL_SSL_CA_CERTFILE exceeds it: remove certificates that the SuperLink does not need.',
    found: 'Every update is checked before it is sent.',
    remedy: 'report this fault of the agent, with the journal',
    where: [JOURNAL, 'flower-context ca'],
  },
  flower_version_unsupported: {
    title: 'the agent does not support this version of Flower',
    about: 'The start options of Flower change between versions. The agent supports the ranges named.',
    found: 'FLOWER_VERSION is compared with the ranges before anything else is done.',
    agent: WAITS_FOR_CONTEXT,
    remedy: 'choose a FLOWER_VERSION in the ranges named, or leave it empty for the version of the image',
    where: ['FLOWER_VERSION in docs/reference/variables.md', 'flower-context plan FILE'],
  },
  flower_install_failed: {
    title: 'the requested Flower or framework could not be installed; the version of the image runs',
    severity: 'degraded',
    about:
      'The package index was not reachable, the package does not exist, the disk is too small, or the installation took more than 10 minutes. A boot does not try the same installation twice.',
    found: 'Free disk space is checked before the download, and the environment after it.',
    remedy:
      'leave FLOWER_VERSION and ML_FRAMEWORK empty, or free disk space and open access to the package index: `flower-context install` tries again',
    where: [JOURNAL, 'ls /opt/flower/envs', 'df -h /opt/flower', 'flower-context install'],
  },
  flower_database_newer: {
    title: 'the database was opened by a newer Flower than the one that is asked for',
    severity: 'fatal',
    about:
      'A newer Flower migrates the database of the SuperLink when it starts. An older one does not open it any more. FLOWER_VERSION was lowered, or the requested version could not be installed and the image has an older one.',
    found:
      'The agent remembers which Flower last served with this database, and compares it before Flower is stopped. Flower itself ends with "Can\'t locate revision".',
    agent: 'It starts no older Flower. A Flower that serves continues with its settings.',
    remedy:
      'set FLOWER_VERSION to the version named, or a newer one. To go back: restore a backup of that time, or use the copy that was kept beside the database before the migration',
    where: [JOURNAL, 'FLOWER_VERSION in docs/reference/variables.md', 'docs/operate.md, Upgrade'],
  },
  flower_state_unknown: {
    title: 'Flower runs, but its state is not known',
    severity: 'warning',
    about:
      'The launcher writes the state of Flower to link.json. The file is missing or damaged, it is about another process, or a signal has stopped the process. Causes are an update of the package, somebody who removed the file, or code of an app.',
    found: 'The agent compares the state with the main process that systemd reports for the unit of Flower.',
    agent:
      'The VM counts as not serving. Within a minute the agent restarts Flower, which writes its state again.',
    remedy:
      'nothing, if Flower serves again; otherwise restart it (`systemctl restart flower-superlink` or `flower-supernode`)',
    where: ['flower-context doctor', 'ls -l /run/flower-context/link.json', JOURNAL],
  },
  flower_start_failed: {
    title: 'Flower exited instead of serving',
    about: "The process exited, or systemd did not start it. The problem contains Flower's last lines.",
    found: 'The agent watches the unit while Flower starts.',
    remedy: "read Flower's last lines above; `journalctl -u 'flower-super*'` has all of them",
    where: ["journalctl -u 'flower-super*'", 'systemctl status flower-superlink flower-supernode'],
  },
  ...SUPERVISION,
  retry_limit_reached: {
    title: 'this SuperNode has stopped: FL_MAX_RETRIES or FL_MAX_WAIT_TIME is reached',
    about: 'The SuperLink did not answer until then. The limit counts for each call; 0 means no limit.',
    found: 'Flower ends at the limit, and its launcher with exit status 69.',
    agent: 'Nothing starts Flower again before a reload, another CONTEXT or a restart of the VM.',
    remedy: 'correct the SuperLink or the path to it, then `systemctl reload flower-context` here',
    where: ['flower-context status (on the SuperLink)', 'journalctl -u flower-supernode'],
  },
  health_check_timeout: {
    title: 'Flower runs but did not become ready in time',
    about:
      'The Fleet API did not answer at the published address: within 3 minutes of a boot, or later in two calls, although Flower answers at its loopback address.',
    found:
      'The agent calls the Fleet API as a SuperNode does, verified with the published CA: during a boot, and then once a minute.',
    remedy: "read Flower's last lines; check the listen address and the firewall",
    where: ['journalctl -u flower-superlink', 'ss -ltnp', 'flower-context doctor'],
  },
  no_address: {
    title: 'this VM has no address that SuperNodes could dial',
    about: 'Neither the CONTEXT (ETHx_IP) nor the kernel has an address other than the loopback address.',
    found: 'FL_FLEET_API_ADDRESS means all addresses, and the list of addresses is empty.',
    remedy: 'attach a network with addresses to the VM (NETWORK=YES in its CONTEXT)',
    where: ['ip address', 'flower-context context | grep ETH'],
  },
  port_in_use: {
    title: 'a port that Flower needs is not free',
    about: 'Another program listens on the port, or the address does not belong to this VM.',
    found: 'The agent opens each port for a moment before Flower starts.',
    remedy: 'stop the program that listens on the port (`ss -ltnp`), or choose another address',
    where: ['ss -ltnp', 'flower-context plan --json FILE', 'flower-context doctor'],
  },
  peer_suspicious: {
    title: 'what OneGate says of a peer, or of this VM, is suspicious',
    severity: 'warning',
    about:
      'Warning: attributes of the SuperLink are invalid, or two VMs claim to be the SuperLink. Degraded: the SuperLink has another CA than before, or somebody else has changed attributes of this VM. Every VM of the service may write attributes, and plain HTTP to OneGate protects against nobody on that path. A SuperLink that was deployed again also has another CA.',
    found:
      'Attributes of peers are validated like user input. The CA is compared with the one trusted last, and the attributes of this VM with what it has published.',
    agent:
      'The node still serves. Invalid attributes are ignored. Another CA is used and reported until the VM boots again; the earlier one is kept as superlink-ca.previous.pem. After two changes of its attributes a SuperNode takes its partition by the order of the VM ids, and the other nodes of the role do so as long as it publishes that.',
    remedy: `compare the CA with \`flower-context ca\` on the SuperLink, and pin it (FL_SSL_CA_CERTFILE) if others can write to the service or to its network. After changed attributes find the VM that writes. ${FORGET_CHANGES}`,
    where: [
      'flower-context status',
      'onegate service show --json',
      'docs/security.md',
      '/var/log/one/onegate.log on the front-end',
    ],
  },
  flower_version_differs: {
    title: 'the SuperLink and this node run different versions of Flower',
    severity: 'warning',
    about: 'Adjacent versions usually work together, but Flower does not guarantee it.',
    found: 'FL_VERSION of the SuperLink on OneGate is compared with the version here.',
    remedy: 'set FLOWER_VERSION to the same value for both roles',
    where: ['flower-context status (on both sides)', 'FLOWER_VERSION in the service template'],
  },
  flower_generation_differs: {
    title: 'the SuperLink and this node run versions of Flower that do not understand each other',
    severity: 'warning',
    about:
      'Flower 1.39 and older uses gRPC, Flower 1.40 and newer uses HTTP. Flower itself tries again and does not name this cause.',
    found:
      'FL_VERSION of the SuperLink on OneGate is compared with the version here. While the node waits, the agent also calls the Fleet API in both ways.',
    agent: 'The node waits. It joins by itself when the versions fit, and the problem is withdrawn.',
    remedy:
      'give the SuperLink and all nodes the same FLOWER_VERSION or image; the node then joins by itself',
    where: [
      'flower-context status (on both sides)',
      'flower-context probe HOST:PORT --ca FILE',
      'docs/operate.md, Upgrade Flower',
    ],
  },
  change_pending: {
    title: 'a change has waited for a restart of Flower for 24 hours',
    severity: 'degraded',
    about:
      'Flower runs with its earlier settings. The restart would interrupt a run, or it is not known whether a run is active. The problem names what differs.',
    found:
      'The agent asks Flower from time to time whether a run is active, or a SuperNode whether it got a message.',
    agent: 'Flower runs on, and READY stays. The change is applied as soon as no run is interrupted.',
    remedy: 'wait for the end of the runs, or `flower-context apply --now`, which interrupts them',
    where: ['flower-context apply', STATUS, 'docs/operate.md, "What a change does to a run"'],
  },
  clock_off: {
    title: "this VM's clock is wrong, or differs from the SuperLink's by more than Flower accepts",
    severity: 'warning',
    about:
      "Flower refuses calls more than 5 s ahead of or 305 s behind the SuperLink's clock. Certificates also depend on the clock. While the clock of a SuperLink cannot be right, no CA and no certificate is replaced because of its dates.",
    found:
      'Flower refuses the timestamps of this node. Or the clock of a SuperLink is earlier than its image, later than the end of its CA, or was set while the system ran. Or its CA begins in the future.',
    agent: 'The boot continues, and what serves goes on. The problem ends when the clock is right.',
    remedy: 'start time synchronisation (`timedatectl set-ntp true`) on both',
    where: ['timedatectl', 'flower-context doctor (on both sides)', 'journalctl -u flower-supernode'],
  },
  gpu_not_found: {
    title: 'FL_GPU_ENABLED=YES, but no NVIDIA GPU was found',
    severity: 'degraded',
    about: 'The driver finds no GPU. Training runs on the CPU, and FL_GPU_AVAILABLE=NO is published.',
    found: '`nvidia-smi -L` is not installed, fails, or lists nothing.',
    remedy: 'check PCI passthrough and the driver (`nvidia-smi`); training runs on the CPU',
    where: ['nvidia-smi -L', 'lspci | grep -i nvidia', 'the PCI device in the VM template'],
  },
  dcgm_unavailable: {
    title: 'FL_DCGM_ENABLED=YES, but the exporter is not installed in this image',
    severity: 'degraded',
    about: 'Neither nvidia-dcgm-exporter.service nor dcgm-exporter.service exists: no GPU metrics.',
    found: 'systemd refuses to start the unit.',
    remedy: "install NVIDIA's datacenter-gpu-manager-exporter in the image, or set FL_DCGM_ENABLED=NO",
    where: ['systemctl status nvidia-dcgm-exporter dcgm-exporter'],
  },
  metrics_unavailable: {
    title: 'the metrics port could not be opened',
    severity: 'degraded',
    about: 'FL_METRICS_ENABLED=YES, but Prometheus gets no metrics from this VM.',
    found: 'The operating system refuses to listen on FL_METRICS_PORT.',
    agent: 'The boot continues without metrics. A changed CONTEXT opens the port again.',
    remedy: 'choose another FL_METRICS_PORT',
    where: ['ss -ltnp', STATUS],
  },
  ...RUN_CODES,
  agent_running: {
    title: 'the agent already runs on this machine',
    about: 'Only one agent may run on a machine. The lock ends with its process.',
    found: 'Another process has the lock of this machine, the file `/run/flower-context/lock`.',
    agent: 'The second agent ends with exit status 1 and changes nothing.',
    remedy: 'check it with `flower-context status`; `systemctl restart flower-context` starts it again',
    where: ['systemctl status flower-context', STATUS],
  },
  interrupted: {
    title: 'the boot was stopped before its end',
    about: 'The agent was stopped, or the CONTEXT changed during the boot. Finished steps stay finished.',
    found: 'The agent received a signal or read a new CONTEXT.',
    agent: 'Running steps are cancelled and the phase becomes `stopped`. A new CONTEXT restarts the boot.',
    remedy: 'start the agent again (`systemctl start flower-context`); finished steps are not repeated',
    where: [STATUS, JOURNAL],
  },
  internal_error: {
    title: 'unexpected internal error',
    about:
      'This is a defect of flower-context, not of the CONTEXT. Open an issue in its repository with the two outputs below; they contain no secrets.',
    found: 'A step threw an error without a problem code.',
    remedy:
      'send `journalctl -b -u flower-context` and `flower-context doctor --json` to the maintainers; `flower-context boot --fresh` runs every step again',
    where: [JOURNAL, 'flower-context doctor --json', 'ls -lR /var/lib/flower-context'],
  },
} as const satisfies Record<string, Entry>;

export type ProblemCode = keyof typeof ENTRIES;

const complete = (entry: Entry): Required<Entry> => {
  const severity = entry.severity ?? 'fatal';
  return { severity, agent: REACTION[severity], ...entry };
};

export const CATALOGUE = Object.fromEntries(
  Object.entries(ENTRIES).map(([code, entry]) => [code, complete(entry)]),
) as Record<ProblemCode, Required<Entry>>;

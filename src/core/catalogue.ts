// Every problem code of the agent. A code is stable: it is FL_ERROR on OneGate and the key of `flower-context explain`.

/** fatal: the boot ends. degraded: the boot continues without something. warning: reported, nothing else. */
export type Severity = 'fatal' | 'degraded' | 'warning';

interface Entry {
  readonly title: string;
  /** Of a problem that does not say another. */
  readonly severity: Severity;
  readonly remedy: string;
}

export const CATALOGUE = {
  config_validation_failed: {
    title: 'the CONTEXT of this VM has values that cannot be used',
    severity: 'fatal',
    remedy: 'correct the variables named, then `onevm updateconf` or instantiate again',
  },
  config_suspicious: {
    title: 'the CONTEXT has a value that is accepted but probably not what was meant',
    severity: 'warning',
    remedy: 'check the variable named',
  },
  context_unreadable: {
    title: 'the CONTEXT could not be read',
    severity: 'fatal',
    remedy:
      'check that one-context ran (`systemctl status one-context`) and that the VM has a CONTEXT section',
  },
  image_incomplete: {
    title: 'the image lacks something the agent needs',
    severity: 'fatal',
    remedy: 'build the image again with the install script of this project',
  },
  state_unwritable: {
    title: 'the agent cannot write its files',
    severity: 'fatal',
    remedy:
      'free disk space (`df -h`) or make the file system writable (`mount -o remount,rw /`), then `systemctl restart flower-context`',
  },
  state_damaged: {
    title: 'a state file was damaged and has been set aside',
    severity: 'degraded',
    remedy: 'nothing, if the boot went on; look at the file beside the original (.damaged-*)',
  },
  tls_setup_failed: {
    title: 'the certificates could not be prepared',
    severity: 'fatal',
    remedy: 'correct the FL_SSL_* variables named, or leave all three empty to have certificates made',
  },
  ca_missing: {
    title: 'TLS is wanted but there is no CA certificate to trust',
    severity: 'fatal',
    remedy: "set FL_SSL_CA_CERTFILE to the SuperLink's CA (`flower-context ca --base64` prints it there)",
  },
  ca_invalid: {
    title: 'the CA certificate cannot be used',
    severity: 'fatal',
    remedy: "set FL_SSL_CA_CERTFILE to the SuperLink's CA (`flower-context ca --base64` prints it there)",
  },
  ca_mismatch: {
    title: "the SuperLink's certificate is not signed by the CA this node trusts",
    severity: 'fatal',
    remedy:
      'take the CA from the SuperLink again (`flower-context ca --base64` there) and set it as FL_SSL_CA_CERTFILE here',
  },
  address_not_in_certificate: {
    title: "the SuperLink's certificate does not name the address that SuperNodes dial",
    severity: 'fatal',
    remedy: 'add the address to FL_CERT_EXTRA_SAN on the SuperLink, or dial one that the certificate names',
  },
  tls_mode_mismatch: {
    title: 'one side speaks TLS and the other does not',
    severity: 'fatal',
    remedy: 'set FL_TLS_ENABLED to the same value on both sides',
  },
  not_in_service: {
    title: 'this VM is not part of a OneFlow service, so the SuperLink cannot be discovered',
    severity: 'fatal',
    remedy: 'set FL_SUPERLINK_ADDRESS (and FL_SSL_CA_CERTFILE), or deploy the VM through a OneFlow service',
  },
  superlink_ambiguous: {
    title: 'it is not clear which role of the service is the SuperLink',
    severity: 'fatal',
    remedy: 'name the role superlink in the service template, or set FL_SUPERLINK_ADDRESS',
  },
  discovery_timeout: {
    title: 'the SuperLink was not found in time',
    severity: 'fatal',
    remedy:
      'look at the SuperLink VM (`flower-context status` there); FL_EDGE_BACKOFF=exponential waits without end',
  },
  superlink_unreachable: {
    title: "the SuperLink's address does not answer",
    severity: 'warning',
    remedy:
      'check the address, the firewall between the two and that the SuperLink is up; Flower keeps trying',
  },
  onegate_unreachable: {
    title: 'OneGate does not answer as it should',
    severity: 'degraded',
    remedy: 'check ONEGATE_ENDPOINT from inside the VM (`onegate vm show`); the agent keeps trying',
  },
  onegate_value_refused: {
    title: 'a value would not survive OneGate and was not sent',
    severity: 'fatal',
    remedy: 'this is a fault of the agent: report it with the journal',
  },
  flower_version_unsupported: {
    title: 'this version of Flower is outside what the agent knows how to start',
    severity: 'fatal',
    remedy: 'choose a FLOWER_VERSION in the ranges named, or leave it empty for the baked one',
  },
  flower_install_failed: {
    title: 'the wanted version of Flower, or its framework, could not be installed; what the image has runs',
    severity: 'degraded',
    remedy:
      'leave FLOWER_VERSION and ML_FRAMEWORK empty, or make room and open the way to the package index: `flower-context install` tries again',
  },
  flower_start_failed: {
    title: 'Flower ended instead of serving',
    severity: 'fatal',
    remedy: "read Flower's last lines above; `journalctl -u 'flower-super*'` has them all",
  },
  health_check_timeout: {
    title: 'Flower runs but did not become ready in time',
    severity: 'fatal',
    remedy: "read Flower's last lines; check the listen address and the firewall",
  },
  no_address: {
    title: 'this VM has no address that SuperNodes could dial',
    severity: 'fatal',
    remedy: 'attach a network with addresses to the VM (NETWORK=YES in its CONTEXT)',
  },
  port_in_use: {
    title: 'a port that Flower needs is taken',
    severity: 'fatal',
    remedy: 'stop the program that holds the port (`ss -ltnp`), or choose another address',
  },
  peer_suspicious: {
    title: 'what another VM publishes is odd',
    severity: 'warning',
    remedy: 'look at that VM; what it publishes is used only where it makes sense',
  },
  flower_version_differs: {
    title: 'the SuperLink and this node run different versions of Flower',
    severity: 'warning',
    remedy: 'set FLOWER_VERSION to the same value for both roles',
  },
  clock_off: {
    title: "this VM's clock differs from the SuperLink's by more than Flower accepts",
    severity: 'warning',
    remedy: 'start time synchronisation (`timedatectl set-ntp true`) on both',
  },
  gpu_not_found: {
    title: 'FL_GPU_ENABLED=YES, but no NVIDIA GPU was found',
    severity: 'degraded',
    remedy: 'check PCI passthrough and the driver (`nvidia-smi`); training runs on the CPU',
  },
  dcgm_unavailable: {
    title: 'FL_DCGM_ENABLED=YES, but the exporter is not installed in this image',
    severity: 'degraded',
    remedy: "install NVIDIA's datacenter-gpu-manager-exporter in the image, or set FL_DCGM_ENABLED=NO",
  },
  metrics_unavailable: {
    title: 'the metrics port could not be opened',
    severity: 'degraded',
    remedy: 'choose another FL_METRICS_PORT',
  },
  app_lacks_settings: {
    title:
      'the app does not declare settings that are passed to every run, and Flower refuses a run with others',
    severity: 'fatal',
    remedy:
      'add the lines named to [tool.flwr.app.config] in its pyproject.toml, or submit with --declared-only',
  },
  run_not_started: {
    title: 'Flower did not take the run',
    severity: 'fatal',
    remedy: 'read what flwr says above; `flower-context status` tells whether the SuperLink serves',
  },
  run_failed: {
    title: 'the run ended without being completed',
    severity: 'fatal',
    remedy: "read the ServerApp's lines above; those of the ClientApps are in the journals of the SuperNodes",
  },
  agent_running: {
    title: 'the agent is at work on this machine already',
    severity: 'fatal',
    remedy: 'look at it with `flower-context status`; `systemctl restart flower-context` starts it over',
  },
  interrupted: {
    title: 'the boot was stopped before it was done',
    severity: 'fatal',
    remedy:
      'start the agent again (`systemctl start flower-context`): it goes on at the first step that is not done',
  },
  internal_error: {
    title: 'the agent met something it was not written for',
    severity: 'fatal',
    remedy: 'report it with `journalctl -u flower-context`; `flower-context boot --fresh` starts over',
  },
} as const satisfies Record<string, Entry>;

export type ProblemCode = keyof typeof CATALOGUE;

/** What a code means. */
export const entryOf = (code: ProblemCode): Entry => CATALOGUE[code];

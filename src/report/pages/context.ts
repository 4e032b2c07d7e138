// Pages of problems with what the VM was given and with the machine itself.
import { ENDS, GOES_ON, JOURNAL, type Page, STATUS, WAITS_FOR_CONTEXT } from './page.ts';

export const CONTEXT_PAGES = {
  config_validation_failed: {
    about:
      'One or more variables of the CONTEXT have values that no Flower could be started with. All of them are told at once, each with what was found, what would be accepted and an example',
    found:
      'All variables are checked against the table of docs/reference/variables.md before anything is done',
    agent: WAITS_FOR_CONTEXT,
    look: [
      'flower-context validate FILE (works on a laptop, too)',
      'flower-context context',
      'docs/reference/variables.md',
    ],
  },
  config_suspicious: {
    about:
      'A value can be used, but most who write it mean something else: a name that is nearly one of ours, a parameter of a strategy that is not selected, plaintext where TLS was offered',
    found: 'The variables are compared with each other, and with what the SuperLink publishes',
    agent: GOES_ON,
    look: [STATUS, 'flower-context validate FILE'],
  },
  context_unreadable: {
    about:
      "There is no CONTEXT, or it is not what one-context writes: NAME='value' lines. The file is parsed and never executed, so nothing else than that form is accepted",
    found: 'context.sh.network, else context.sh.local, is read in /var/run/one-context',
    agent: `${WAITS_FOR_CONTEXT}. Without a CONTEXT there is no OneGate to tell`,
    look: ['systemctl status one-context', 'ls -l /var/run/one-context', 'flower-context context'],
  },
  image_incomplete: {
    about:
      'Something is missing that the install script puts into every image: the file with the role, the user that Flower runs as, or the virtual environment with Flower',
    found: 'appliance.json, the passwd file and /opt/flower/envs are read when they are needed',
    agent: ENDS,
    look: ['cat /etc/flower-context/appliance.json', 'getent passwd flower', 'ls /opt/flower/envs'],
  },
  state_unwritable: {
    about:
      'A file of the agent could not be read or written: the disk is full or read-only, or the agent does not run as root. Files are written whole or not at all, so nothing half-written is left',
    found: "The operating system's answer to a write, in words",
    agent: ENDS,
    look: ['df -h /var/lib/flower-context', 'mount | grep " / "', 'dmesg | tail'],
  },
  state_damaged: {
    about:
      'A file that the agent wrote itself cannot be read any more (a power cut, a bad disk, a hand in it). It is renamed to NAME.damaged-TIME for you to look at and never used. A damaged CA is replaced by a new one, which SuperNodes that pin the old one have to be given',
    found: 'Every state file is checked when it is read',
    agent: GOES_ON,
    look: ['ls /var/lib/flower-context /var/lib/flower-context/tls', 'flower-context ca'],
  },
  no_address: {
    about:
      'SuperNodes need an address to dial, and this VM has none besides the loopback: no ETHx_IP in the CONTEXT and none in the kernel',
    found: 'FL_FLEET_API_ADDRESS listens on all addresses, and the list of addresses is empty',
    agent: ENDS,
    look: ['ip address', 'flower-context context | grep ETH', 'NETWORK=YES in the CONTEXT'],
  },
  port_in_use: {
    about:
      'A port that Flower listens on cannot be listened on: another program has it, or the address is not one of this VM. Flower itself says little about it, so it is looked at before',
    found: 'The agent listens on each of the ports for a moment before Flower is started',
    agent: ENDS,
    look: ['ss -ltnp', 'flower-context plan --json FILE', 'flower-context doctor'],
  },
  clock_off: {
    about:
      "Flower refuses calls whose time is more than 5 s ahead of the SuperLink's clock or more than 305 s behind it, and certificates are valid between two dates. A clock that is off breaks both",
    found:
      'Flower refuses the timestamps of this node, or the certificates of the last boot lie in the future; `doctor` also measures the difference',
    agent: `${GOES_ON}, and goes away when the clock is right`,
    look: ['timedatectl', 'flower-context doctor (on both sides)', 'journalctl -u flower-supernode'],
  },
  metrics_unavailable: {
    about: 'FL_METRICS_ENABLED=YES, but the port for Prometheus could not be opened, so there are no metrics',
    found: 'The operating system refuses to listen on FL_METRICS_PORT',
    agent: `${GOES_ON}. The port is tried again when the CONTEXT changes it`,
    look: ['ss -ltnp', STATUS],
  },
  gpu_not_found: {
    about: 'FL_GPU_ENABLED=YES, but this VM has no NVIDIA GPU that its driver sees',
    found: '`nvidia-smi -L` is asked; it is not installed, fails, or lists nothing',
    agent: `${GOES_ON}. Training runs on the CPU, FL_GPU_AVAILABLE=NO is published`,
    look: ['nvidia-smi -L', 'lspci | grep -i nvidia', 'the PCI device in the VM template'],
  },
  dcgm_unavailable: {
    about:
      'FL_DCGM_ENABLED=YES, but this image has neither nvidia-dcgm-exporter.service (package datacenter-gpu-manager-exporter of NVIDIA) nor dcgm-exporter.service, so there are no GPU metrics',
    found: 'systemd refuses to start the unit',
    agent: GOES_ON,
    look: ['systemctl status nvidia-dcgm-exporter dcgm-exporter'],
  },
  agent_running: {
    about:
      'Two agents would undo each other, so there is one per machine. The lock goes away with the process that holds it, however that ends',
    found: 'The lock of this machine (an abstract socket) is held',
    agent: 'The second agent ends with exit status 1 and changes nothing',
    look: ['systemctl status flower-context', STATUS],
  },
  interrupted: {
    about:
      'The agent was told to stop, or the CONTEXT changed, in the middle of a boot. What is finished stays finished',
    found: 'A signal, or another CONTEXT than the one that is being booted',
    agent:
      'The steps under way end, the status says stopped. With a new CONTEXT it begins anew at once; after a signal at the next start',
    look: [STATUS, JOURNAL],
  },
  internal_error: {
    about:
      'Something happened that nobody thought of. It is told as it came, and the agent starts over; a program that only did not work looks better than one that pretends',
    found: 'An error without a name reached the end of a step',
    agent: ENDS,
    look: [JOURNAL, 'ls -lR /var/lib/flower-context'],
  },
} as const satisfies Record<string, Page>;

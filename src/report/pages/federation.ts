// Pages of problems with OneGate, with finding each other, and with Flower itself.
import { ENDS, GOES_ON, JOURNAL, type Page, STATUS, WAITS_FOR_CONTEXT } from './page.ts';

export const FEDERATION_PAGES = {
  not_in_service: {
    about:
      'A SuperNode without FL_SUPERLINK_ADDRESS asks OneGate for the VMs of its service. This VM is in none, or has no token to ask with',
    found: 'OneGate answers that the VM does not belong to a service, or TOKEN=YES is not in the CONTEXT',
    agent: ENDS,
    look: ['onegate service show', 'oneflow list (on the front-end)', 'flower-context context'],
  },
  superlink_ambiguous: {
    about:
      'The service has several roles that could be the SuperLink, or only this one. The SuperLink is the role named superlink, else the only other role',
    found: 'The roles of the service are read from OneGate',
    agent: ENDS,
    look: ['oneflow show ID (on the front-end)', 'flower-context lint FILE on the service template'],
  },
  discovery_timeout: {
    about:
      'With FL_EDGE_BACKOFF=fixed the SuperLink is looked for 30 times, 10 s apart. It did not publish FL_READY=YES and an address in that time; the message says what it said last',
    found: "OneGate is asked for the SuperLink's VM",
    agent: `${ENDS}. With FL_EDGE_BACKOFF=exponential the agent waits without end and shows what for`,
    look: [
      'flower-context status (on the SuperLink)',
      'onegate vm show ID --json',
      'oneflow show ID (on the front-end)',
    ],
  },
  superlink_unreachable: {
    about:
      "Nothing answers at the SuperLink's address now. That may pass (it is being started), so Flower is started all the same and keeps trying",
    found:
      'The agent opens a connection to the address before Flower is started, and every 10 s while it waits',
    agent: `${GOES_ON}. The node is not ready before the SuperLink has accepted it`,
    look: [
      'flower-context probe HOST:PORT --ca FILE',
      'flower-context doctor (on both sides)',
      'security groups of both VMs: TCP 9092',
    ],
  },
  onegate_unreachable: {
    about:
      'OneGate did not answer, or not as it should: it is down, hangs, refuses the token (401, also while oned is down), does not know the service (404, also while OneFlow is down), or fails (500). All of it can pass',
    found: 'Each question has 5 s, and is asked again with growing pauses',
    agent:
      'The boot goes on and a SuperLink serves; what was not published is published as soon as OneGate answers. A SuperNode that needs OneGate to find its SuperLink waits. READY=YES is part of the same update',
    look: [
      'flower-context doctor',
      'onegate vm show',
      'systemctl status opennebula-gate opennebula-flow (on the front-end)',
    ],
  },
  onegate_value_refused: {
    about:
      "OneGate changes or loses some characters, and an update has to stay within 128 KiB. A value that would not arrive as it was sent is not sent. Besides a fault of the agent, a very large FL_SSL_CA_CERTFILE does this: leave out of it what the SuperLink's certificate does not need",
    found: 'Every update is checked before it is sent',
    agent: ENDS,
    look: [JOURNAL, 'flower-context ca'],
  },
  peer_suspicious: {
    about:
      'What the SuperLink publishes makes no sense in part, or two VMs say that they are the SuperLink. What does not pass the checks is left out of account and never obeyed',
    found: "Attributes of other VMs are read as a stranger's text",
    agent: GOES_ON,
    look: ['onegate service show --json', 'flower-context status (on that VM)'],
  },
  flower_version_differs: {
    about:
      'SuperLink and SuperNode run different versions of Flower. Neighbouring versions mostly work together; Flower promises nothing',
    found: 'FL_VERSION of the SuperLink on OneGate is compared with the version here',
    agent: GOES_ON,
    look: ['flower-context status (on both sides)', 'FLOWER_VERSION in the service template'],
  },
  flower_version_unsupported: {
    about:
      'How Flower is started changes between versions. The agent knows some ranges, and this one is in none',
    found: 'FLOWER_VERSION is compared with the ranges before anything is done',
    agent: WAITS_FOR_CONTEXT,
    look: ['FLOWER_VERSION in docs/reference/variables.md', 'flower-context plan FILE'],
  },
  flower_install_failed: {
    about:
      'FLOWER_VERSION or ML_FRAMEWORK asks for an environment that is not in the image, and it could not be installed: no way to a package index, no such package, no room, or not done within 10 minutes. That is remembered, and a boot does not try the same installation again',
    found:
      'The free disk space is compared with what the framework takes before anything is downloaded; then the install script is run, and what it made is looked at',
    agent: `${GOES_ON}, with the version baked in the image: that is the one published as FL_VERSION`,
    look: [JOURNAL, 'ls /opt/flower/envs', 'df -h /opt/flower', 'flower-context install'],
  },
  flower_start_failed: {
    about:
      "Flower's process ended instead of serving, or systemd would not start it. Its own last lines are in the message",
    found: 'The unit is watched while Flower comes up',
    agent: ENDS,
    look: [
      "journalctl -u 'flower-super*'",
      'systemctl status flower-superlink flower-supernode',
      'flower-context plan FILE',
    ],
  },
  health_check_timeout: {
    about:
      'Flower runs, but its Fleet API did not answer at the published address within 3 minutes. A process that runs and cannot be reached is not ready, whatever it says itself',
    found: 'The Fleet API is called as a SuperNode would call it, verified with the CA that SuperNodes get',
    agent: `${ENDS}. Nothing is published that opens the ready gate`,
    look: ['journalctl -u flower-superlink', 'ss -ltnp', 'flower-context doctor'],
  },
  app_lacks_settings: {
    about:
      'Flower refuses a run with settings that the app does not declare. The settings of the CONTEXT (strategy, rounds, clients, checkpoints) are passed to every run',
    found: '`flower-context submit` compares them with [tool.flwr.app.config] of the app',
    agent: 'The run is not started; the lines to add are in the message',
    look: ['cat /run/flower-context/run-config.toml', 'examples/quickstart/pyproject.toml'],
  },
  run_not_started: {
    about: 'There is no run: the SuperLink does not serve, the app cannot be read, or `flwr run` refused it',
    found: '`flower-context submit` follows what `flwr run` says',
    agent: 'submit ends with exit status 1',
    look: [STATUS, 'journalctl -u flower-superlink'],
  },
  run_failed: {
    about: 'The run began and did not come to a good end: it failed, was stopped, or the SuperLink went away',
    found:
      'The state of the run is asked of the SuperLink until it is finished; `flwr run --stream` itself ends with 0 for a failed run',
    agent: 'submit ends with exit status 1',
    look: ['journalctl -u flower-superlink', 'journalctl -u flower-supernode (on the nodes)'],
  },
} as const satisfies Record<string, Page>;

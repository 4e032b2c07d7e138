// What lint reports. A code is stable: people search the docs for it, and pipelines may depend on it.

interface Entry {
  readonly severity: 'error' | 'warning';
  readonly title: string;
  /** What happens in a service that is started with it. */
  readonly why: string;
}

export const CODES = {
  not_json: {
    severity: 'error',
    title: 'the text is not JSON',
    why: '`oneflow-template create` refuses it.',
  },
  schema: {
    severity: 'error',
    title: 'this is not a service template',
    why: '`oneflow-template create` refuses it. OneFlow itself checks the rest of the structure when the template is created.',
  },
  contents_syntax: {
    severity: 'error',
    title: 'OpenNebula cannot read vm_template_contents',
    why: 'OneFlow accepts the template and reads the contents only when it creates a VM. Each start of the service then fails.',
  },
  context_shape: {
    severity: 'error',
    title: 'CONTEXT is not an object',
    why: 'OneFlow 7 writes each input into CONTEXT as a member. It accepts the template, and each start fails with "Error generating VM template contents". The upgrade to OpenNebula 7 turns a CONTEXT block into a list.',
  },
  nic_shape: {
    severity: 'error',
    title: 'NIC is not a list',
    why: 'OneFlow 7 expects a list of NICs. It accepts the template, and each start fails with "Error generating VM template contents".',
  },
  context_block: {
    severity: 'warning',
    title: 'a CONTEXT block in vm_template_contents works on OpenNebula 6 only',
    why: 'OpenNebula 7 cannot put inputs into the block and creates no VM. Without APPEND the block replaces the CONTEXT of the VM template. Lines NAME="$NAME" outside of a CONTEXT work on 6 and 7: the CONTEXT of the VM template takes their values.',
  },
  value_changed: {
    severity: 'error',
    title: 'OneFlow changes this value',
    why: 'The VM gets another value than the template has. OneFlow adds commas to a value of several lines, or cuts it. OneFlow 7 turns quotes in vm_template_contents into backslashes. `${...}` is a reference to a parent role.',
  },
  context_unused: {
    severity: 'warning',
    title: 'an input replaces this value in the CONTEXT',
    why: 'OneFlow 7 writes every input into the CONTEXT. The value in the template has no effect.',
  },
  reference_undefined: {
    severity: 'warning',
    title: 'a value refers to a name that is not defined',
    why: 'The VM gets an empty value and uses the default, unless the VM template defines the name.',
  },
  cyclic_parents: {
    severity: 'error',
    title: 'OneFlow never deploys a role',
    why: 'A role is deployed when all its parents run. OneFlow accepts parents that wait for each other and parents that do not exist. The service then stays in DEPLOYING without an error.',
  },
  expression_never: {
    severity: 'warning',
    title: 'an elasticity expression compares a text',
    why: 'OneFlow compares the average over the running VMs. A text counts as 0, and a comparison with an unknown name is false. The policy never applies.',
  },
  gate_off: {
    severity: 'error',
    title: 'ready_status_gate is not true',
    why: 'OneFlow then treats a VM as ready as soon as it runs. SuperNodes start before the SuperLink answers, and the service is RUNNING while nothing works.',
  },
  deployment_not_straight: {
    severity: 'error',
    title: 'the deployment is not straight',
    why: 'All roles start at once. OneFlow ignores `parents`, and no role waits for the ready gate.',
  },
  supernode_without_parent: {
    severity: 'error',
    title: 'the SuperNode role does not wait for the SuperLink role',
    why: 'Straight deployment starts a role without parents at once. Its nodes then search for a SuperLink that does not exist yet.',
  },
  superlink_count: {
    severity: 'error',
    title: 'the service does not have exactly one SuperLink',
    why: 'A second SuperLink has its own CA, database and runs. The SuperNodes are split between two federations.',
  },
  superlink_policies: {
    severity: 'error',
    title: 'a policy scales the SuperLink role',
    why: 'A policy adds a second SuperLink, or removes the oldest VM: the one with the CA and the runs.',
  },
  cardinality_missing: {
    severity: 'error',
    title: 'the role has no cardinality',
    why: 'OpenNebula 7 takes 0: it creates no VM, and the roles that depend on this role wait. Older versions take 1.',
  },
  too_few_supernodes: {
    severity: 'error',
    title: 'the service may have fewer SuperNodes than a run needs',
    why: 'Flower waits without a time limit for clients that do not exist: the run neither works nor fails. This is a warning where max_vms allows enough VMs.',
  },
  robust_clients: {
    severity: 'error',
    title: 'Krum or Bulyan can never have enough clients',
    why: 'For f malicious clients Krum needs 2f+3 clients, and Bulyan 4f+3. With fewer the result of the aggregation means nothing.',
  },
  input_twice: {
    severity: 'error',
    title: 'the service and a role ask for the same input',
    why: 'OneFlow takes the answer of the role. The form shows two fields, and one of them has no effect.',
  },
  input_form: {
    severity: 'warning',
    title: 'an input does not work with every client or version',
    why: 'The command line stops at an input that it cannot read. OneFlow refuses to start a service without a value for each input. Five parts work everywhere: `O|text|Question|choices|preset`. OneFlow 6 asks only for the inputs in `custom_attrs`.',
  },
  infrastructure_as_input: {
    severity: 'error',
    title: 'the form asks for an infrastructure variable',
    why: 'An empty answer gives a VM without OneGate token, addresses or ready report. OneFlow stores the answer where every VM of the service can read it.',
  },
  token_missing: {
    severity: 'error',
    title: "TOKEN=YES is missing in the role's CONTEXT",
    why: 'The VM has no VMID, no ONEGATE_ENDPOINT and no token. It can neither publish nor discover, and the ready gate never opens.',
  },
  report_ready_missing: {
    severity: 'error',
    title: "REPORT_READY=YES is missing in the role's CONTEXT",
    why: 'No program sends READY=YES, and the ready gate has no timeout. Only YES in capital letters counts.',
  },
  ready_script_missing: {
    severity: 'error',
    title: "READY_SCRIPT_PATH is missing in the role's CONTEXT",
    why: 'one-context then reports READY=YES as soon as the VM has booted, whether Flower serves or not.',
  },
  ready_preset: {
    severity: 'error',
    title: 'the template itself sets READY',
    why: 'The VM has READY from its first second. The ready gate opens before Flower serves.',
  },
  superlink_address_set: {
    severity: 'error',
    title: 'FL_SUPERLINK_ADDRESS is set in a service that has a SuperLink',
    why: 'An address disables discovery. The SuperNodes connect to this address, and the SuperLink of the service has another one.',
  },
  superlink_address_optional: {
    severity: 'error',
    title: 'a training site does not require FL_SUPERLINK_ADDRESS',
    why: 'This service has no SuperLink to discover. Without an address the nodes fail with superlink_ambiguous.',
  },
  ca_optional: {
    severity: 'error',
    title: 'a training site with TLS does not require FL_SSL_CA_CERTFILE',
    why: 'OneGate of this zone does not have the CA of the other zone. Without a CA the nodes fail with ca_missing.',
  },
  tls_off_across_zones: {
    severity: 'warning',
    title: 'TLS is off between zones',
    why: 'Models cross foreign networks in plaintext. Anybody on the path can read and change them.',
  },
  supernode_in_coordinator: {
    severity: 'error',
    title: 'a coordinator template has a SuperNode role',
    why: 'Its nodes count for FL_MIN_FIT_CLIENTS. Rounds can start without the training sites.',
  },
  keepalive_too_fast: {
    severity: 'warning',
    title: 'SuperNodes ping more often than the SuperLink accepts',
    why: 'A SuperLink accepts one ping in half of its FL_GRPC_KEEPALIVE_TIME. A faster client can receive GOAWAY (too_many_pings) and lose its connection.',
  },
  cooldown_short: {
    severity: 'warning',
    title: 'the cooldown is too short',
    why: 'A SuperLink detects a lost node after 60 s. Only then does another node take over its partition. Earlier scaling moves partitions that nodes are taking over.',
  },
  unknown_variable: {
    severity: 'warning',
    title: 'no variable has this name',
    why: 'The agent ignores it. The variable that was meant keeps its default.',
  },
  preset_invalid: {
    severity: 'error',
    title: 'the agent refuses a preset value',
    why: 'VMs fail with config_validation_failed with this value.',
  },
  preset_suspicious: {
    severity: 'warning',
    title: 'the agent accepts a preset value, but it is probably wrong',
    why: 'The agent starts with this value and logs the same warning.',
  },
  option_invalid: {
    severity: 'error',
    title: 'the agent refuses a choice of the list',
    why: 'VMs fail with config_validation_failed with this choice.',
  },
  input_not_mapped: {
    severity: 'error',
    title: 'an input does not reach the VM',
    why: 'A role needs a line NAME="$NAME" for each input. OneFlow 6 only replaces $NAME in vm_template_contents and loses the answer to any other input.',
  },
  input_partly_mapped: {
    severity: 'warning',
    title: 'an input does not reach every role that reads it',
    why: 'The other role keeps its default. The VMs of the service then have different values.',
  },
} as const satisfies Record<string, Entry>;

export type LintCode = keyof typeof CODES;

// What lint reports. A code is stable: people search the docs for it, and pipelines may depend on it.

/** `why`: what happens in a service that is started with it. */
const error = (title: string, why: string) => ({ severity: 'error', title, why }) as const;
const warning = (title: string, why: string) => ({ severity: 'warning', title, why }) as const;

export const CODES = {
  not_json: error('the text is not JSON', '`oneflow-template create` refuses it.'),
  schema: error(
    'this is not a service template',
    '`oneflow-template create` refuses it. OneFlow itself checks the rest of the structure when the template is created.',
  ),
  contents_syntax: error(
    'OpenNebula cannot read vm_template_contents',
    'OneFlow accepts the template and reads the contents only when it creates a VM. Each start of the service then fails.',
  ),
  context_shape: error(
    'CONTEXT is not an object',
    'OneFlow 7 writes each input into CONTEXT as a member. It accepts the template, and each start fails with "Error generating VM template contents". The upgrade to OpenNebula 7 turns a CONTEXT block into a list.',
  ),
  nic_shape: error(
    'NIC is not a list',
    'OneFlow 7 expects a list of NICs. It accepts the template, and each start fails with "Error generating VM template contents".',
  ),
  context_block: warning(
    'a CONTEXT block in vm_template_contents works on OpenNebula 6 only',
    'OpenNebula 7 cannot put inputs into the block and creates no VM. Without APPEND the block replaces the CONTEXT of the VM template. Lines NAME="$NAME" outside of a CONTEXT work on 6 and 7: the CONTEXT of the VM template takes their values.',
  ),
  value_changed: error(
    'OneFlow changes this value',
    'The VM gets another value than the template has. OneFlow adds commas to a value of several lines, or cuts it. OneFlow 7 turns quotes in vm_template_contents into backslashes. `${...}` is a reference to a parent role.',
  ),
  context_unused: warning(
    'an input replaces this value in the CONTEXT',
    'OneFlow 7 writes every input into the CONTEXT. The value in the template has no effect.',
  ),
  reference_undefined: warning(
    'a value refers to a name that is not defined',
    'The VM gets an empty value and uses the default, unless the VM template defines the name.',
  ),
  cyclic_parents: error(
    'OneFlow never deploys a role',
    'A role is deployed when all its parents run. OneFlow accepts parents that wait for each other and parents that do not exist. The service then stays in DEPLOYING without an error.',
  ),
  expression_never: warning(
    'an elasticity expression compares a text',
    'OneFlow compares the average over the running VMs. A text counts as 0, and a comparison with an unknown name is false. The policy never applies.',
  ),
  gate_off: error(
    'ready_status_gate is not true',
    'OneFlow then treats a VM as ready as soon as it runs. SuperNodes start before the SuperLink answers, and the service is RUNNING while nothing works.',
  ),
  deployment_not_straight: error(
    'the deployment is not straight',
    'All roles start at once. OneFlow ignores `parents`, and no role waits for the ready gate.',
  ),
  supernode_without_parent: error(
    'the SuperNode role does not wait for the SuperLink role',
    'Straight deployment starts a role without parents at once. Its nodes then search for a SuperLink that does not exist yet.',
  ),
  superlink_count: error(
    'the service does not have exactly one SuperLink',
    'A second SuperLink has its own CA, database and runs. The SuperNodes are split between two federations.',
  ),
  superlink_policies: error(
    'a policy scales the SuperLink role',
    'A policy adds a second SuperLink, or removes the oldest VM: the one with the CA and the runs.',
  ),
  cardinality_missing: error(
    'the role has no cardinality',
    'OpenNebula 7 takes 0: it creates no VM, and the roles that depend on this role wait. Older versions take 1.',
  ),
  too_few_supernodes: error(
    'the service may have fewer SuperNodes than a run needs',
    'Flower waits without a time limit for clients that do not exist: the run neither works nor fails. This is a warning where max_vms allows enough VMs.',
  ),
  robust_clients: error(
    'Krum or Bulyan can never have enough clients',
    'For f malicious clients Krum needs 2f+3 clients, and Bulyan 4f+3. With fewer the result of the aggregation means nothing.',
  ),
  input_twice: error(
    'the service and a role ask for the same input',
    'OneFlow takes the answer of the role. The form shows two fields, and one of them has no effect.',
  ),
  input_form: warning(
    'an input does not work with every client or version',
    'The command line stops at an input that it cannot read. OneFlow refuses to start a service without a value for each input. Five parts work everywhere: `O|text|Question|choices|preset`. OneFlow 6 asks only for the inputs in `custom_attrs`.',
  ),
  infrastructure_as_input: error(
    'the form asks for an infrastructure variable',
    'An empty answer gives a VM without OneGate token, addresses or ready report. OneFlow stores the answer where every VM of the service can read it.',
  ),
  token_missing: error(
    "TOKEN=YES is missing in the role's CONTEXT",
    'The VM has no VMID, no ONEGATE_ENDPOINT and no token. It can neither publish nor discover, and the ready gate never opens.',
  ),
  report_ready_missing: error(
    "REPORT_READY=YES is missing in the role's CONTEXT",
    'No program sends READY=YES, and the ready gate has no timeout. Only YES in capital letters counts.',
  ),
  ready_script_missing: error(
    "READY_SCRIPT_PATH is missing in the role's CONTEXT",
    'one-context then reports READY=YES as soon as the VM has booted, whether Flower serves or not.',
  ),
  ready_preset: error(
    'the template itself sets READY',
    'The VM has READY from its first second. The ready gate opens before Flower serves.',
  ),
  superlink_address_set: error(
    'FL_SUPERLINK_ADDRESS is set in a service that has a SuperLink',
    'An address disables discovery. The SuperNodes connect to this address, and the SuperLink of the service has another one.',
  ),
  superlink_address_optional: error(
    'a training site does not require FL_SUPERLINK_ADDRESS',
    'This service has no SuperLink to discover. Without an address the nodes fail with superlink_ambiguous.',
  ),
  ca_optional: error(
    'a training site with TLS does not require FL_SSL_CA_CERTFILE',
    'OneGate of this zone does not have the CA of the other zone. Without a CA the nodes fail with ca_missing.',
  ),
  tls_off_across_zones: warning(
    'TLS is off between zones',
    'Models cross foreign networks in plaintext. Anybody on the path can read and change them.',
  ),
  supernode_in_coordinator: error(
    'a coordinator template has a SuperNode role',
    'Its nodes count for FL_MIN_FIT_CLIENTS. Rounds can start without the training sites.',
  ),
  keepalive_too_fast: warning(
    'SuperNodes ping more often than the SuperLink accepts',
    'A SuperLink accepts one ping in half of its FL_GRPC_KEEPALIVE_TIME. A faster client can receive GOAWAY (too_many_pings) and lose its connection.',
  ),
  cooldown_short: warning(
    'the cooldown is too short',
    'A SuperLink detects a lost node after 60 s. Only then does another node take over its partition. Earlier scaling moves partitions that nodes are taking over.',
  ),
  unknown_variable: warning(
    'no variable has this name',
    'The agent ignores it. The variable that was meant keeps its default.',
  ),
  preset_invalid: error(
    'the agent refuses a preset value',
    'VMs fail with config_validation_failed with this value.',
  ),
  preset_suspicious: warning(
    'the agent accepts a preset value, but it is probably wrong',
    'The agent starts with this value and logs the same warning.',
  ),
  option_invalid: error(
    'the agent refuses a choice of the list',
    'VMs fail with config_validation_failed with this choice.',
  ),
  input_not_mapped: error(
    'an input does not reach the VM',
    'A role needs a line NAME="$NAME" for each input. OneFlow 6 only replaces $NAME in vm_template_contents and loses the answer to any other input.',
  ),
  input_partly_mapped: warning(
    'an input does not reach every role that reads it',
    'The other role keeps its default. The VMs of the service then have different values.',
  ),
};

export type LintCode = keyof typeof CODES;

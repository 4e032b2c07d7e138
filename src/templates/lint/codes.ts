// What lint looks for. A code is stable: it can be searched in the docs, and pipelines may depend on it.

interface Entry {
  readonly severity: 'error' | 'warning';
  readonly title: string;
  /** What happens to somebody who deploys it. */
  readonly why: string;
}

export const CODES = {
  not_json: {
    severity: 'error',
    title: 'the file is not JSON',
    why: '`oneflow-template create` refuses it.',
  },
  duplicate_key: {
    severity: 'error',
    title: 'a name stands twice in one object',
    why: 'The last one counts and the first is silently lost.',
  },
  schema: {
    severity: 'error',
    title: 'OneFlow does not accept this shape',
    why: '`oneflow-template create` or the instantiation ends with a parse error.',
  },
  contents_syntax: {
    severity: 'error',
    title: 'OpenNebula cannot read vm_template_contents',
    why: 'It is read when a VM is made: the template is accepted, and each start of the service fails.',
  },
  context_shape: {
    severity: 'error',
    title: 'CONTEXT is a list or a text',
    why: 'OneFlow 7 puts each input into it as into an object: the template is accepted, and each start fails with "Error generating VM template contents". A CONTEXT block of OpenNebula 6 is turned into a list when OpenNebula is upgraded.',
  },
  nic_shape: {
    severity: 'error',
    title: 'NIC is not a list',
    why: 'OneFlow 7 goes through a list of NICs: the template is accepted, and each start fails with "Error generating VM template contents".',
  },
  context_block: {
    severity: 'warning',
    title: 'a CONTEXT block in vm_template_contents works on OpenNebula 6 only',
    why: 'OpenNebula 7 turns it into something that it cannot put inputs into, and makes no VM; without APPEND the block takes the place of the CONTEXT of the VM template. Lines NAME="$NAME" outside of a CONTEXT work on 6 and 7: the CONTEXT of the VM template takes them up.',
  },
  value_changed: {
    severity: 'error',
    title: 'OneFlow hands this value on as another one',
    why: 'Values of several lines get commas or lose lines, quotes in vm_template_contents become backslashes on 7, and ${...} is a reference to a parent role: the VM does not get what is written here.',
  },
  context_unused: {
    severity: 'warning',
    title: 'a value in the CONTEXT is replaced by the input of the same name',
    why: 'OneFlow 7 writes every input into the CONTEXT: what stands there does nothing.',
  },
  reference_undefined: {
    severity: 'warning',
    title: 'a value refers to a name that nobody defines',
    why: 'The VM gets an empty value and takes its default, unless the VM template itself defines the name.',
  },
  cyclic_parents: {
    severity: 'error',
    title: 'roles wait for each other',
    why: 'OneFlow accepts it, and no role is ever deployed: the service stays in DEPLOYING without a VM, and without an error.',
  },
  expression_never: {
    severity: 'warning',
    title: 'an elasticity expression compares a text',
    why: 'OneFlow counts with the average over the running VMs, in which a text is 0 and an unknown name is false: the policy never does what it says.',
  },
  gate_off: {
    severity: 'error',
    title: 'ready_status_gate is not true',
    why: 'OneFlow takes a VM that merely boots for one that serves: SuperNodes start before the SuperLink answers, and the service is RUNNING while nothing works.',
  },
  deployment_not_straight: {
    severity: 'error',
    title: 'the deployment is not straight',
    why: 'All roles start at once, whatever `parents` says, and the ready gate holds nobody back.',
  },
  supernode_without_parent: {
    severity: 'error',
    title: 'the SuperNode role does not wait for the SuperLink role',
    why: 'Straight deployment starts a role without parents at once; its nodes then search for a SuperLink that does not exist yet.',
  },
  superlink_count: {
    severity: 'error',
    title: 'there is not exactly one SuperLink',
    why: 'A second SuperLink has its own CA, its own database and its own runs; SuperNodes join one of the two, and the federation falls apart.',
  },
  superlink_policies: {
    severity: 'error',
    title: 'the SuperLink role is scaled by a policy',
    why: 'A policy adds a second SuperLink, or removes the oldest VM: the one with the CA and the runs.',
  },
  cardinality_missing: {
    severity: 'error',
    title: 'the role does not say how many VMs it has',
    why: 'OpenNebula 7 takes 0: the role is deployed without a VM and its children wait. Older ones take 1.',
  },
  too_few_supernodes: {
    severity: 'error',
    title: 'the service may have fewer SuperNodes than a run waits for',
    why: 'Flower waits without end for clients that are not there: the run is neither running nor failed. Only a warning where max_vms is enough: somebody may scale the role.',
  },
  robust_clients: {
    severity: 'error',
    title: 'Krum or Bulyan has too few clients for the malicious ones it is to survive',
    why: 'Krum needs 2f+3 clients, Bulyan 4f+3, for f = 0 as well; with fewer the agent refuses the CONTEXT, or the aggregation means nothing.',
  },
  input_twice: {
    severity: 'error',
    title: 'the same input is asked for at two levels',
    why: 'The role wins over the service without a word: whoever fills in the form sees two fields, and one does nothing.',
  },
  input_form: {
    severity: 'warning',
    title: 'an input cannot be asked for everywhere',
    why: 'The command line ends at an input that is not of its form, and OneFlow refuses to start a service without a value for each input. Five parts work everywhere: `O|text|Question|choices|preset`.',
  },
  input_at_role: {
    severity: 'warning',
    title: 'a preset at a role does not reach the VM by Sunstone',
    why: 'Sunstone does not ask for the inputs of a role: 6 refuses to start the service, 7 asks what the VM template asks, and the VM gets the default instead of this preset.',
  },
  infrastructure_as_input: {
    severity: 'error',
    title: 'an infrastructure variable is offered as a user input',
    why: 'Who empties it in the form gets a VM without OneGate token, addresses or ready report; and OneFlow stores it where every VM of the service can read it.',
  },
  token_missing: {
    severity: 'error',
    title: "TOKEN=YES is not in the role's CONTEXT",
    why: 'Without it the VM has no VMID, no ONEGATE_ENDPOINT and no token: it can neither publish nor discover, and the ready gate never opens.',
  },
  report_ready_missing: {
    severity: 'error',
    title: "REPORT_READY=YES is not in the role's CONTEXT",
    why: 'Nobody sends READY=YES, and the ready gate waits without end (it has no timeout). Only YES in capital letters counts.',
  },
  ready_script_missing: {
    severity: 'error',
    title: "READY_SCRIPT_PATH is not in the role's CONTEXT",
    why: 'one-context then reports READY=YES as soon as the VM has booted: before Flower serves, or although it never will.',
  },
  ready_preset: {
    severity: 'error',
    title: 'the template itself sets READY',
    why: 'The VM has READY from its first second, so the gate is open before anything serves.',
  },
  superlink_address_set: {
    severity: 'error',
    title: 'FL_SUPERLINK_ADDRESS is set in a template that has the SuperLink itself',
    why: 'A set address switches discovery off: the SuperNodes dial a fixed address while the SuperLink of this service has one of its own.',
  },
  superlink_address_optional: {
    severity: 'error',
    title: 'a training site does not insist on FL_SUPERLINK_ADDRESS',
    why: 'There is no SuperLink to discover in this service: left empty, the nodes fail with superlink_ambiguous.',
  },
  ca_optional: {
    severity: 'error',
    title: 'a training site with TLS does not insist on FL_SSL_CA_CERTFILE',
    why: 'OneGate of this zone does not know the CA of the other: left empty, the nodes fail with ca_missing.',
  },
  tls_off_across_zones: {
    severity: 'warning',
    title: 'TLS is off between zones',
    why: 'Models, and with them what they learnt from the data, cross foreign networks in plaintext; anybody on the path can read and change them.',
  },
  supernode_in_coordinator: {
    severity: 'error',
    title: 'a coordinator template has a SuperNode role',
    why: 'Its nodes train beside those of the zones: they count for FL_MIN_FIT_CLIENTS, so rounds start without the sites that matter.',
  },
  keepalive_too_fast: {
    severity: 'warning',
    title: 'SuperNodes probe more often than the SuperLink accepts',
    why: 'A SuperLink accepts probes at half of its FL_GRPC_KEEPALIVE_TIME; a faster client is told GOAWAY (too many pings) by anything on the path that counts.',
  },
  hard_shutdown: {
    severity: 'warning',
    title: 'VMs are switched off hard',
    why: 'Nodes do not sign off (the SuperLink counts on them for another minute), and the SuperLink may lose its last writes.',
  },
  cooldown_short: {
    severity: 'warning',
    title: 'the cooldown is shorter than a change needs to settle',
    why: 'A SuperLink notices a lost node after 60 s, and places are handed over after that: scaling again earlier moves partitions while they are being taken.',
  },
  role_name: {
    severity: 'error',
    title: 'the role name has other characters than letters, digits and _',
    why: 'OneFlow refuses it; a dash is the usual one.',
  },
  name_too_long: {
    severity: 'error',
    title: 'the name is too long',
    why: 'OpenNebula allows 128 characters, and a VM is called ROLE_NUMBER_(service_ID): the VM cannot be created.',
  },
  unknown_variable: {
    severity: 'warning',
    title: 'no variable has this name',
    why: 'The agent ignores it: what was meant keeps its default.',
  },
  preset_invalid: {
    severity: 'error',
    title: 'what the form is filled in with is refused by the agent',
    why: 'Who accepts the form as it is gets VMs that end with config_validation_failed.',
  },
  preset_suspicious: {
    severity: 'warning',
    title: 'what the form is filled in with is accepted, but probably not meant',
    why: 'The agent starts with it and tells the same in its journal.',
  },
  option_invalid: {
    severity: 'error',
    title: 'a choice of the list is refused by the agent',
    why: 'Who chooses it gets VMs that end with config_validation_failed.',
  },
  use_case_framework: {
    severity: 'error',
    title: 'the use case does not exist for the framework',
    why: 'The agent refuses the CONTEXT, because no ClientApp of that kind could run.',
  },
  input_not_mapped: {
    severity: 'error',
    title: 'an input does not reach the VM',
    why: 'In this form a role gets an input by a line NAME="$NAME" of its own: OneFlow 6 only replaces $NAME in vm_template_contents, and an input that is not there is asked for and thrown away.',
  },
  input_partly_mapped: {
    severity: 'warning',
    title: 'an input reaches one role, and not another that reads it',
    why: 'The other role keeps its default, so the VMs of the service differ in it.',
  },
  input_overlaps: {
    severity: 'error',
    title: 'the value of one input is put into the name of another',
    why: 'OneFlow 6 replaces $NAME as text, first come first served: $A also hits the beginning of $AB, and B is left over.',
  },
} as const satisfies Record<string, Entry>;

export type LintCode = keyof typeof CODES;

export const codeEntry = (code: LintCode): Entry => CODES[code];

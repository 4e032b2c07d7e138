// OneFlow service templates out of the table.
//
// The default is one form for OneFlow 6.8 to 7: written as 6 wants it, and such that the conversion of 7 keeps all of it.
// - Every input is asked at the service: no Sunstone asks for what a role declares.
// - An input has five parts: the command line and Sunstone 7 give a shorter one no value, and OneFlow refuses that.
// - A role has one line NAME="$NAME" per input, and no CONTEXT: 6 replaces $NAME in that text; 7 turns each line into an
//   attribute, but turns a CONTEXT block into something that it cannot fill in. The VM template's CONTEXT takes the
//   attributes up.
//
// The other form is that of OneFlow 7 alone, with inputs at the service and at the roles.
import { rowOf, type VariableName } from '../config/table.ts';
import type { Role } from '../core/role.ts';
import { type Count, INFRASTRUCTURE, inputsOf, TOPOLOGIES, type Topology } from './topology.ts';
import { formatInput, inputOf, type UserInput } from './user-input.ts';
import { attribute, type Pair, references, vector } from './vm-block.ts';

/** 6: the form for all versions. 7: that of OneFlow 7 alone. */
export type OneFlowVersion = 6 | 7;

export interface TemplateOptions {
  readonly site: Topology;
  readonly form: OneFlowVersion;
  /** Every variable is asked for, not only those that a first deployment needs. */
  readonly all: boolean;
  /** Ids of the VM templates. */
  readonly templates: Readonly<Record<Role, number>>;
  readonly supernodes: Count;
  /** Values other than the defaults; they have been checked. */
  readonly values: ReadonlyMap<VariableName, string>;
  /** The VMs' virtual network: NAME, OWNER/NAME, or an id in digits. Left out: the VM templates have one. */
  readonly network?: string | undefined;
}

export const DEFAULT_WISHES = {
  form: 6,
  all: false,
  templates: { superlink: 0, supernode: 1 },
  values: new Map<VariableName, string>(),
} as const;

/** What `oneflow-template create` takes, as an object whose members are in a reader's order. */
export function serviceTemplate(wishes: TemplateOptions): Record<string, unknown> {
  const { site, form } = wishes;
  const { name, description, roles } = TOPOLOGIES[site];
  return {
    name,
    description,
    deployment: 'straight',
    ready_status_gate: true,
    shutdown_action: 'terminate',
    [form === 7 ? 'user_inputs' : 'custom_attrs']: inputs(wishes, askedAtService(wishes)),
    roles: roles.map((role) => (form === 7 ? role7(wishes, role) : role6(wishes, role))),
  };
}

export const formatTemplate = (wishes: TemplateOptions): string =>
  `${JSON.stringify(serviceTemplate(wishes), null, 2)}\n`;

/**
 * What `oneflow-template instantiate ID FILE`, Terraform's `extra_template` and the REST API take: a value for every
 * input, which OneFlow demands. 7 reads the names of 6 as well. A text64 value is given as base64.
 */
export function answers(wishes: TemplateOptions): Record<string, unknown> {
  const member = wishes.form === 7 ? 'user_inputs_values' : 'custom_attrs_values';
  const valuesOf = (names: readonly VariableName[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, wantedOf(wishes, name).preset]));
  const roles = TOPOLOGIES[wishes.site].roles
    .map((role) => ({ name: role, [member]: valuesOf(askedAtRole(wishes, role)) }))
    .filter((role) => Object.keys(role[member]!).length > 0);
  return { [member]: valuesOf(askedAtService(wishes)), ...(roles.length === 0 ? {} : { roles }) };
}

/** The inputs of the form. */
const asked = ({ site, all }: TemplateOptions): readonly VariableName[] => inputsOf(site, all);

/**
 * In the form of 7 a variable of one role is asked for at that role, except where its answer matters: Sunstone does not
 * ask at a role, and so would lose a value of the template's own and leave out what is mandatory.
 */
function askedAtService(wishes: TemplateOptions): readonly VariableName[] {
  const { presets, mandatory } = TOPOLOGIES[wishes.site];
  return asked(wishes).filter(
    (name) =>
      wishes.form === 6 ||
      rowOf(name).level === 'service' ||
      wishes.values.has(name) ||
      presets[name] !== undefined ||
      mandatory.includes(name),
  );
}

const askedAtRole = (wishes: TemplateOptions, role: Role): readonly VariableName[] =>
  asked(wishes).filter((name) => rowOf(name).roles.includes(role) && !askedAtService(wishes).includes(name));

/** Values of variables that nobody is asked for. */
const constants = (wishes: TemplateOptions, role: Role): Pair[] =>
  [...wishes.values].filter(
    ([name]) =>
      rowOf(name).level !== 'infrastructure' &&
      rowOf(name).roles.includes(role) &&
      !asked(wishes).includes(name),
  );

function role7(wishes: TemplateOptions, role: Role): Record<string, unknown> {
  const nic = nicOf(wishes.network);
  return {
    name: role,
    type: 'vm',
    ...counts(wishes, role),
    ...parents(wishes, role),
    template_id: wishes.templates[role],
    template_contents: {
      CONTEXT: Object.fromEntries([...infrastructure(wishes), ...constants(wishes, role)]),
      ...(nic === undefined ? {} : { NIC: [Object.fromEntries(nic)] }),
    },
    user_inputs: inputs(wishes, askedAtRole(wishes, role)),
  };
}

function role6(wishes: TemplateOptions, role: Role): Record<string, unknown> {
  const nic = nicOf(wishes.network);
  const names = asked(wishes).filter((name) => rowOf(name).roles.includes(role));
  return {
    name: role,
    ...counts(wishes, role),
    ...parents(wishes, role),
    vm_template: wishes.templates[role],
    vm_template_contents: [
      ...[...references(longestFirst(names)), ...constants(wishes, role)].map(([name, value]) =>
        attribute(name, value),
      ),
      ...(nic === undefined ? [] : [vector('NIC', nic)]),
    ].join(''),
  };
}

/**
 * OneFlow 6 replaces `$NAME` as text, in the order in which the names are there: a name that begins another one must
 * come after it, else the value of FL_GRPC_KEEPALIVE_TIME would be put into $FL_GRPC_KEEPALIVE_TIMEOUT.
 */
function longestFirst(names: readonly VariableName[]): VariableName[] {
  const longer = (name: string): number => names.filter((other) => other.startsWith(name)).length;
  return names.toSorted((one, other) => longer(one) - longer(other));
}

const inputs = (wishes: TemplateOptions, names: readonly VariableName[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, formatInput(inService(wantedOf(wishes, name)))]));

/**
 * An empty choice of a list is no answer for `oneflow-template instantiate` (6.8 to 7), and OneFlow refuses a service that
 * lacks an answer: in a service template a list that may be empty is a text.
 */
function inService(input: UserInput): UserInput {
  if (!input.options.includes('')) return input;
  const options = input.options.filter((option) => option !== '');
  return input.preset === ''
    ? { ...input, type: 'text', title: `${input.title}: ${options.join(', ')}`, options: [] }
    : { ...input, options };
}

function wantedOf({ site, values }: TemplateOptions, name: VariableName): UserInput {
  const { mandatory, presets } = TOPOLOGIES[site];
  const preset = values.get(name) ?? presets[name];
  return inputOf(name, {
    ...(mandatory.includes(name) ? { mandatory: true } : {}),
    ...(preset === undefined ? {} : { preset }),
    // A text64 field would encode what it is filled in with once more.
    ...(preset !== undefined && rowOf(name).input === 'text64' ? { type: 'text' } : {}),
  });
}

const infrastructure = ({ values }: TemplateOptions): Pair[] =>
  INFRASTRUCTURE.map((name) => [name, values.get(name) ?? rowOf(name).template!]);

function counts({ supernodes }: TemplateOptions, role: Role): Record<string, number> {
  const { cardinality, min, max } = role === 'superlink' ? { cardinality: 1, min: 1, max: 1 } : supernodes;
  return { cardinality, min_vms: min, max_vms: max };
}

const parents = ({ site }: TemplateOptions, role: Role): Record<string, unknown> =>
  role === 'supernode' && TOPOLOGIES[site].roles.includes('superlink') ? { parents: ['superlink'] } : {};

/** A name alone is looked for among the networks of whoever starts the service; OWNER/NAME is the same for everybody. */
function nicOf(network: string | undefined): readonly Pair[] | undefined {
  if (network === undefined) return undefined;
  if (/^\d+$/.test(network)) return [['NETWORK_ID', network]];
  const [name, owner] = network.split('/').toReversed() as [string, string?];
  return [['NETWORK', name], ...(owner === undefined ? [] : [['NETWORK_UNAME', owner] as const])];
}

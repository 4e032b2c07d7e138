// OneFlow service templates, made from the table of variables.
//
// The default is one format for OneFlow 6.8 to 7: the format of 6, written such that the conversion of 7 keeps all of it.
// - The service has all inputs: no Sunstone shows the inputs of a role.
// - An input has five parts: the command line and Sunstone 7 send no value for a shorter one, and OneFlow refuses that.
// - A role has one line NAME="$NAME" for each input, and no CONTEXT. OneFlow 6 replaces $NAME in that text. OneFlow 7 turns
//   each line into an attribute, but cannot put inputs into a CONTEXT block. The CONTEXT of the VM template takes the
//   attributes.
//
// The other format works with OneFlow 7 only. It has inputs at the service and at the roles.
import { rowOf, type VariableName } from '../config/table.ts';
import type { Role } from '../core/role.ts';
import { type Count, INFRASTRUCTURE, inputsOf, TOPOLOGIES, type Topology } from './topology.ts';
import { formatInput, inputOf, type UserInput } from './user-input.ts';

export type Pair = readonly [name: string, value: string];

/** A value of OpenNebula's VM template language in double quotes. oned takes \" for a quote and any other backslash as it is. */
const quoted = (value: string): string => `"${value.replaceAll('"', '\\"')}"`;

export const attribute = (name: string, value: string): string => `${name}=${quoted(value)}\n`;

export const vector = (name: string, pairs: readonly Pair[]): string =>
  `${name}=[\n${pairs.map(([key, value]) => `  ${key}=${quoted(value)}`).join(',\n')} ]\n`;

/** `NAME="$NAME"` for each input: OpenNebula replaces $NAME with the answer. */
export const references = (names: readonly string[]): Pair[] => names.map((name): Pair => [name, `$${name}`]);

/** The format of a template. 6: for all versions. 7: for OneFlow 7 only. */
export type OneFlowVersion = 6 | 7;

export interface TemplateOptions {
  readonly topology: Topology;
  readonly format: OneFlowVersion;
  /** The form has every variable, not only those that a first deployment needs. */
  readonly all: boolean;
  /** Ids of the VM templates. */
  readonly templates: Readonly<Record<Role, number>>;
  readonly supernodes: Count;
  /** Values other than the defaults, already checked. */
  readonly values: ReadonlyMap<VariableName, string>;
  /** The virtual network of the VMs: NAME, OWNER/NAME, or an id in digits. Left out: that of the VM templates. */
  readonly network?: string | undefined;
}

export const DEFAULT_OPTIONS = {
  format: 6,
  all: false,
  templates: { superlink: 0, supernode: 1 },
  values: new Map<VariableName, string>(),
} as const;

/** The argument of `oneflow-template create`. Its members are in the order in which people read them. */
export function serviceTemplate(options: TemplateOptions): Record<string, unknown> {
  const { topology, format } = options;
  const { name, description, roles } = TOPOLOGIES[topology];
  return {
    name,
    description,
    deployment: 'straight',
    ready_status_gate: true,
    shutdown_action: 'terminate',
    [format === 7 ? 'user_inputs' : 'custom_attrs']: inputs(options, askedAtService(options)),
    roles: roles.map((role) => roleIn(options, role)),
  };
}

export const formatTemplate = (options: TemplateOptions): string =>
  `${JSON.stringify(serviceTemplate(options), null, 2)}\n`;

/**
 * The argument of `oneflow-template instantiate ID FILE`, of Terraform's `extra_template` and of the REST API: a value for
 * every input, which OneFlow requires. 7 reads the names of 6 as well. A text64 value is base64.
 */
export function answers(options: TemplateOptions): Record<string, unknown> {
  const member = options.format === 7 ? 'user_inputs_values' : 'custom_attrs_values';
  const valuesOf = (names: readonly VariableName[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, inputWith(options, name).preset]));
  const roles = TOPOLOGIES[options.topology].roles
    .map((role) => ({ name: role, [member]: valuesOf(askedAtRole(options, role)) }))
    .filter((role) => Object.keys(role[member]!).length > 0);
  return { [member]: valuesOf(askedAtService(options)), ...(roles.length === 0 ? {} : { roles }) };
}

/** The inputs of the form. */
const asked = ({ topology, all }: TemplateOptions): readonly VariableName[] => inputsOf(topology, all);

/**
 * In the format of 7 a variable of one role is an input of that role, except where its answer matters: Sunstone does not
 * show the inputs of a role, and would lose a value of the template and leave out what is mandatory.
 */
function askedAtService(options: TemplateOptions): readonly VariableName[] {
  const { presets, mandatory } = TOPOLOGIES[options.topology];
  return asked(options).filter(
    (name) =>
      options.format === 6 ||
      rowOf(name).level === 'service' ||
      options.values.has(name) ||
      presets[name] !== undefined ||
      mandatory.includes(name),
  );
}

const askedAtRole = (options: TemplateOptions, role: Role): readonly VariableName[] =>
  asked(options).filter(
    (name) => rowOf(name).roles.includes(role) && !askedAtService(options).includes(name),
  );

/** Values of variables that are not inputs. */
const constants = (options: TemplateOptions, role: Role): Pair[] =>
  [...options.values].filter(
    ([name]) =>
      rowOf(name).level !== 'infrastructure' &&
      rowOf(name).roles.includes(role) &&
      !asked(options).includes(name),
  );

function roleIn(options: TemplateOptions, role: Role): Record<string, unknown> {
  const { format, supernodes, templates, topology } = options;
  const { cardinality, min, max } = role === 'superlink' ? { cardinality: 1, min: 1, max: 1 } : supernodes;
  const hasParent = role === 'supernode' && TOPOLOGIES[topology].roles.includes('superlink');
  const members = {
    name: role,
    ...(format === 7 ? { type: 'vm' } : {}),
    cardinality,
    min_vms: min,
    max_vms: max,
    ...(hasParent ? { parents: ['superlink'] } : {}),
  };
  const nic = nicOf(options.network);
  if (format === 7)
    return {
      ...members,
      template_id: templates[role],
      template_contents: {
        CONTEXT: Object.fromEntries([...infrastructure(options), ...constants(options, role)]),
        ...(nic === undefined ? {} : { NIC: [Object.fromEntries(nic)] }),
      },
      user_inputs: inputs(options, askedAtRole(options, role)),
    };
  const names = asked(options).filter((name) => rowOf(name).roles.includes(role));
  const lines = [...references(longestFirst(names)), ...constants(options, role)];
  return {
    ...members,
    vm_template: templates[role],
    vm_template_contents: [
      ...lines.map(([name, value]) => attribute(name, value)),
      ...(nic === undefined ? [] : [vector('NIC', nic)]),
    ].join(''),
  };
}

/**
 * OneFlow 6 replaces `$NAME` as text, in the order of the lines: a name must come after every longer name that begins with
 * it. Otherwise the value of FL_GRPC_KEEPALIVE_TIME replaces the first part of $FL_GRPC_KEEPALIVE_TIMEOUT.
 */
function longestFirst(names: readonly VariableName[]): VariableName[] {
  const longer = (name: string): number => names.filter((other) => other.startsWith(name)).length;
  return names.toSorted((one, other) => longer(one) - longer(other));
}

const inputs = (options: TemplateOptions, names: readonly VariableName[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, formatInput(inService(inputWith(options, name)))]));

/**
 * `oneflow-template instantiate` (6.8 to 7) sends no value for an empty choice of a list, and OneFlow refuses a service
 * that lacks a value: in a service template a list that may be empty is a text.
 */
function inService(input: UserInput): UserInput {
  if (!input.options.includes('')) return input;
  const options = input.options.filter((option) => option !== '');
  return input.preset === ''
    ? { ...input, type: 'text', title: `${input.title}: ${options.join(', ')}`, options: [] }
    : { ...input, options };
}

function inputWith({ topology, values }: TemplateOptions, name: VariableName): UserInput {
  const { mandatory, presets } = TOPOLOGIES[topology];
  const preset = values.get(name) ?? presets[name];
  return inputOf(name, {
    ...(mandatory.includes(name) ? { mandatory: true } : {}),
    ...(preset === undefined ? {} : { preset }),
    // A text64 field would encode its preset once more.
    ...(preset !== undefined && rowOf(name).input === 'text64' ? { type: 'text' } : {}),
  });
}

const infrastructure = ({ values }: TemplateOptions): Pair[] =>
  INFRASTRUCTURE.map((name) => [name, values.get(name) ?? rowOf(name).template!]);

/** OpenNebula searches a NAME among the networks of the user who starts the service; OWNER/NAME is one network for all. */
function nicOf(network: string | undefined): readonly Pair[] | undefined {
  if (network === undefined) return undefined;
  if (/^\d+$/.test(network)) return [['NETWORK_ID', network]];
  const [name, owner] = network.split('/').toReversed() as [string, string?];
  return [['NETWORK', name], ...(owner === undefined ? [] : [['NETWORK_UNAME', owner] as const])];
}

// OneFlow service templates out of the table, in the form of OpenNebula 7 and in that of 6 (facts/opennebula.md 6.1).
// 7 adds every user input to the CONTEXT by itself. 6 only replaces `$NAME` in the text of vm_template_contents.
import { rowOf, type VariableName } from '../table.ts';
import type { Role } from '../variable.ts';
import { type Count, INFRASTRUCTURE, roleInputs, SITES, type Site, serviceInputs } from './site.ts';
import { formatInput, inputOf } from './user-input.ts';
import { attribute, references, vector } from './vm-block.ts';

export type Form = 6 | 7;

export interface TemplateWishes {
  readonly site: Site;
  readonly form: Form;
  /** Ids of the VM templates. */
  readonly templates: Readonly<Record<Role, number>>;
  readonly supernodes: Count;
  /** Values other than the defaults; they have been checked. */
  readonly values: ReadonlyMap<VariableName, string>;
  /** The VMs' virtual network: a name, or an id in digits. Left out: the VM templates have one. */
  readonly network?: string | undefined;
}

export const DEFAULT_WISHES = {
  templates: { superlink: 0, supernode: 1 },
  values: new Map<VariableName, string>(),
} as const;

/** What `oneflow-template create` takes, as an object whose members are in a reader's order. */
export function serviceTemplate(wishes: TemplateWishes): Record<string, unknown> {
  const { site, form } = wishes;
  const { name, description, roles } = SITES[site];
  return {
    name,
    description,
    deployment: 'straight',
    ready_status_gate: true,
    shutdown_action: 'terminate',
    [form === 7 ? 'user_inputs' : 'custom_attrs']: inputs(wishes, serviceInputs(site)),
    roles: roles.map((role) => (form === 7 ? role7(wishes, role) : role6(wishes, role))),
  };
}

export const formatTemplate = (wishes: TemplateWishes): string =>
  `${JSON.stringify(serviceTemplate(wishes), null, 2)}\n`;

function role7(wishes: TemplateWishes, role: Role): Record<string, unknown> {
  const nic = nicOf(wishes.network);
  return {
    name: role,
    type: 'vm',
    ...counts(wishes, role),
    ...parents(wishes, role),
    template_id: wishes.templates[role],
    template_contents: {
      CONTEXT: Object.fromEntries(infrastructure(wishes)),
      ...(nic === undefined ? {} : { NIC: [Object.fromEntries([nic])] }),
    },
    user_inputs: inputs(wishes, roleInputs(wishes.site, role)),
  };
}

function role6(wishes: TemplateWishes, role: Role): Record<string, unknown> {
  const names = roleInputs(wishes.site, role);
  const nic = nicOf(wishes.network);
  const pairs = [
    ...infrastructure(wishes),
    ...references(longestFirst([...serviceInputs(wishes.site), ...names])),
  ];
  return {
    name: role,
    ...counts(wishes, role),
    ...parents(wishes, role),
    vm_template: wishes.templates[role],
    vm_template_contents: [
      // Adds to the VM template's CONTEXT instead of taking its place.
      attribute('APPEND', 'CONTEXT'),
      vector('CONTEXT', pairs),
      ...(nic === undefined ? [] : [vector('NIC', [nic])]),
    ].join(''),
    custom_attrs: inputs(wishes, names),
  };
}

/**
 * OneFlow 6 replaces `$NAME` as text, in the order in which the names stand there: a name that begins another one must
 * come after it, else the value of FL_GRPC_KEEPALIVE_TIME would be put into $FL_GRPC_KEEPALIVE_TIMEOUT.
 */
function longestFirst(names: readonly VariableName[]): VariableName[] {
  const longer = (name: string): number => names.filter((other) => other.startsWith(name)).length;
  return names.toSorted((one, other) => longer(one) - longer(other));
}

function inputs({ site, values }: TemplateWishes, names: readonly VariableName[]): Record<string, string> {
  const { mandatory, presets } = SITES[site];
  return Object.fromEntries(
    names.map((name) => {
      const preset = values.get(name) ?? presets[name];
      const wanted = {
        ...(mandatory.includes(name) ? { mandatory: true } : {}),
        ...(preset === undefined ? {} : { preset }),
        // A text64 field would encode what it is filled in with once more.
        ...(preset !== undefined && rowOf(name).input === 'text64' ? { type: 'text' } : {}),
      };
      return [name, formatInput(inputOf(name, wanted))];
    }),
  );
}

const infrastructure = ({ values }: TemplateWishes): [VariableName, string][] =>
  INFRASTRUCTURE.map((name) => [name, values.get(name) ?? rowOf(name).template!]);

function counts({ supernodes }: TemplateWishes, role: Role): Record<string, number> {
  const { cardinality, min, max } = role === 'superlink' ? { cardinality: 1, min: 1, max: 1 } : supernodes;
  return { cardinality, min_vms: min, max_vms: max };
}

const parents = ({ site }: TemplateWishes, role: Role): Record<string, unknown> =>
  role === 'supernode' && SITES[site].roles.includes('superlink') ? { parents: ['superlink'] } : {};

const nicOf = (network: string | undefined): readonly [string, string] | undefined =>
  network === undefined ? undefined : [/^\d+$/.test(network) ? 'NETWORK_ID' : 'NETWORK', network];

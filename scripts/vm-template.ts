// VM templates for `onetemplate create`: the form of a single VM, and the base of the roles of a service template.
import { namesOf, rowOf } from '../src/config/table.ts';
import type { Role } from '../src/core/role.ts';
import { attribute, type Pair, references, vector } from '../src/templates/oneflow.ts';
import { INFRASTRUCTURE, vmInputsOf } from '../src/templates/topology.ts';
import { formatInput, inputOf } from '../src/templates/user-input.ts';

/** The VMs of a role: name of template and image, one sentence, size. */
export const MACHINE: Readonly<
  Record<
    Role,
    { readonly name: string; readonly what: string; readonly memory: string; readonly vcpu: string }
  >
> = {
  superlink: {
    name: 'flower-superlink',
    what: 'Flower SuperLink: coordinates a federation',
    memory: '2048',
    vcpu: '2',
  },
  supernode: {
    name: 'flower-supernode',
    what: 'Flower SuperNode: trains on local data',
    memory: '8192',
    vcpu: '2',
  },
};

/**
 * The CONTEXT: what one-context needs, and every variable of the role, input or not. An attribute of that name in the VM, as
 * a service template writes it, sets the variable.
 */
export const contextOf = (role: Role): readonly Pair[] => [
  ...INFRASTRUCTURE.map((variable): Pair => [variable, rowOf(variable).template!]),
  ...references(namesOf(role).filter((variable) => rowOf(variable).level !== 'infrastructure')),
];

/** The inputs of the form. */
export const userInputsOf = (role: Role): readonly Pair[] =>
  vmInputsOf(role).map((variable): Pair => [variable, formatInput(inputOf(variable))]);

/** The text of the template. Its image has the same name. */
export function vmTemplate(role: Role): string {
  const { name, what, memory, vcpu } = MACHINE[role];
  return [
    attribute('NAME', name),
    attribute('DESCRIPTION', what),
    attribute('HYPERVISOR', 'kvm'),
    attribute('CPU', '1'),
    attribute('VCPU', vcpu),
    attribute('MEMORY', memory),
    // The numpy of Flower needs x86-64-v2. Without a model libvirt emulates qemu64, where numpy does not load.
    vector('CPU_MODEL', [['MODEL', 'host-passthrough']]),
    // The kernel of the image has no driver for the default network card of the hypervisor.
    vector('NIC_DEFAULT', [['MODEL', 'virtio']]),
    vector('DISK', [['IMAGE', name]]),
    vector('GRAPHICS', [
      ['LISTEN', '0.0.0.0'],
      ['TYPE', 'VNC'],
    ]),
    vector('CONTEXT', contextOf(role)),
    attribute('INPUTS_ORDER', vmInputsOf(role).join(',')),
    vector('USER_INPUTS', userInputsOf(role)),
  ].join('');
}

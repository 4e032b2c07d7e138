// VM templates for `onetemplate create`: the form of a VM that is started by itself, and what OneFlow's roles build on.
import { namesOf, rowOf } from '../config/table.ts';
import type { Role } from '../core/role.ts';
import { INFRASTRUCTURE, vmInputsOf } from './topology.ts';
import { formatInput, inputOf } from './user-input.ts';
import { attribute, type Pair, references, vector } from './vm-block.ts';

/** What a VM of a role is: name of template and image, one sentence, size. */
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
 * What goes into the CONTEXT: what one-context wants, and every variable of the role, asked for or not: whoever sets an
 * attribute of that name in the VM, in a service template for instance, has set the variable.
 */
export const contextOf = (role: Role): readonly Pair[] => [
  ...INFRASTRUCTURE.map((variable): Pair => [variable, rowOf(variable).template!]),
  ...references(namesOf(role).filter((variable) => rowOf(variable).level !== 'infrastructure')),
];

/** The form itself: a user input for each variable that it asks for. */
export const userInputsOf = (role: Role): readonly Pair[] =>
  vmInputsOf(role).map((variable): Pair => [variable, formatInput(inputOf(variable))]);

/** The template's text. The disk's image is known by the name of the template. */
export function vmTemplate(role: Role): string {
  const { name, what, memory, vcpu } = MACHINE[role];
  return [
    attribute('NAME', name),
    attribute('DESCRIPTION', what),
    attribute('HYPERVISOR', 'kvm'),
    attribute('CPU', '1'),
    attribute('VCPU', vcpu),
    attribute('MEMORY', memory),
    // Flower's numpy is built for x86-64-v2; without a model libvirt gives qemu64, on which it does not even load.
    vector('CPU_MODEL', [['MODEL', 'host-passthrough']]),
    // The image's kernel has no driver for the card that the hypervisor takes by default.
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

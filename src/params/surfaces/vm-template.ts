// VM templates for `onetemplate create`: the form of a VM that is started by itself, and what OneFlow's roles build on.
import { namesOf, rowOf } from '../table.ts';
import type { Role } from '../variable.ts';
import { INFRASTRUCTURE } from './site.ts';
import { formatInput, inputOf } from './user-input.ts';
import { attribute, type Pair, references, vector } from './vm-block.ts';

const MACHINE: Readonly<
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
    memory: '4096',
    vcpu: '2',
  },
};

/** The template's text. The disk's image is known by the name of the template. */
export function vmTemplate(role: Role): string {
  const { name, what, memory, vcpu } = MACHINE[role];
  const inputs = namesOf(role).filter((variable) => rowOf(variable).level !== 'infrastructure');
  const infrastructure = INFRASTRUCTURE.map((variable): Pair => [variable, rowOf(variable).template!]);
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
    vector('CONTEXT', [...infrastructure, ...references(inputs)]),
    attribute('INPUTS_ORDER', inputs.join(',')),
    vector(
      'USER_INPUTS',
      inputs.map((variable): Pair => [variable, formatInput(inputOf(variable))]),
    ),
  ].join('');
}

// The two kinds of machine that tests boot, from the same image.
import { Container } from '../nspawn/container.ts';
import type { GuestSpec } from './guest.ts';
import { diskOf, rootOf } from './images.ts';
import { QemuVm } from './qemu.ts';

export const container = (spec: GuestSpec, options: readonly string[] = []): Container =>
  new Container({ ...spec, image: rootOf(spec.role), options });

/**
 * A SuperLink starts alone and may have both of CI's processors; its SuperNodes start side by side. The one is a machine as
 * OpenNebula makes it by default, the others are what a GPU needs.
 */
export const vm = (
  spec: GuestSpec,
  options: readonly string[] = [],
  cpus = spec.role === 'superlink' ? 2 : 1,
  memory = 1024,
): QemuVm =>
  new QemuVm({
    ...spec,
    memory,
    disk: diskOf(spec.role),
    machine: spec.role === 'superlink' ? 'i440fx with BIOS' : 'q35 with UEFI',
    cpus,
    options,
  });

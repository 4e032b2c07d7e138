// What the tests of images need from package indexes, made before they enter their namespace, which reaches none. With
// `disks` also what only VMs need.
import { emulator } from './emulator.ts';
import { diskOf, rootOf } from './images.ts';

for (const role of ['base', 'superlink', 'supernode'] as const) rootOf(role);
if (process.argv[2] === 'disks') {
  emulator();
  diskOf('superlink');
  diskOf('supernode');
}

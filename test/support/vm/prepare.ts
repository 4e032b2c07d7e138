// What `make e2e` needs from the package registries, made before the tests enter their namespace, which has none.
import { emulator } from './emulator.ts';
import { diskOf, rootOf } from './images.ts';

emulator();
rootOf('base');
diskOf('superlink');
diskOf('supernode');

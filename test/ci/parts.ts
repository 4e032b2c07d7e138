// The parts of `make test-all`, each with its time on two quiet cores.
import type { Part } from './part.ts';

const make = 'make --no-print-directory';

export const ALL_PARTS: readonly Part[] = [
  {
    name: 'test',
    what: '`make test` with all simulations and both versions of Flower in full',
    command: `LIVES=all FLOWER_VERSIONS=all ${make} test`,
    minutes: 12,
  },
  {
    name: 'versions',
    what: 'a federation trains with every version of Flower that is locked',
    command: `${make} test-versions`,
    minutes: 15,
  },
  {
    name: 'fuzz',
    what: 'a million generated cases for every reader of outside text',
    command: `${make} fuzz`,
    minutes: 3,
  },
  {
    name: 'keepalive',
    what: 'keepalive at the defaults of 60 s / 20 s, and a path that is cut for ten minutes while a ClientApp trains',
    command: `${make} test-keepalive`,
    minutes: 45,
  },
  {
    name: 'e2e',
    what: 'images as containers and emulated VMs: training, power cuts at every step, attacks of apps, a wrong clock',
    command: `${make} e2e`,
    minutes: 60,
  },
  {
    name: 'soak',
    what: 'random faults on federations of one and of three SuperNodes, an outside probe and a judge',
    command: `SEED=24 MINUTES=20 PACE=1.5 ${make} soak`,
    minutes: 30,
  },
  {
    name: 'debian-12',
    what: 'the images on Debian 12, as containers',
    command: `BASE=debian-12 ${make} e2e-containers`,
    minutes: 15,
  },
  {
    name: 'ubuntu-24.04',
    what: 'the images on Ubuntu 24.04, as containers',
    command: `BASE=ubuntu-24.04 ${make} e2e-containers`,
    minutes: 15,
  },
  {
    name: 'packer',
    what: 'one real `packer build`, and a boot of its disk',
    command: `${make} packer`,
    minutes: 6,
  },
  {
    name: 'faults',
    what: 'old faults, put into the code one at a time: the quick tests have to fail',
    command: `${make} test-faults`,
    minutes: 30,
  },
  {
    name: 'demo',
    what: 'the demo of the README',
    command: `${make} demo`,
    minutes: 1,
  },
];

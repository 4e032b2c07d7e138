// Shell scripts and Packer cannot read src/config/release.ts; they say the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LOCKED_FLOWER } from '../../../src/config/locked.ts';
import { BAKED_FLOWER } from '../../../src/config/release.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8');

test.each([
  ['appliance/install.sh', /^role=.* flower=(\S+) /m],
  ['appliance/image/root.sh', /flower=\$\{FLOWER_VERSION:-(\S+)\}/],
  ['appliance/one-appliance/appliance.sh', /^ONE_SERVICE_VERSION='(\S+)'/m],
  ['appliance/packer/flower/variables.pkr.hcl', /"flower_version" \{[^}]*default = "(\S+)"/],
])('%s bakes the Flower of this release', (path, pattern) => {
  expect(pattern.exec(read(path))?.[1]).toBe(BAKED_FLOWER);
});

test('that Flower is locked', () => expect(LOCKED_FLOWER).toContain(BAKED_FLOWER));

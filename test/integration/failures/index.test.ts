// Each problem code and each failure of a federation has a test. A test that covers one has a comment with its id in the
// line above its title: `// covers disk-full`. The tables of fatal.ts and reported.ts cover the codes of their keys.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CATALOGUE } from '../../../src/core/catalogue.ts';
import { FATAL } from './fatal.ts';
import { REPORTED } from './reported.ts';

const FAILURES = [
  'wrong-variable',
  'wrong-variable-later',
  'onegate-down',
  'onegate-hangs',
  'onegate-401',
  'onegate-404',
  'onegate-500',
  'no-service',
  'no-service-static-address',
  'superlink-late',
  'superlink-never',
  'ca-missing',
  'ca-broken',
  'ca-expired',
  'ca-not-a-ca',
  'ca-mismatch',
  'address-not-in-certificate',
  'flower-exits',
  'superlink-restarts',
  'superlink-moves',
  'superlink-new-ca',
  // The network drops packets and sends no RST.
  'silent-path',
  'power-cut',
  'power-cut-partition',
  'disk-full',
  'disk-read-only',
  'damaged-file',
  'clock-superlink',
  'clock-supernode',
  'clock-supernode-reported',
];

/** The ids in the comments of all tests that run on the built program, with real Flower where the failure is Flower's. */
function covered(): string[] {
  const root = join(import.meta.dirname, '../..');
  const files = ['integration', 'federation'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  return files
    .filter((name) => name.endsWith('.ts') && !name.endsWith('index.test.ts'))
    .flatMap((name) => [...readFileSync(join(root, name), 'utf8').matchAll(/^ *\/\/ covers (.+)$/gm)])
    .flatMap(([, ids]) => ids!.split(', '));
}

const ids = [...covered(), ...Object.keys(FATAL), ...Object.keys(REPORTED)];

test.each([...Object.keys(CATALOGUE), ...FAILURES])('%s has a test on the built program', (id) => {
  expect(ids, `write a test with the comment "covers ${id}"`).toContain(id);
});

test('no test covers an unknown problem code or failure', () => {
  expect(ids.filter((id) => !(id in CATALOGUE) && !FAILURES.includes(id))).toEqual([]);
});

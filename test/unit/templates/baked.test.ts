// The Flower of the images is in one file, appliance/flower/baked: a release with another one changes a single line.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bakedVersion } from '../../../scripts/locked.ts';
import { BAKED_FLOWER, LOCKED_FLOWER } from '../../../src/config/locked.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** Files and folders that name versions for another reason than what is in the images. */
const ABOUT_VERSIONS = [
  // The locks, the file itself and what is generated from them.
  ...['appliance/flower/', 'src/config/locked.ts', 'docs/reference/'],
  // What was seen with a version, and what a run printed.
  ...['CHANGELOG.md', 'docs/facts.md', 'docs/operate.md', 'README.md', 'package-lock.json'],
  // What is true of the version that is named, and templates and environments of other people.
  ...['test/federation/', 'test/unit/flower/', 'test/cases/', 'test/opennebula/', 'test/fuzz/'],
  'test/unit/config/locked.test.ts',
];
const NOT_OURS = /^(\.git|\.cache|node_modules|dist|coverage)$|\.(png|pyc)$/;

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (NOT_OURS.test(entry.name) || ABOUT_VERSIONS.some((one) => `${path}/`.startsWith(one))) return [];
    return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
  });
}

test('no other file has the version of the images', () => {
  const word = new RegExp(`(?<![\\d.])${RegExp.escape(BAKED_FLOWER)}(?![\\d])`);
  const files = filesBelow('');
  expect(files).toContain('appliance/install.sh');
  expect(files.filter((path) => word.test(readFileSync(join(ROOT, path), 'utf8')))).toEqual([]);
});

test('the version of the agent is that of the file, and it is locked', () => {
  expect(BAKED_FLOWER).toBe(bakedVersion());
  expect(LOCKED_FLOWER).toContain(BAKED_FLOWER);
});

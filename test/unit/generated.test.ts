// The committed generated files are what `make generate` writes.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GENERATED } from '../../scripts/generated.ts';

const root = resolve(import.meta.dirname, '../..');

describe('the committed file', () => {
  test.each([...GENERATED.keys()])('%s is the output of `make generate`', (path) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(GENERATED.get(path));
  });
});

test.each([
  'appliance/oneflow',
  'appliance/vm-template',
  'appliance/man',
  'appliance/completion',
  'docs/reference',
])('%s has only generated files', (folder) => {
  const made = [...GENERATED.keys()]
    .filter((path) => path.startsWith(`${folder}/`))
    .map((path) => path.slice(folder.length + 1));
  expect(readdirSync(join(root, folder)).sort()).toEqual(made.sort());
});

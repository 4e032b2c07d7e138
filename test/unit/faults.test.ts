// `make test-faults` puts each fault back into the code; here only that each still has its text there, exactly once.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { FAULTS } from '../faults/faults.ts';

const ROOT = resolve(import.meta.dirname, '../..');

test.each(FAULTS)('$name: its text is in $file once', ({ file, find }) => {
  expect(readFileSync(join(ROOT, file), 'utf8').split(find)).toHaveLength(2);
});

test.each(FAULTS)('$name: its tests exist', ({ tests }) => {
  for (const path of tests) expect(readFileSync(join(ROOT, path), 'utf8')).not.toBe('');
});

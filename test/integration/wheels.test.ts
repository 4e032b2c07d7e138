// Which files wheels.sh asks for; a stub of pip takes the list instead of downloading.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';

const repository = join(import.meta.dirname, '../..');
const locked = readFileSync(join(repository, `appliance/flower/locks/${BAKED_FLOWER}-none.txt`), 'utf8');
let scratch = '';

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'flower-wheels-'));
  const python = join(scratch, 'python');
  const list = join(scratch, 'list');
  writeFileSync(
    python,
    `#!/bin/sh\n[ "$1" = -m ] || exec python3 "$@"\nfor last; do :; done\ncp "$last" ${list}\n`,
  );
  chmodSync(python, 0o755);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function askedFor(target: string, framework = 'none'): string[] {
  const env = { ...process.env, PYTHON: join(scratch, 'python'), TARGET_PYTHON: target };
  execFileSync(join(repository, 'appliance/wheels.sh'), [BAKED_FLOWER, framework, join(scratch, 'wheels')], {
    env,
  });
  return readFileSync(join(scratch, 'list'), 'utf8')
    .split('\n')
    .filter((line) => /^[a-z]/i.test(line));
}

describe('the wheels for an image', () => {
  it('are those for the Python of the image, one of each name, with all hashes', () => {
    for (const target of ['3.11', '3.12', '3.13']) {
      const asked = askedFor(target);
      const names = asked.map((line) => line.split('==')[0]);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toEqual(expect.arrayContaining(['flwr', 'numpy', 'grpcio']));
      expect(asked.filter((line) => line.includes(';') || !line.includes('--hash=sha256:'))).toEqual([]);
    }
    const numpy = (target: string) =>
      askedFor(target)
        .find((line) => line.startsWith('numpy=='))!
        .split(' ')[0]!;
    expect(numpy('3.11')).not.toBe(numpy('3.13'));
    expect(locked).toContain(numpy('3.11'));
    expect(locked).toContain(numpy('3.13'));
  });

  it('are also those of the framework', () => {
    const names = askedFor('3.13', 'sklearn').map((line) => line.split('==')[0]);
    expect(names).toEqual(expect.arrayContaining(['flwr', 'scikit-learn', 'scipy']));
  });
});

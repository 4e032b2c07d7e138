// Flower's part of a backup: nothing that an app puts into the folder ends a backup, and a restore changes all or nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../support/zone/test-zone.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

const SCRIPT = join(REPOSITORY, 'appliance/lib/flower-backup.py');
/** Root can read and write everything; Flower's user cannot. */
const USER = 47110;
const asUser =
  process.getuid?.() === 0
    ? ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '/usr/bin/python3']
    : ['/usr/bin/python3'];

let folder: string;
beforeEach(() => {
  const parent = temporaryFolder();
  chmodSync(parent, 0o755);
  folder = join(parent, 'state');
  mkdirSync(folder);
  if (process.getuid?.() === 0) chownSync(folder, USER, USER);
});

function python(args: readonly string[], input: Buffer | string = '') {
  const [program = '', ...rest] = [...asUser, '-I', ...args];
  const { status, stdout, stderr } = spawnSync(program, rest, {
    input,
    maxBuffer: 2 ** 28,
    cwd: folder,
  });
  return { status, stdout, stderr: stderr.toString() };
}
/** What an app does in the folder. */
const app = (code: string): void => {
  const { status, stderr } = python(['-c', `import os, sqlite3\n${code}`]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
};
/** The script is read by its text: another user may not read the repository. */
const script = (...args: string[]): string[] => ['-c', readFileSync(SCRIPT, 'utf8'), ...args];
const save = (...more: string[]) => python(script('save', folder, ...more));
const load = (tar: Buffer) => {
  const unpacked = python(script('unpack', folder), tar);
  return unpacked.status === 0 ? python(script('replace', folder)) : unpacked;
};
const namesIn = (tar: Buffer): string[] =>
  execFileSync('tar', ['-t'], { input: tar, maxBuffer: 2 ** 28 })
    .toString()
    .trim()
    .split('\n');
const content = (path: string): string => readFileSync(join(folder, path), 'utf8');

test.each<[string, string, string, boolean]>([
  ['a file that nobody may read', "open('f', 'w').close(); os.chmod('f', 0)", 'f: Permission denied', false],
  ['a folder that nobody may read', "os.mkdir('f', 0)", 'f: Permission denied', true],
  [
    'a file that only begins like a database',
    "open('f', 'wb').write(b'SQLite format 3\\0' + b'x' * 5000)",
    'f: copied as a plain file: file is not a database',
    true,
  ],
  ['an empty database', "open('f', 'wb').write(b'SQLite format 3\\0')", 'f: copied as a plain file: ', true],
])('%s: the rest is saved, and it is named', (_what, make, named, kept) => {
  app(`${make}\nopen('g', 'w').write('after')`);
  const { status, stdout, stderr } = save();
  expect({ status, stderr }).toEqual({ status: 10, stderr: expect.stringContaining(named) });
  expect(namesIn(stdout).some((name) => name.startsWith('f'))).toBe(kept);
  expect(load(stdout).status).toBe(0);
  expect(content('g')).toBe('after');
});

test('names are one line each, cut, and at most ten', () => {
  app("for n in range(30): os.mkdir('\\n\\x1b' + str(n) + 'x' * 200, 0)");
  const lines = save().stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(11);
  expect(lines.at(-1)).toBe('and 20 more');
  for (const line of lines) expect(line).toMatch(/^[ -~]{1,130}$/);
});

test('a file that becomes shorter is filled with zeros, and the rest of the tar stays whole', () => {
  app("open('f', 'w').write('x' * 3_000_000); open('g', 'w').write('after')");
  // The script reads it in pieces: it is cut after the first one.
  const text = readFileSync(SCRIPT, 'utf8').replace(
    '    def read(self, size):\n',
    "    def read(self, size):\n        if self.file.tell() > 100_000: os.truncate('f', 100_000)\n",
  );
  const { status, stdout, stderr } = python(['-c', text, 'save', folder]);
  expect({ status, stderr }).toEqual({ status: 10, stderr: 'f: it changed while it was read\n' });
  expect(load(stdout).status).toBe(0);
  expect(statSync(join(folder, 'f')).size).toBe(3_000_000);
  expect(content('g')).toBe('after');
});

test('folders in folders, to any depth, are saved, restored and replaced', () => {
  app(
    "path = '/'.join('d' * 1200); os.makedirs(path[:1000]); os.chdir(path[:1000]); os.makedirs(path[1000:])",
  );
  const { status, stdout, stderr } = save();
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(namesIn(stdout)).toHaveLength(1200);
  const { status: loaded, stderr: said } = load(stdout);
  expect({ loaded, said }).toEqual({ loaded: 0, said: '' });
  expect(readdirSync(folder)).toEqual(['d']);
});

test('a path that is too long for the system is named', () => {
  app("for n in range(30):\n  os.mkdir('d' * 200); os.chdir('d' * 200)");
  const { status, stderr } = save();
  expect({ status, stderr }).toEqual({ status: 10, stderr: expect.stringContaining('File name too long') });
  app("open('later', 'w').close()");
  expect(load(save().stdout).status).toBe(0);
});

test('a folder without permission to write is saved, restored and replaced', () => {
  app(
    "os.mkdir('r'); os.mkdir('r/s'); open('r/s/f', 'w').write('kept'); os.chmod('r/s', 0o500); os.chmod('r', 0o500)",
  );
  const { stdout } = save();
  for (let times = 0; times < 2; times++) {
    const { status, stderr } = load(stdout);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(content('r/s/f')).toBe('kept');
    expect(statSync(join(folder, 'r')).mode & 0o777).toBe(0o500);
    expect(readdirSync(folder)).toEqual(['r']);
  }
});

test.each([
  "os.chmod('d/state.db', 0)",
  "os.chmod('d', 0)",
  "open('d/state.db', 'r+b').write(b'SQLite format 3\\0xx')",
])('the database of Flower cannot be saved: %s is an error', (spoil) => {
  app(`os.mkdir('d')
with sqlite3.connect('d/state.db') as database: database.execute('create table t (x)')
database.close()
${spoil}`);
  const { status, stderr } = save(join(folder, 'd/state.db'));
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining('the database of Flower cannot be saved'),
  });
});

test('a database that an app keeps locked does not stop the backup', () => {
  app("with sqlite3.connect('a.db') as database: database.execute('create table t (x)')");
  const locked = `import sqlite3
holder = sqlite3.connect('a.db', isolation_level=None)
holder.execute('begin exclusive')
`;
  const text = readFileSync(SCRIPT, 'utf8').replace('PATIENCE = 60', 'PATIENCE = 0.2');
  const { status, stdout, stderr } = python(['-c', locked + text, 'save', folder]);
  expect({ status, stderr }).toEqual({ status: 10, stderr: expect.stringContaining('locked') });
  expect(namesIn(stdout)).toContain('a.db');
});

test('a tar that ends too early changes nothing', () => {
  app("open('f', 'w').write('x' * 100_000)");
  const { stdout } = save();
  app("open('f', 'w').write('before'); open('later', 'w').close()");
  const { status, stderr } = load(stdout.subarray(0, 50_000));
  expect({ status, lines: stderr.trimEnd().split('\n').length }).toEqual({ status: 1, lines: 1 });
  expect(content('f')).toBe('before');
  python(script('clean', folder));
  expect(readdirSync(folder)).toEqual(['f', 'later']);
});

test.skipIf(process.getuid?.() !== 0)('a folder that cannot be moved: all is as before', () => {
  app("open('a', 'w').write('new')");
  const { stdout } = save();
  app("open('a', 'w').write('before')");
  mkdirSync(join(folder, 'z'));
  expect(load(stdout).status).toBe(1);
  expect(content('a')).toBe('before');
  expect(readdirSync(folder)).toEqual(['a', 'z']);
  expect(existsSync(join(folder, 'z'))).toBe(true);
});

test('a disk that is full is an error, not a file that is left out', () => {
  app("open('f', 'w').write('x' * 3_000_000)");
  const [program = '', ...rest] = [...asUser, '-I', ...script('save', folder)];
  const full = spawnSync('sh', ['-c', 'exec "$@" >/dev/full', 'sh', program, ...rest]);
  expect(full.status).toBe(1);
});

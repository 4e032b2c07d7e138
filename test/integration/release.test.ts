// `make release` in a small repository of its own: what it refuses, and what it makes.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPT = resolve(import.meta.dirname, '../../scripts/release.sh');
const MAKEFILE =
  'test:\n\t@echo tests ran\ndeb:\n\t@mkdir -p dist && echo package >dist/flower-context_1.2.3_amd64.deb\n';

let repository: string;

const write = (name: string, text: string): void => writeFileSync(join(repository, name), text);
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
    cwd: repository,
    encoding: 'utf8',
  });
const commit = (): string => git('add', '-A') + git('commit', '-qm', 'all');
const replace = (name: string, text: string): void => {
  write(name, text);
  commit();
};
const tags = (): string => git('tag').trim();

function release(variables: Record<string, string> = {}) {
  const env = { ...process.env, GIT_COMMITTER_NAME: 't', GIT_COMMITTER_EMAIL: 't@example.org', ...variables };
  const { status, stdout, stderr } = spawnSync('sh', ['scripts/release.sh'], {
    cwd: repository,
    env,
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'release-'));
  mkdirSync(join(repository, 'scripts'));
  copyFileSync(SCRIPT, join(repository, 'scripts/release.sh'));
  write('package.json', '{\n  "version": "1.2.3",\n  "private": true\n}\n');
  write(
    'package-lock.json',
    '{\n  "version": "1.2.3",\n  "packages": {\n    "": {\n      "version": "1.2.3",\n      "x": 1\n    }\n  }\n}\n',
  );
  write('CHANGELOG.md', '# Changelog\n\n## 1.2.3\n\n- A line.\n');
  write('Makefile', MAKEFILE);
  write('.gitignore', 'dist/\n');
  git('init', '-q');
  commit();
});
afterEach(() => rmSync(repository, { recursive: true }));

test('it runs the tests, and makes the tag, the package and its checksum', () => {
  const { status, text } = release();
  expect(text).toContain('tests ran');
  expect(status, text).toBe(0);
  expect(tags()).toBe('v1.2.3');
  expect(readFileSync(join(repository, 'dist/SHA256SUMS'), 'utf8')).toMatch(
    /^[0-9a-f]{64} {2}flower-context_1\.2\.3_amd64\.deb\n$/,
  );
});

test('without tests when asked', () => {
  expect(release({ SKIP_TESTS: '1' }).text).not.toContain('tests ran');
  expect(tags()).toBe('v1.2.3');
});

test('a dry run makes nothing and prints the commands', () => {
  const { status, text } = release({ DRY_RUN: '1' });
  expect(status, text).toBe(0);
  expect(text).toContain('+ git tag -a v1.2.3');
  expect(tags()).toBe('');
  expect(existsSync(join(repository, 'dist'))).toBe(false);
});

test.each([
  ['a changed working tree', () => write('new', ''), 'the working tree has changes'],
  [
    'a changelog without this version',
    () => replace('CHANGELOG.md', '## Unreleased\n'),
    "must be '## 1.2.3'",
  ],
  ['a tag that exists', () => git('tag', 'v1.2.3'), 'exists already'],
  ['a lock file of another version', () => replace('package-lock.json', '{}'), 'package-lock.json'],
  [
    'a build that changes files',
    () => replace('Makefile', MAKEFILE.replace('@mkdir', '@echo >new && mkdir')),
    'the build changed',
  ],
])('it refuses %s', (_case, change, reason) => {
  change();
  const before = tags();
  const { status, text } = release();
  expect(text).toContain(reason);
  expect(status).toBe(1);
  expect(tags()).toBe(before);
});

// The lock of the agent: who can take it, and what may lie at its path.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { takeLock } from '../../src/host/lock.ts';
import { until } from '../support/zone/process.ts';
import { superlink, temporaryFolder } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

const asRoot = process.getuid?.() === 0;
const take = (path: string, ...before: string[]): number | null => {
  const [program = 'flock', ...args] = [...before, 'flock', '-n', path, 'true'];
  return spawnSync(program, args).status;
};

test('the lock stays with the process that took it', () => {
  const path = join(temporaryFolder(), 'lock');
  expect(takeLock(path)).toBe(true);
  expect(take(path)).toBe(1);
  expect(takeLock(path)).toBe(false);
});

test('the lock of a process that is killed is free', async () => {
  const path = join(temporaryFolder(), 'lock');
  const holder = spawn('flock', ['--close', path, 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await until('the other process to have the lock', () => existsSync(path) && take(path) === 1);
  expect(takeLock(path)).toBe(false);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(takeLock(path)).toBe(true);
});

test.skipIf(!asRoot)('another user cannot take it', () => {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const path = join(folder, 'lock');
  takeLock(path);
  // 66: it cannot open the file; 1 would mean that the lock is taken.
  expect(take(path, 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')).toBe(66);
});

test.each<[string, (path: string, folder: string) => void, string]>([
  ['a symbolic link', (path, folder) => symlinkSync(join(folder, 'target'), path), 'it is a symbolic link'],
  [
    'a symbolic link to nothing',
    (path, folder) => symlinkSync(join(folder, 'none'), path),
    'it is a symbolic link',
  ],
  ['a FIFO', (path) => void execFileSync('mkfifo', [path]), 'it is a FIFO or a device'],
  ['a folder', (path) => mkdirSync(path), 'it is a folder'],
])('%s at its path is reported and not followed', (_kind, put, found) => {
  const folder = temporaryFolder();
  const path = join(folder, 'lock');
  writeFileSync(join(folder, 'target'), 'kept');
  put(path, folder);
  expect(() => takeLock(path)).toThrow(found);
  expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('kept');
  expect(existsSync(join(folder, 'none'))).toBe(false);
});

test('a process that listens at the abstract address of an earlier version keeps no agent from starting', async () => {
  const taken = (vm: Vm): void => {
    const name = `flower-context-${createHash('sha256').update(vm.root).digest('hex').slice(0, 16)}`;
    const server = createServer().listen({ path: `\0${name}` });
    onTestFinished(() => void server.close());
  };
  const { vm } = await superlink({}, { prepare: taken });
  await vm.whenReady();
});

// Unit tests are sealed: a test that starts a program, resolves a name, opens a socket or writes outside the temporary
// folder fails, also when the code under test swallows the error. What needs those belongs to another suite.
import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';

type Call = (this: unknown, ...given: unknown[]) => unknown;
type Owner = Record<string, unknown>;

const broken: string[] = [];

function refuse(what: string): never {
  broken.push(what);
  throw new Error(`a unit test may not ${what}`);
}

/** Replaces functions of a module: `check` sees the arguments first and may refuse. Names a Node lacks are left out. */
function guard(
  owner: object,
  names: readonly string[],
  check: (name: string, given: unknown[]) => void,
): void {
  const functions = owner as Owner;
  for (const name of names) {
    const original = functions[name];
    if (typeof original !== 'function') continue;
    const guarded: Call = function (...given) {
      check(name, given);
      return Reflect.apply(original as Call, this, given);
    };
    functions[name] = Object.assign(guarded, original);
  }
}

const folder = resolve(tmpdir());
function mayWrite(path: unknown): boolean {
  if (typeof path === 'number') return true;
  const file = resolve(path instanceof URL ? fileURLToPath(path) : String(path));
  return file === '/dev/null' || file.startsWith(folder + sep);
}

function checkWrite(name: string, paths: unknown[]): void {
  for (const path of paths) if (!mayWrite(path)) refuse(`write outside ${folder} (${name} ${String(path)})`);
}

const READ_ONLY = fs.constants.O_RDONLY;
const isReading = (flags: unknown): boolean =>
  flags === undefined ||
  typeof flags === 'function' ||
  flags === 'r' ||
  flags === 'rs' ||
  (typeof flags === 'number' && (flags & 3) === READ_ONLY && (flags & fs.constants.O_CREAT) === 0);

const ONE_PATH = [
  'appendFile',
  'chmod',
  'chown',
  'lchown',
  'lutimes',
  'mkdir',
  'mkdtemp',
  'rm',
  'rmdir',
  'truncate',
  'unlink',
  'utimes',
  'writeFile',
];
const BOTH_PATHS = ['rename'];
const SECOND_PATH = ['copyFile', 'cp', 'link', 'symlink'];
const bothWays = (names: string[]): string[] => names.flatMap((name) => [name, `${name}Sync`]);

for (const owner of [fs, fs.promises]) {
  guard(owner, bothWays(ONE_PATH), (name, [path]) => checkWrite(name, [path]));
  guard(owner, bothWays(BOTH_PATHS), (name, [from, to]) => checkWrite(name, [from, to]));
  guard(owner, bothWays(SECOND_PATH), (name, [, to]) => checkWrite(name, [to]));
  guard(owner, ['open', 'openSync'], (name, [path, flags]) => {
    if (!isReading(flags)) checkWrite(name, [path]);
  });
}
guard(fs, ['createWriteStream'], (name, [path]) => checkWrite(name, [path]));

guard(childProcess.ChildProcess.prototype, ['spawn'], (_name, [options]) =>
  refuse(`start a program (${String((options as { file?: string }).file)})`),
);
guard(childProcess, ['spawnSync', 'execSync', 'execFileSync'], (_name, [file]) =>
  refuse(`start a program (${String(file)})`),
);
guard(net.Socket.prototype, ['connect'], () => refuse('open a socket'));
guard(net.Server.prototype, ['listen'], () => refuse('open a socket'));
guard(dgram.Socket.prototype, ['bind', 'connect', 'send'], () => refuse('open a socket'));
for (const owner of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
  const names = Object.getOwnPropertyNames(owner).filter((name) => /^(lookup|resolve|reverse)/.test(name));
  guard(owner, names, (name, [what]) => refuse(`resolve a name (${name} ${String(what)})`));
}
syncBuiltinESMExports();

/** What the running test tried so far; asking takes it back (for the test of the seal itself). */
export const takeAttempts = (): string[] => broken.splice(0);

afterEach(() => {
  const found = takeAttempts();
  if (found.length > 0)
    throw new Error(`the test tried to ${found.join(', to ')}: move it to test/integration`);
});

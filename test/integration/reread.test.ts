// one-context starts again when it has ended and the disc differs from the one that it has read.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { invoke } from '../../src/cli/command.ts';
import { reread } from '../../src/cli/reread.ts';
import { EXIT } from '../../src/core/exit.ts';
import { realMachine } from '../../src/host/machine.ts';
import { isoWith } from '../support/iso.ts';

const READ = 'var/run/one-context/context.sh.network';
const DISC = 'dev/disk/by-label/CONTEXT';
const LOCK = 'var/run/one-context/one-context.lock';
const FOLDER = 'context/context.sh';

let root: string;
let path: string | undefined;
const at = (name: string): string => join(root, name);
function write(name: string, content: string | Buffer): void {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), content);
}

/** systemctl, as a program that notes how it was called and does what a run of one-context would. */
function systemctl(does: string): void {
  write('bin/systemctl', `#!/bin/sh\necho "$*" >>'${at('called')}'\n${does}\n`);
  chmodSync(at('bin/systemctl'), 0o755);
}
const calls = (): string[] =>
  existsSync(at('called')) ? readFileSync(at('called'), 'utf8').trim().split('\n') : [];

const START = 'start one-context-reconfigure.service';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'reread-'));
  path = process.env.PATH;
  process.env.PATH = `${at('bin')}:${path}`;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(root, { recursive: true, force: true });
});

/** The command on this folder; its pauses are short. */
function run(): Promise<number> {
  const machine = realMachine(root);
  const sleep = (ms: number, signal?: AbortSignal) => machine.clock.sleep(ms / 500, signal);
  return invoke(reread, [], () => ({ ...machine, clock: { ...machine.clock, sleep } }));
}

describe('a CONTEXT that was read', () => {
  test.each([
    ['on a disc', () => write(DISC, isoWith('CONTEXT', { 'context.sh': "A='1'\n" }))],
    ['on a disc in a drive', () => write('dev/sr0', isoWith('CONTEXT', { 'context.sh': "A='1'\n" }))],
    ['in the folder of a container', () => write(FOLDER, "A='1'\n")],
    ['from a disc that is gone', () => undefined],
  ])('%s is not read again', async (_, lay) => {
    lay();
    systemctl(':');
    // udev's rule appends an empty line when a NIC is taken away.
    write(READ, "A='1'\n\n");
    expect(await run()).toBe(EXIT.ok);
    expect(calls()).toEqual([]);
  });

  test('is not compared in a boot in which one-context has read none', async () => {
    write(FOLDER, "A='1'\n");
    systemctl(':');
    expect(await run()).toBe(EXIT.ok);
    expect(calls()).toEqual([]);
  });
});

describe('a CONTEXT that differs from the one that was read', () => {
  test.each([
    ['on a disc', (text: string) => write(DISC, isoWith('CONTEXT', { 'context.sh': text }))],
    ['in the folder of a container', (text: string) => write(FOLDER, text)],
  ])('%s starts one-context again, once', async (_, lay) => {
    lay("A='2'\n");
    write(READ, "A='1'\n");
    systemctl(`echo "A='2'" >'${at(READ)}'`);
    expect(await run()).toBe(EXIT.ok);
    expect(calls()).toEqual([START]);
  });

  test('and changes again during that run starts it once more', async () => {
    write(FOLDER, "A='2'\n");
    write(READ, "A='1'\n");
    // Each run reads the disc at its beginning; the first four are overtaken by the next change.
    systemctl(
      `cp '${at(FOLDER)}' '${at(READ)}'; n=$(wc -l <'${at('called')}'); [ "$n" -gt 4 ] || echo "A='$((n + 2))'" >'${at(FOLDER)}'`,
    );
    expect(await run()).toBe(EXIT.ok);
    expect(calls()).toHaveLength(5);
    expect(readFileSync(at(READ), 'utf8')).toBe("A='6'\n");
  });

  test.each([
    ['fails', 'echo "Job failed." >&2; exit 1'],
    ['changes nothing', ':'],
  ])('is not tried for ever when the run %s', async (_, does) => {
    write(FOLDER, "A='2'\n");
    write(READ, "A='1'\n");
    systemctl(does);
    expect(await run()).toBe(EXIT.failed);
    expect(calls()).toEqual([START, START, START]);
  });

  test('is compared only when one-context has ended', async () => {
    write(FOLDER, "A='2'\n");
    write(READ, "A='1'\n");
    mkdirSync(at(LOCK));
    systemctl(`cp '${at(FOLDER)}' '${at(READ)}'`);
    const ended = run();
    // What is read while it waits is not what decides.
    for (let looks = 0; looks < 5; looks++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(calls()).toEqual([]);
    appendFileSync(at(READ), "B='2'\n");
    rmSync(at(LOCK), { recursive: true });
    expect(await ended).toBe(EXIT.ok);
    expect(calls()).toEqual([START]);
  });
});

const canMakeDiscs = ((): boolean => {
  try {
    execFileSync('genisoimage', ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test.runIf(canMakeDiscs)('a disc as OpenNebula makes it is read', async () => {
  write('files/context.sh', "A='1'\n");
  write('files/token.txt', 'token');
  mkdirSync(at('dev'));
  execFileSync('genisoimage', ['-quiet', '-V', 'CONTEXT', '-J', '-R', '-o', at('dev/sr0'), at('files')]);
  systemctl(`echo "A='1'" >'${at(READ)}'`);
  write(READ, "A='1'\n");
  expect(await run()).toBe(EXIT.ok);
  expect(calls()).toEqual([]);
  write(READ, "A='0'\n");
  expect(await run()).toBe(EXIT.ok);
  expect(calls()).toEqual([START]);
});

test('the hook starts the agent first and then the comparison in each run of one-context', () => {
  // Its own commands with another systemctl on the path.
  const hook = readFileSync(
    join(import.meta.dirname, '../../appliance/one-context.d/net-91-flower-context'),
    'utf8',
  );
  systemctl(':');
  write('hook', hook.replace('PATH=', `PATH=${at('bin')}:`));
  for (const args of [['network'], ['network', 'reconfigure'], ['network', 'force']])
    execFileSync('/bin/sh', [at('hook'), ...args], { env: { PATH: '/evil' } });
  const look = '--no-block start flower-context-reread.service';
  expect(calls()).toEqual([
    '--no-block start flower-context.service',
    look,
    '--no-block start flower-context.service',
    look,
    '--no-block reload-or-restart flower-context.service',
    look,
  ]);
});

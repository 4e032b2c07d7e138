// The directories below Flower's state directory: made by the launcher as Flower's user, never touched by the agent. Code of an
// app can put anything there.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { FlowerSetup } from '../support/flower-setup.ts';
import { fakeEnvironment } from '../support/zone/fake-flwr.ts';
import { run } from '../support/zone/process.ts';
import { superlink, zone } from '../support/zone/test-zone.ts';

const LIB = join(import.meta.dirname, '../../appliance/lib');
const LOOPBACK = '127.35.60.1';
const setups: FlowerSetup[] = [];
afterEach(async () => {
  for (const made of setups.splice(0)) await made.clear();
});

/** A folder outside, as only root has them. */
function outside(): string {
  const folder = mkdtempSync(join(tmpdir(), 'outside-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o700);
  writeFileSync(join(folder, 'secret'), 'secret', { mode: 0o600 });
  return folder;
}

type Kind = readonly [what: string, make: (path: string) => void | Promise<void>, reason: RegExp];

const KINDS: readonly Kind[] = [
  ['a file', (path) => writeFileSync(path, ''), /a file is there; rename it/],
  [
    'a link to nothing',
    (path) => symlinkSync('/nowhere', path),
    /a symbolic link to \/nowhere, which cannot be opened \(No such file or directory\), is there; rename it/,
  ],
  [
    'a link to itself',
    (path) => symlinkSync(path, path),
    /a symbolic link to \S+, which leads back to itself, is there; rename it/,
  ],
  [
    'a link to a file',
    (path) => symlinkSync('/etc/passwd', path),
    /a symbolic link to \/etc\/passwd \(a file\) is there; rename it/,
  ],
  [
    'a link with a line break in it',
    (path) => symlinkSync('/nowhere\n<0>flower-context: run this', path),
    /a symbolic link to \/nowhere <0>flower-context: run this, which/,
  ],
  ['a pipe', (path) => void execFileSync('mkfifo', [path]), /a named pipe is there; rename it/],
  [
    'a socket',
    async (path) => {
      const server = createServer();
      await new Promise<void>((done) => server.listen(path, done));
      onTestFinished(() => void server.close());
    },
    /a socket is there; rename it/,
  ],
];
const KEPT = ['state', 'state/deeper', 'checkpoints'];
const AT = ['.flwr', ...KEPT];

/** A SuperLink that needs all directories of AT, before its start, and the path where something is about to be. */
function withObstacleAt(name: string) {
  const vm = new FlowerSetup(BAKED_FLOWER, fakeEnvironment(BAKED_FLOWER));
  setups.push(vm);
  const plan = vm.superlink({
    loopback: LOOPBACK,
    database: 'state/deeper/x.db',
    checkpoints: 'checkpoints',
  });
  const path = join(plan.workdir, name);
  mkdirSync(dirname(path), { recursive: true });
  return { vm, plan, path };
}

describe.each(KEPT)('the launcher finds at %s', (name) => {
  test.each(KINDS)('%s: it ends with status 78 and says what to do', async (_, make, reason) => {
    const { vm, plan, path } = withObstacleAt(name);
    await make(path);
    const launched = vm.launch(plan);
    expect(await launched.ended).toEqual({ code: 78, signal: null });
    expect(vm.link()).toMatchObject({ phase: 'ended', detail: expect.stringMatching(reason) });
    const lines = launched.output().trim().split('\n');
    expect(lines.at(-1)).toMatch(/^<3>flower-launch: cannot make the directory /);
    expect(lines.at(-1)).toMatch(reason);
    expect(lines.at(-1)).toMatch(/systemd then starts Flower again$/);
  });
});

describe('the launcher finds at .flwr', () => {
  test.each(KINDS)('%s: it gives it another name, says so, and Flower starts', async (_, make, reason) => {
    const { vm, plan, path } = withObstacleAt('.flwr');
    await make(path);
    const launched = vm.launch(plan);
    await vm.phase(launched, 'serving');
    expect(statSync(path).isDirectory()).toBe(true);
    const [aside, ...more] = readdirSync(plan.workdir).filter((name) => name.startsWith('.flwr.'));
    expect(more).toEqual([]);
    expect(aside).toMatch(/^\.flwr\.damaged-\d{8}T\d{6}Z-[0-9a-f]{8}$/);
    const warning = launched
      .output()
      .split('\n')
      .find((line) => line.includes(aside!));
    expect(warning).toMatch(/^<4>flower-launch: cannot use \S+\/\.flwr: /);
    // What was found, without what a person would have to do.
    expect(warning).toMatch(new RegExp(reason.source.replace('; rename it', '; it is now ')));
  });
});

test('the launcher says that it renamed .flwr also if it cannot use a later directory', async () => {
  const vm = new FlowerSetup(BAKED_FLOWER, fakeEnvironment(BAKED_FLOWER));
  setups.push(vm);
  const plan = vm.superlink({ loopback: LOOPBACK, checkpoints: 'checkpoints' });
  mkdirSync(plan.workdir, { recursive: true });
  for (const name of ['.flwr', 'checkpoints']) writeFileSync(join(plan.workdir, name), '');
  const launched = vm.launch(plan);
  expect(await launched.ended).toEqual({ code: 78, signal: null });
  expect(launched.output()).toMatch(
    /cannot use \S+\/\.flwr: a file is there; it is now .*\n.*checkpoints: a file is there/s,
  );
});

describe.each(AT)('the launcher finds at %s', (name) => {
  test('a link to a directory that Flower can write: it is used', async () => {
    const { vm, plan, path } = withObstacleAt(name);
    symlinkSync(outside(), path);
    await vm.phase(vm.launch(plan), 'serving');
  });
});

test.runIf(process.getuid?.() === 0)('a directory that Flower may not write is a reason, too', async () => {
  const folder = outside();
  chmodSync(folder, 0o755);
  const script = `import sys; sys.path.insert(0, ${JSON.stringify(LIB)})
from flower_launch.directories import make_directories
list(make_directories([${JSON.stringify(folder)}]))`;
  const asOther = [
    '--reuid=47110',
    '--regid=47110',
    '--clear-groups',
    '--',
    '/usr/bin/python3',
    '-BIc',
    script,
  ];
  const { code, stderr } = await run('setpriv', asOther);
  expect(code).toBe(1);
  expect(stderr).toContain(
    `${folder}: the user of this unit may not write there; check owner and mode (\`ls -ldL`,
  );
});

describe('the agent', () => {
  test.each(['.flwr', 'state', 'checkpoints'])('changes nothing behind a link at %s', async (name) => {
    const target = outside();
    const federation = zone({
      supernodes: 0,
      superlink: { FL_CHECKPOINT_ENABLED: 'YES' },
      prepare: (vm) => {
        mkdirSync(vm.at('var/lib/flower/superlink'), { recursive: true });
        symlinkSync(target, vm.at(`var/lib/flower/superlink/${name}`));
      },
    });
    const before = statSync(target);
    await federation.deploy();
    await federation.superlink.whenReady();
    const { mode, uid, gid } = statSync(target);
    expect({ mode, uid, gid }).toEqual({ mode: before.mode, uid: before.uid, gid: before.gid });
    expect(statSync(join(target, 'secret')).mode & 0o777).toBe(0o600);
  });

  test('reports why Flower did not start', async () => {
    const federation = zone({
      supernodes: 0,
      superlink: { FL_CHECKPOINT_ENABLED: 'YES' },
      prepare: (vm) => {
        mkdirSync(vm.at('var/lib/flower/superlink'), { recursive: true });
        writeFileSync(vm.at('var/lib/flower/superlink/checkpoints'), '');
      },
    });
    await federation.deploy();
    const { problems } = await federation.superlink.whenFailed();
    expect(problems).toMatchObject([
      {
        code: 'flower_start_failed',
        // On a busy machine the unit may have been started again before the agent sees its end.
        found: expect.stringMatching(
          /(exit status 78|was started again).*superlink\/checkpoints: a file is there; rename it/s,
        ),
      },
    ]);
  });

  test('does not create what only Flower needs', async () => {
    const { vm } = await superlink(
      {},
      { dropIns: { 'flower-superlink': '[Service]\nExecStart=\nExecStart=/bin/sleep 600' } },
    );
    await vm.waitFor('the start of Flower', ({ steps }) =>
      steps.some(({ id, state }) => id === 'start_flower' && state !== 'pending'),
    );
    expect(() => statSync(vm.at('var/lib/flower/superlink/.flwr'))).toThrow(/ENOENT/);
  });
});

// SuperExec's launcher without Flower: what it refuses, and what it says then.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { REPOSITORY } from '../support/zone/vm.ts';

const LAUNCHER = join(REPOSITORY, 'appliance/lib/superexec-launch.py');

const PLAN = { version: 1, api: '127.0.0.1:1', argv: [], environment: {}, folders: [] };

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'superexec-'));
  chmodSync(path, 0o755);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function launch(plan: string, secret: string, before = '') {
  const path = join(folder(), 'plan.json');
  writeFileSync(path, plan);
  const code = `import runpy, sys; ${before}\nsys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name="__main__")`;
  const file = join(folder(), 'secret');
  writeFileSync(file, secret);
  const input = openSync(file, 'r');
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', ['-I', '-c', code, LAUNCHER, path], {
    stdio: [input, 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  closeSync(input);
  return { status, text: `${stdout}${stderr}` };
}

test.each([
  ['{', 'is not a plan of this version'],
  ['[]', 'is not a plan of this version'],
  [JSON.stringify(PLAN), 'is not a plan of this version'],
])('the plan %s is refused with its path', (plan, why) => {
  const { status, text } = launch(plan, 'secret');
  expect(status).toBe(78);
  expect(text).toMatch(/^<3>superexec-launch: \S+plan\.json /);
  expect(text).toContain(why);
});

test('no secret is refused, with the file that systemd opens', () => {
  const { status, text } = launch(JSON.stringify({ ...PLAN, workdir: folder() }), '');
  expect(status).toBe(78);
  expect(text).toContain('no secret on standard input');
  expect(text).toContain('/run/flower-context/superexec-secret');
});

test('it does not start when its memory stays open to the apps', () => {
  const before =
    'import ctypes; ctypes.CDLL = lambda *a, **k: type("", (), {"prctl": staticmethod(lambda *a: -1)})';
  const { status, text } = launch(JSON.stringify({ ...PLAN, workdir: folder() }), 'secret', before);
  expect(status).toBe(78);
  expect(text).toMatch(/^<3>superexec-launch: cannot set PR_SET_DUMPABLE .*\n$/);
});

test('its memory is closed before it imports more than it needs for that', () => {
  // The secret is in standard input from the start.
  const before = `import builtins, ctypes
def audit(event, arguments):
    if event == 'import' and arguments[0] in ('importlib.metadata', 'grpc', 'flower_launch.flower'):
        if ctypes.CDLL(None).prctl(3): print('open while importing', arguments[0])
sys.addaudithook(audit)`;
  const { text } = launch('{', 'secret', before);
  expect(text).not.toContain('open while importing');
});

/** An environment whose `flower-superexec` writes what it can see of the secret, and starts a child that does the same. */
function fakeFlower(): string {
  const path = folder();
  mkdirSync(join(path, 'fake-1.dist-info'));
  writeFileSync(join(path, 'fake-1.dist-info/METADATA'), 'Metadata-Version: 2.1\nName: fake\nVersion: 1\n');
  writeFileSync(
    join(path, 'fake-1.dist-info/entry_points.txt'),
    '[console_scripts]\nflower-superexec = fake_superexec:main\n',
  );
  writeFileSync(
    join(path, 'grpc.py'),
    'class UnaryUnaryClientInterceptor: pass\ninsecure_channel = secure_channel = None\n',
  );
  writeFileSync(
    join(path, 'fake_superexec.py'),
    `import ctypes, json, os, subprocess, sys
def main():
    see = "import os; print(sorted(os.listdir('/proc/self/fd')), repr(open('/dev/stdin', 'rb').read()))"
    child = subprocess.run([sys.executable, "-c", see], capture_output=True, text=True).stdout
    seen = {
        "secret": open(sys.argv[sys.argv.index("--superexec-auth-secret-file") + 1]).read(),
        "argv": sys.argv[1:], "environment": dict(os.environ), "child": child,
        "dumpable": ctypes.CDLL(None).prctl(3), "cwd": os.getcwd(),
    }
    open("seen.json", "w").write(json.dumps(seen))
`,
  );
  return path;
}

test('the secret reaches Flower only as a file in memory, and no child, argument or environment', () => {
  const secret = 'f0'.repeat(32);
  const workdir = folder();
  const plan = {
    ...PLAN,
    argv: ['--insecure'],
    environment: { HOME: workdir },
    workdir,
    folders: [join(workdir, '.flwr')],
  };
  const before = `sys.path.insert(0, ${JSON.stringify(fakeFlower())})`;
  const { status, text } = launch(JSON.stringify(plan), secret, before);
  expect({ status, text }).toMatchObject({ status: 75 });
  expect(text).not.toContain(secret);
  const seen = JSON.parse(readFileSync(join(workdir, 'seen.json'), 'utf8')) as Record<string, unknown>;
  expect(seen).toMatchObject({ secret, dumpable: 0, cwd: workdir });
  expect(seen.environment).toMatchObject({ HOME: workdir });
  expect(seen.child).toMatch(/^\['0', '1', '2', '3'\] b''\n$/);
  const { secret: _, ...rest } = seen;
  expect(JSON.stringify(rest)).not.toContain(secret);
});

type Made = (path: string) => void;
const IN_THE_WAY: readonly (readonly [string, Made, RegExp])[] = [
  ['a file', (path) => writeFileSync(path, ''), /a file is there/],
  ['a link to nothing', (path) => symlinkSync('/nowhere', path), /a symbolic link to \/nowhere/],
  ['a pipe', (path) => void spawnSync('mkfifo', [path]), /a named pipe is there/],
];

describe.each(['.flwr', 'checkpoints', 'checkpoints/deeper'])('an app leaves at %s', (name) => {
  test.each(IN_THE_WAY)('%s: it gets another name, and SuperExec starts', (_, make, found) => {
    const workdir = folder();
    const folders = ['.flwr', 'checkpoints', 'checkpoints/deeper'].map((one) => join(workdir, one));
    const path = join(workdir, name);
    mkdirSync(dirname(path), { recursive: true });
    make(path);
    const before = `sys.path.insert(0, ${JSON.stringify(fakeFlower())})`;
    const { status, text } = launch(JSON.stringify({ ...PLAN, workdir, folders }), 'secret', before);
    expect({ status, text }).toMatchObject({ status: 75 });
    for (const one of folders) expect(statSync(one).isDirectory()).toBe(true);
    expect(text).toMatch(/^<4>superexec-launch: cannot use \S+: .*; it is now \S+\.damaged-\S+$/m);
    expect(text).toMatch(found);
  });
});

test.runIf(process.getuid?.() === 0)('what cannot be renamed is a reason', () => {
  const workdir = folder();
  writeFileSync(join(workdir, '.flwr'), '');
  const before = `import os; sys.path.insert(0, ${JSON.stringify(fakeFlower())}); os.setgid(47110); os.setuid(47110)`;
  const plan = { ...PLAN, workdir, folders: [join(workdir, '.flwr')] };
  const { status, text } = launch(JSON.stringify(plan), 'secret', before);
  expect(status).toBe(78);
  expect(text).toMatch(
    /^<3>superexec-launch: cannot make the directory \S+: a file is there, and it cannot be renamed \(Permission denied\); rename it;/m,
  );
});

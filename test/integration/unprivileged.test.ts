// The app on its way to Flower's command: root reads the folder, another user unpacks and imports it.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../src/host/process.ts';
import { inside, pack } from '../../src/host/unprivileged.ts';

const NOBODY = 65534;
let root = '';
let app = '';
let home = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flower-submit-'));
  chmodSync(root, 0o755);
  home = join(root, 'home');
  mkdirSync(home);
  chmodSync(home, 0o1777);
  // As in the home of root: nobody else enters it.
  mkdirSync(join(root, 'private'), { mode: 0o700 });
  app = join(root, 'private/app');
  mkdirSync(join(app, 'sample_app/__pycache__'), { recursive: true });
  mkdirSync(join(app, '.git'));
  writeFileSync(join(root, 'private/secret'), 'secret', { mode: 0o600 });
  writeFileSync(join(root, 'private/config.toml'), 'config', { mode: 0o600 });
  writeFileSync(join(app, 'pyproject.toml'), '', { mode: 0o600 });
  writeFileSync(join(app, '.gitignore'), 'x');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** As systemd-run starts it: as another user, with the tar as standard input. */
async function asAnother(...command: string[]) {
  const packed = pack([join(root, 'private/config.toml')], app);
  const setpriv = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'];
  const result = await run('setpriv', [...setpriv, ...inside(command, home, app)], {
    env: { PATH: process.env['PATH'], FLWR_HOME: home },
    input: packed.stdout!,
    timeoutMs: 30_000,
  });
  packed.kill();
  return result;
}

test.runIf(process.getuid?.() === 0)('the package of an app is not imported by root', async () => {
  writeFileSync(
    join(app, 'sample_app/__init__.py'),
    `import os
print(os.getuid())
for path in ${JSON.stringify([join(app, 'written'), join(root, 'written'), '/etc/written-by-an-app'])}:
    try:
        open(path, "w")
        print("written", path)
    except OSError as error:
        print(type(error).__name__)
`,
    { mode: 0o600 },
  );
  const { stdout, stderr } = await asAnother(
    'python3',
    '-c',
    'import sys; sys.path.insert(0, sys.argv[1]); import sample_app',
    app,
  );
  expect(`${stdout}${stderr}`).toBe(`${NOBODY}\n${'PermissionError\n'.repeat(3)}`);
  expect(readdirSync(app).sort()).toEqual(['.git', '.gitignore', 'pyproject.toml', 'sample_app']);
  expect(readdirSync(join(app, 'sample_app/__pycache__'))).toEqual([]);
});

test.runIf(process.getuid?.() === 0)('root reads nothing behind a link in the folder of an app', async () => {
  symlinkSync(join(root, 'private/secret'), join(app, 'link'));
  symlinkSync('./pyproject.toml', join(app, 'inside.toml'));
  symlinkSync(join(root, 'private'), join(app, 'sample_app/folder'));
  await run('mkfifo', [join(app, 'pipe')]);
  const { code, stdout } = await asAnother(
    'sh',
    '-c',
    'cd "$1" && find . -name "*" ! -name . | sort; cat link sample_app/folder/secret; readlink link inside.toml; cat ../config.toml',
    'sh',
    app,
  );
  expect(code).toBe(0);
  expect(stdout.split('\n')).toEqual([
    './.gitignore',
    './inside.toml',
    './link',
    './pipe',
    './pyproject.toml',
    './sample_app',
    './sample_app/folder',
    join(root, 'private/secret'),
    './pyproject.toml',
    'config',
  ]);
});

test('an archive without an end starts nothing', async () => {
  const half = spawn('sh', ['-c', 'head -c 300 /dev/zero | tr "\\0" x'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { code, stdout } = await run(inside([], home)[0]!, inside(['echo', 'started'], home).slice(1), {
    env: { PATH: process.env['PATH'], FLWR_HOME: home },
    input: half.stdout!,
  });
  expect(code).not.toBe(0);
  expect(stdout).toBe('');
});

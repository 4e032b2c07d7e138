// make-env.sh as root, with packages that attack: a stub of Python does at each start what such a package would do.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { run } from '../../src/host/process.ts';

const APPLIANCE = join(import.meta.dirname, '../../appliance/flower');
/** A user without files; flower-build exists only on a VM. */
const BUILDER = 'nobody';
const builderId = Number(execFileSync('id', ['-u', BUILDER], { encoding: 'utf8' }));

let root = '';
let dest = '';

/** Python as far as build-env.sh uses it. Each start notes its user; the attack runs in DEST. */
const PYTHON = `#!/bin/sh
echo "$(id -u) $(id -G) $(grep -c . /proc/self/environ)" >>ROOT/witness/starts
case "$*" in
  '-I -m venv '*) mkdir -p "$4/bin" "$4/lib"; cp "$0" "$4/bin/python"; ln -s "$0" "$4/bin/python3" ;;
  *list-imports.py) cat ROOT/names ;;
  *' install '*) . ROOT/attack ;;
esac
`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flower-hostile-'));
  chmodSync(root, 0o755);
  dest = join(root, `envs/${BAKED_FLOWER}-none`);
  mkdirSync(join(root, 'envs'));
  mkdirSync(join(root, 'witness'));
  chmodSync(join(root, 'witness'), 0o777);
  writeFileSync(join(root, 'outside'), 'as before');
  writeFileSync(join(root, 'names'), 'grpc\ngrpc._server\n');
  writeFileSync(join(root, 'python3'), PYTHON.replaceAll('ROOT', root), { mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function make(attack: string, env: Record<string, string> = {}) {
  writeFileSync(join(root, 'attack'), `${attack}\n`);
  return run(join(APPLIANCE, 'make-env.sh'), [BAKED_FLOWER, 'none', dest], {
    env: { ...process.env, PYTHON: join(root, 'python3'), BUILD_USER: BUILDER, ...env },
    timeoutMs: 60_000,
  });
}

/** Makes packages of Flower that say when and as whom their code runs; prints the hash of the wheel. */
const PACKAGES = `
import hashlib, io, sys, tarfile, zipfile
root, folder = sys.argv[1:]
def says(what):
    return (f"import os; open({root!r} + '/witness/real', 'a').write({what!r} + ' ' + str(os.getuid()) + chr(10))\\n"
            f"try: open({root!r} + '/outside', 'w')\\nexcept OSError: pass\\n")
files = {
    "evil.pth": "import evil_start\\n",
    "evil_start.py": says("pth"),
    "flwr/__init__.py": says("import"),
    "flwr/main.py": "def run(): pass\\n",
    "flwr-${BAKED_FLOWER}.dist-info/METADATA": "Metadata-Version: 2.1\\nName: flwr\\nVersion: ${BAKED_FLOWER}\\n",
    "flwr-${BAKED_FLOWER}.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "flwr-${BAKED_FLOWER}.dist-info/entry_points.txt":
        "[console_scripts]\\nflower-superlink = flwr.main:run\\nflower-supernode = flwr.main:run\\n",
}
files["flwr-${BAKED_FLOWER}.dist-info/RECORD"] = "".join(f"{name},,\\n" for name in files) + "flwr-${BAKED_FLOWER}.dist-info/RECORD,,\\n"
made = io.BytesIO()
with zipfile.ZipFile(made, "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
open(folder + "/flwr-${BAKED_FLOWER}-py3-none-any.whl", "wb").write(made.getvalue())
with tarfile.open(folder + "/flwr-${BAKED_FLOWER}.tar.gz", "w:gz") as source:
    for name, text in {"setup.py": says("setup"), "PKG-INFO": "Metadata-Version: 2.1\\nName: flwr\\nVersion: ${BAKED_FLOWER}\\n"}.items():
        entry = tarfile.TarInfo("flwr-${BAKED_FLOWER}/" + name)
        entry.size = len(text)
        source.addfile(entry, io.BytesIO(text.encode()))
print(hashlib.sha256(made.getvalue()).hexdigest())
`;

/** A build with the real Python from an index with hostile packages. */
async function makeFrom(kind: 'wheel' | 'sdist' | 'other wheel') {
  const index = join(root, 'index');
  mkdirSync(index);
  const hash = execFileSync('/usr/bin/python3', ['-c', PACKAGES, root, index], { encoding: 'utf8' }).trim();
  if (kind === 'sdist') rmSync(join(index, `flwr-${BAKED_FLOWER}-py3-none-any.whl`));
  const copy = join(root, 'flower');
  cpSync(APPLIANCE, copy, { recursive: true });
  writeFileSync(join(copy, `locks/${BAKED_FLOWER}-none.txt`), `flwr==${BAKED_FLOWER}\n`);
  writeFileSync(
    join(copy, 'locks/hashes.txt'),
    `${kind === 'other wheel' ? hash.replaceAll(/[0-4]/g, '5') : hash}  flwr==${BAKED_FLOWER}\n`,
  );
  return run(join(copy, 'make-env.sh'), [BAKED_FLOWER, 'none', dest], {
    env: {
      ...process.env,
      PYTHON: '/usr/bin/python3',
      BUILD_USER: BUILDER,
      PIP_FIND_LINKS: index,
      PIP_NO_INDEX: '1',
    },
    timeoutMs: 120_000,
  });
}

const everything = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));

describe.skipIf(process.getuid?.() !== 0)('packages', () => {
  test('run as another user than root, without its groups, and the result is root’s and nobody else’s', async () => {
    const { code, stderr } = await make(
      'chmod 0777 . bin; echo x >lib/a; chmod 0666 lib/a; umask 0; mkdir lib/open',
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const starts = readFileSync(join(root, 'witness/starts'), 'utf8').trim().split('\n');
    expect(starts.length).toBeGreaterThan(4);
    for (const start of starts)
      expect(start.split(' ').slice(0, 2)).toEqual([String(builderId), starts[0]!.split(' ')[1]]);
    for (const path of [dest, ...everything(dest)]) {
      const { uid, mode } = lstatSync(path);
      expect([path, uid, lstatSync(path).isSymbolicLink() ? 0 : mode & 0o7022]).toEqual([path, 0, 0]);
    }
    expect(existsSync(join(dest, '.complete'))).toBe(true);
    expect(existsSync(join(dest, '.incomplete'))).toBe(false);
  });

  test('get nothing of root’s environment but settings of pip and proxies', async () => {
    await make(`env >${root}/witness/env`, {
      AWS_SECRET: 'hidden',
      PIP_RETRIES: '2',
      https_proxy: 'http://proxy.example:3128',
    });
    const names = readFileSync(join(root, 'witness/env'), 'utf8')
      .split('\n')
      .map((line) => line.split('=')[0]!);
    expect(names).toEqual(expect.arrayContaining(['PIP_RETRIES', 'https_proxy', 'HOME', 'TMPDIR']));
    expect(names).not.toContain('AWS_SECRET');
  });

  test.each<[string, string]>([
    ['a program with the setuid bit', 'cp /bin/true bin/tool; chmod 4755 bin/tool'],
    ['a folder with the setgid bit', 'mkdir lib/x; chmod 2755 lib/x'],
    ['the folder itself with the sticky bit', 'chmod 1755 .'],
    ['a FIFO', 'mkfifo lib/pipe'],
    ['a socket', 'python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'lib/s\')"'],
    ['a link to a file of root', 'ln -s OUTSIDE lib/link'],
    ['a link to a folder of root', 'ln -s /etc lib/link'],
    ['a relative link to the outside', 'ln -s ../../../outside lib/link'],
    ['a link to nothing', 'ln -s /nonexistent/x lib/link'],
    ['two names of one file', 'echo x >lib/one; ln lib/one lib/two'],
    ['bin as a link to the outside', 'cp -r bin ROOT/witness/bin; rm -r bin; ln -s ROOT/witness/bin bin'],
    ['names of modules that are none', 'echo "os; print(1)" >ROOT/witness/x; cp ROOT/witness/x .tmp/x'],
    ['a name with a newline', 'ln -s /etc "lib/a\nb"'],
  ])('that leave %s are refused, and nothing outside changes', async (_, attack) => {
    if (attack.includes('witness/x')) writeFileSync(join(root, 'names'), 'os; print(1)\n');
    const before = lstatSync(join(root, 'outside'));
    const { code, stderr } = await make(
      attack.replaceAll('ROOT', root).replaceAll('OUTSIDE', join(root, 'outside')),
    );
    expect(stderr).toMatch(/^ERROR: make-env\.sh: .*the environment is not used$/ms);
    expect(code).toBe(1);
    expect(existsSync(dest)).toBe(false);
    expect(readFileSync(join(root, 'outside'), 'utf8')).toBe('as before');
    expect(lstatSync(join(root, 'outside'))).toMatchObject({ uid: before.uid, mode: before.mode });
  });

  test.each([
    ['a FIFO', 'mkfifo imports.txt'],
    ['a link', 'ln -s OUTSIDE imports.txt'],
    ['a folder', 'mkdir imports.txt'],
  ])('that make %s of imports.txt end the build, and nothing outside changes', async (_, attack) => {
    const hold = attack.startsWith('mkfifo') ? `${attack}; (sleep 5 <imports.txt) &` : attack;
    expect((await make(hold.replaceAll('OUTSIDE', join(root, 'outside')))).code).not.toBe(0);
    expect(existsSync(dest)).toBe(false);
    expect(readFileSync(join(root, 'outside'), 'utf8')).toBe('as before');
  });

  test.each([
    ['.complete', 'python3'],
    ['.incomplete', 'python3'],
    ['.complete', 'lib/x'],
    ['.incomplete', 'lib/x'],
    ['.tmp', 'python3'],
  ])('that make a link %s to %s change nothing through it', async (name, target) => {
    const python = join(root, 'python3');
    chmodSync(python, 0o777);
    const [before, mode] = [readFileSync(python, 'utf8'), lstatSync(python).mode];
    const to = target === 'python3' ? python : target;
    const { code, stderr } = await make(`echo kept >lib/x; rm -rf ${name}; ln -s ${to} ${name}`);
    expect([readFileSync(python, 'utf8'), lstatSync(python).mode]).toEqual([before, mode]);
    // Without .tmp build-env.sh itself may fail.
    if (name !== '.tmp') expect([code, stderr]).toEqual([0, '']);
    if (code === 0) {
      expect(lstatSync(join(dest, '.complete'))).toMatchObject({ uid: 0, size: 0, nlink: 1 });
      expect(lstatSync(join(dest, '.complete')).isFile()).toBe(true);
      expect(readFileSync(join(dest, 'lib/x'), 'utf8')).toBe('kept\n');
      for (const mark of ['.incomplete', '.tmp']) expect(readdirSync(dest)).not.toContain(mark);
    }
    expect(readdirSync(join(root, 'envs'))).toEqual(code === 0 ? [`${BAKED_FLOWER}-none`] : []);
  });

  test.each([
    ['a folder', 'mkdir .complete; echo x >.complete/x'],
    ['a FIFO', 'mkfifo .complete'],
    ['a second name of a file', 'echo x >lib/one; ln lib/one .complete'],
    ['a file that everybody can write', 'echo x >.complete; chmod 0666 .complete'],
  ])('that make %s of .complete have no influence on the mark', async (_, attack) => {
    expect((await make(attack)).code).toBe(0);
    const { uid, size, mode } = lstatSync(join(dest, '.complete'));
    expect({ uid, size, mode: mode & 0o7777 }).toEqual({ uid: 0, size: 0, mode: 0o644 });
  });

  test.each([
    ['the name of a link', 'ln -s ROOT/python3 "lib/x\n"', 0],
    ['the target of a link to something like the interpreter', 'ln -s "ROOT/python3\n" lib/x', 1],
  ])('that put a line end at the end of %s', async (_, attack, expected) => {
    const { code } = await make(attack.replaceAll('ROOT', root));
    expect(code).toBe(expected);
    expect(existsSync(dest)).toBe(expected === 0);
  });

  test.each([
    ['that everybody can write', () => chmodSync(join(root, 'envs'), 0o777)],
    ['of another user', () => chownSync(join(root, 'envs'), builderId, 0)],
  ])('are not installed into a folder %s', async (_, spoil) => {
    spoil();
    const { code, stderr } = await make(':');
    expect([code, stderr]).toEqual([1, expect.stringContaining('others than root can write')]);
    expect(existsSync(join(root, 'witness/starts'))).toBe(false);
  });

  test('whose installation was cut off after root took over are installed again', async () => {
    mkdirSync(dest);
    writeFileSync(join(root, `envs/.incomplete-${BAKED_FLOWER}-none`), '');
    expect((await make(':')).code).toBe(0);
    expect(readdirSync(join(root, 'envs'))).toEqual([`${BAKED_FLOWER}-none`]);
  });

  test('that mark themselves as complete and never end are installed again', async () => {
    chownSync(join(root, 'witness'), builderId, builderId);
    mkdirSync(dest);
    writeFileSync(join(dest, '.complete'), '');
    for (const path of [dest, join(dest, '.complete')]) chownSync(path, builderId, builderId);
    expect((await make(':')).code).toBe(0);
    expect(readFileSync(join(root, 'witness/starts'), 'utf8')).not.toBe('');
    expect(lstatSync(dest).uid).toBe(0);
  });

  test('that leave a process behind have none once root takes over', async () => {
    const { code } = await make(
      `(trap '' TERM HUP; while :; do echo x >>${dest}/lib/later; sleep 0.01; done) >/dev/null 2>&1 & setsid sleep 600 >/dev/null 2>&1 &`,
    );
    expect(code).toBe(0);
    const left = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          return lstatSync(`/proc/${pid}`).uid === builderId;
        } catch {
          return false;
        }
      });
    expect(left).toEqual([]);
  });

  test('of a real index run as that user too: at the start of Python and when they are imported', async () => {
    const { code, stderr } = await makeFrom('wheel');
    expect([code, stderr]).toEqual([0, '']);
    const said = readFileSync(join(root, 'witness/real'), 'utf8').trim().split('\n');
    expect(new Set(said)).toEqual(new Set([`pth ${builderId}`, `import ${builderId}`]));
    expect(readFileSync(join(root, 'outside'), 'utf8')).toBe('as before');
  }, 120_000);

  test.each(['sdist', 'other wheel'] as const)(
    'of an index that has a %s are refused before any of their code runs',
    async (kind) => {
      const { code, stderr } = await makeFrom(kind);
      expect(code).toBe(1);
      expect(stderr).toMatch(/ERROR: .*(No matching distribution|DO NOT MATCH THE HASHES)/s);
      expect(existsSync(join(root, 'witness/real'))).toBe(false);
      expect(existsSync(dest)).toBe(false);
    },
    120_000,
  );

  test('cannot be installed by a user that does not exist', async () => {
    const { code, stderr } = await make(':', { BUILD_USER: 'no-such-user' });
    expect([code, stderr]).toEqual([1, expect.stringContaining('there is no user no-such-user')]);
    expect(existsSync(join(root, 'witness/starts'))).toBe(false);
  });
});

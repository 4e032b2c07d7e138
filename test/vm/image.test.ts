import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { rootOf } from '../support/vm/images.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

// What builds images, as a person calls it.

const BASE = process.env.BASE ?? 'debian-13';

const folders: string[] = [];
function folder(above: string): string {
  const made = mkdtempSync(join(above, 'flower-image-'));
  folders.push(made);
  return made;
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

function write(file: string, text: string, mode = 0o644): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

test('root.sh prints the path of a folder and nothing else, whatever the one-context package prints', () => {
  const work = folder(tmpdir());
  write(
    join(work, 'tree/DEBIAN/control'),
    'Package: one-context\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: prints\n',
  );
  write(join(work, 'tree/DEBIAN/postinst'), '#!/bin/sh\necho "Setting up the network"\n', 0o755);
  const file = join(work, 'one-context.deb');
  execFileSync('dpkg-deb', ['-b', join(work, 'tree'), file], { stdio: 'ignore' });

  // The layer below exists already; the one of this test is separate from those that other tests boot.
  const cache = join(REPOSITORY, process.env.IMAGE_CACHE ?? '.cache/image');
  rootOf('base');
  const layer = readdirSync(join(cache, BASE)).find((name) => /^base-.*\.tar$/.test(name))!;
  const apart = folder(cache);
  mkdirSync(join(apart, BASE));
  linkSync(join(cache, BASE, layer), join(apart, BASE, layer));

  const printed = execFileSync(join(REPOSITORY, 'appliance/image/root.sh'), ['base'], {
    env: { ...process.env, ONE_CONTEXT: file, IMAGE_CACHE: apart },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  expect(printed).toMatch(/^[^\n]+\n$/);
  const root = join(REPOSITORY, printed.trim().replace(`${REPOSITORY}/`, ''));
  expect(statSync(root).isDirectory()).toBe(true);
  expect(readFileSync(join(root, 'var/lib/dpkg/status'), 'utf8')).toContain('Package: one-context\n');
});

test('root.sh reports a ONE_CONTEXT that does not exist', () => {
  const { status, stdout, stderr } = spawnSync(join(REPOSITORY, 'appliance/image/root.sh'), ['base'], {
    env: { ...process.env, ONE_CONTEXT: '/nowhere/one-context.deb' },
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(
    /\/nowhere\/one-context\.deb, which does not exist; it must be the one-context package/,
  );
});

test('build.sh ends when the disk cannot be made, and leaves no image', () => {
  const copy = folder(tmpdir());
  for (const name of ['build.sh', 'lib.sh', 'sizes.sh'])
    cpSync(join(REPOSITORY, 'appliance/image', name), join(copy, 'appliance/image', name), {
      recursive: true,
    });
  write(join(copy, 'appliance/image/packages.txt'), '');
  write(join(copy, 'appliance/image/root.sh'), `#!/bin/sh\nmkdir -p root\necho root\n`, 0o755);
  write(
    join(copy, 'appliance/image/disk.sh'),
    '#!/bin/sh\n: >"$2"\necho "mke2fs: no space" >&2\nexit 1\n',
    0o755,
  );
  const { status, stderr } = spawnSync(join(copy, 'appliance/image/build.sh'), ['superlink'], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr.trim().split('\n').at(-1)).toBe('mke2fs: no space');
  expect(existsSync(join(copy, 'dist/flower-superlink.qcow2'))).toBe(false);
  expect(existsSync(join(copy, 'root.raw'))).toBe(false);
});

test('an image has no network settings of the machine that built it', () => {
  for (const role of ['base', 'superlink'] as const) {
    const root = rootOf(role);
    const text = (path: string): string => readFileSync(join(root, path), 'utf8');
    expect(lstatSync(join(root, 'etc/resolv.conf')).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(root, 'etc/resolv.conf'))).toBe('../run/systemd/resolve/stub-resolv.conf');
    expect(text('etc/hosts')).toBe('127.0.0.1 localhost\n::1 localhost\n127.0.1.1 flower\n');
    expect(text('etc/hostname')).toBe('flower\n');
    expect(text('etc/machine-id')).toBe('');
    expect(text('etc/apt/sources.list')).toMatch(
      /^deb http:\/\/(deb\.debian\.org\/debian|archive\.ubuntu\.com\/ubuntu) \w+ [\w -]+\n$/,
    );
    expect(readdirSync(join(root, 'var/lib/apt/lists'))).toEqual([]);
  }
});

// Which QEMU runs the VMs. Debian 12's 7.2 emulates cmpxchg16b wrongly: Linux 6.12 crashes in it. Where only an older one
// is installed, Debian 13's is taken out of its packages into .cache/image.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../zone/vm.ts';

const OLDEST = 8;

export interface Emulator {
  readonly file: string;
  /** The command line before QEMU's own options. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function emulator(): Emulator {
  const installed = majorVersion();
  if (installed !== undefined && installed >= OLDEST)
    return { file: 'qemu-system-x86_64', args: [], env: {} };
  const root = join(REPOSITORY, '.cache/image/qemu-trixie');
  if (!existsSync(root)) {
    rmSync(`${root}.new`, { recursive: true, force: true });
    mkdirSync(join(root, '..'), { recursive: true });
    const args = ['--quiet', '--mode=root', '--variant=minbase', '--include=qemu-system-x86,seabios'];
    const mirror = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';
    const lean = ['--aptopt=Apt::Install-Recommends "false"', '--dpkgopt=path-exclude=/usr/share/doc/*'];
    execFileSync('mmdebstrap', [...args, ...lean, 'trixie', `${root}.new`, mirror], { stdio: 'inherit' });
    renameSync(`${root}.new`, root);
  }
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
  const data = ['qemu', 'seabios'].flatMap((name) => ['-L', join(root, 'usr/share', name)]);
  return {
    file: join(root, 'lib64/ld-linux-x86-64.so.2'),
    args: ['--library-path', libraries, join(root, 'usr/bin/qemu-system-x86_64'), ...data],
    env: { QEMU_MODULE_DIR: join(libraries, 'qemu') },
  };
}

function majorVersion(): number | undefined {
  try {
    const text = execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' });
    return Number(/version (\d+)/.exec(text)?.[1]);
  } catch {
    return undefined;
  }
}

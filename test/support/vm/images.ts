// The images that tests boot, made by the same scripts as those for people; kept in .cache/image while nothing changes.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { REPOSITORY } from '../zone/vm.ts';

type Role = 'superlink' | 'supernode';

/** What ClientApps and ServerApps find in the image: as `make image` reads it. */
export const FRAMEWORK = process.env.FRAMEWORK ?? 'none';

/** The root file system of a role, as a folder; `base` is the system with one-context alone. */
export function rootOf(role: Role | 'base'): string {
  const script = join(REPOSITORY, 'appliance/image/root.sh');
  const args = role === 'base' ? [role] : [role, FRAMEWORK];
  const printed = execFileSync(script, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  return join(REPOSITORY, printed.trim());
}

/** A raw, sparse disk with it, that boots. */
export function diskOf(role: Role): string {
  const root = rootOf(role);
  const disk = `${root}.raw`;
  if (existsSync(disk)) return disk;
  const [cache, name] = [join(root, '..'), basename(root)];
  for (const other of readdirSync(cache))
    if (other.endsWith('.raw') && other.startsWith(name.replace(/-[^-]+$/, '-'))) rmSync(join(cache, other));
  execFileSync(join(REPOSITORY, 'appliance/image/disk.sh'), [root, `${disk}.new`], { stdio: 'inherit' });
  execFileSync('mv', [`${disk}.new`, disk]);
  return disk;
}

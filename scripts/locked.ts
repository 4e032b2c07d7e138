// Flower's versions: those that are locked, by the names of the lists, and that of the image (appliance/flower/baked).
import { readdirSync, readFileSync } from 'node:fs';
import { FRAMEWORKS } from '../src/config/frameworks.ts';

export const LOCKED_MODULE = 'src/config/locked.ts';

/** @internal The versions that are locked with every framework, oldest first. Throws if one is locked with some frameworks only. */
export function lockedVersions(): string[] {
  const names = readdirSync(new URL('../appliance/flower/locks', import.meta.url));
  const versions = new Set(names.flatMap((name) => /^([\d.]+)-\w+\.txt$/.exec(name)?.[1] ?? []));
  for (const version of versions)
    for (const framework of FRAMEWORKS)
      if (!names.includes(`${version}-${framework}.txt`))
        throw new Error(`Flower ${version} has no lock with ${framework}: appliance/flower/lock.py says why`);
  return [...versions].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** @internal The version of the image. Shell scripts, make and the install script read the same file. Throws if it is not locked. */
export function bakedVersion(): string {
  const version = readFileSync(new URL('../appliance/flower/baked', import.meta.url), 'utf8').trim();
  if (!lockedVersions().includes(version))
    throw new Error(
      `appliance/flower/baked names Flower ${version}, which is not locked: appliance/flower/lock.py ${version}`,
    );
  return version;
}

export const lockedModule = (): string =>
  [
    '// Made by `make generate` from appliance/flower: the names of the locks, and the file `baked`. Changes here are lost.',
    '',
    '/** The versions of Flower that can be installed, oldest first. */',
    'export const LOCKED_FLOWER: readonly string[] = [',
    ...lockedVersions().map((version) => `  '${version}',`),
    '];',
    '',
    '/** The version in the images of this release. */',
    `export const BAKED_FLOWER = '${bakedVersion()}';`,
    '',
  ].join('\n');

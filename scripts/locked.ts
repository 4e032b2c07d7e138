// The list of Flower's versions, from the names of the locked requirements.
import { readdirSync } from 'node:fs';
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

export const lockedModule = (): string =>
  [
    '// Made by `make generate` from the names in appliance/flower/locks; changes here are lost.',
    '',
    '/** The versions of Flower that can be installed, oldest first. */',
    'export const LOCKED_FLOWER: readonly string[] = [',
    ...lockedVersions().map((version) => `  '${version}',`),
    '];',
    '',
  ].join('\n');

// OpenNebula's sources, fetched into .cache/opennebula and compiled. This repository has no part of them.
//
// OPENNEBULA_SOURCE is a git directory of https://github.com/OpenNebula/one; without it the sources come from GitHub.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface Version {
  readonly name: string;
  /** A tag or a commit. */
  readonly ref: string;
}

/** The 6.10 series has no public tag: 6.9.80 is its beta. */
export const VERSIONS: readonly Version[] = [
  { name: '6.8.3', ref: 'release-6.8.3' },
  { name: '6.9.80', ref: 'release-6.9.80' },
  { name: '7.0.1', ref: 'release-7.0.1' },
  { name: '7.4.0', ref: 'release-7.4.0' },
  { name: '7.5.80', ref: 'f847cf2e9a78da302cd0344505f93eadc43a6d28' },
];

export interface Source {
  readonly version: Version;
  readonly folder: string;
  /** The program compiled from oned/oned.cc and the parsers of this version. */
  readonly oned: string;
}

const HERE = import.meta.dirname;
export const CACHE = resolve(HERE, '../../.cache/opennebula');

const WANTED = [
  'include',
  'src/cli',
  'src/common',
  'src/fireedge/src',
  'src/flow',
  'src/oca/ruby',
  'src/parsers',
  'src/sunstone/public/app/utils',
  'src/template',
];

const shell = (script: string, env: Record<string, string> = {}): void => {
  execFileSync('bash', ['-euo', 'pipefail', '-c', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
};

export function source(version: Version): Source {
  const folder = join(CACHE, version.name);
  if (!existsSync(join(folder, 'src/flow'))) fetchInto(folder, version.ref);
  const oned = join(folder, 'build/oned');
  compile(folder, oned);
  return { version, folder, oned };
}

function fetchInto(folder: string, ref: string): void {
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const git = process.env.OPENNEBULA_SOURCE;
  if (git === undefined)
    shell(
      // A version may lack one of the folders: tar then exits with 2.
      `curl -fsSL "https://codeload.github.com/OpenNebula/one/tar.gz/$REF" -o "$PART.tar.gz"
       tar -xzf "$PART.tar.gz" -C "$PART" --strip-components=1 --wildcards ${WANTED.map((path) => `'*/${path}/*'`).join(' ')} || [ -d "$PART/src/flow" ]
       rm "$PART.tar.gz"`,
      { REF: ref, PART: part },
    );
  else
    shell(
      `for path in ${WANTED.join(' ')}; do
         if [ -n "$(git --git-dir="$GIT" ls-tree "$REF" "$path")" ]; then git --git-dir="$GIT" archive "$REF" "$path" | tar -x -C "$PART"; fi
       done`,
      { GIT: git, REF: ref, PART: part },
    );
  renameSync(part, folder);
}

/** Headers of oned that oned.h replaces. */
const REPLACED = [
  'ImagePool',
  'Nebula',
  'UserPool',
  'VirtualMachine',
  'VirtualMachinePool',
  'VirtualNetworkPool',
];
const HEADERS = ['Attribute', 'NebulaUtil', 'SSLUtil', 'Template', 'mem_collector'];
const UNITS = [
  ...['template_parser', 'template_syntax', 'vm_var_parser', 'vm_var_syntax', 'mem_collector'].map(
    (name) => `src/parsers/${name}.cc`,
  ),
  'src/template/Template.cc',
  ...['Attribute', 'NebulaUtil', 'SSLUtil'].map((name) => `src/common/${name}.cc`),
];

/** OpenNebula's repository has the output of flex and bison, so a compiler is enough. */
function compile(folder: string, oned: string): void {
  const include = join(folder, 'build/include');
  rmSync(include, { recursive: true, force: true });
  mkdirSync(include, { recursive: true });
  for (const name of REPLACED) writeFileSync(join(include, `${name}.h`), '#include "oned.h"\n');
  for (const name of HEADERS) copyFileSync(join(folder, `include/${name}.h`), join(include, `${name}.h`));
  const parsers = join(folder, 'src/parsers');
  for (const name of readdirSync(parsers).filter((file) => /\.hh?$/.test(file)))
    copyFileSync(join(parsers, name), join(include, name));
  const here = join(HERE, 'oned');
  execFileSync(
    'g++',
    [
      ...['-std=c++17', '-w', `-I${here}`, `-I${include}`, '-I/usr/include/libxml2', join(here, 'oned.cc')],
      ...UNITS.map((unit) => join(folder, unit)),
      ...['-lxml2', '-lcrypto', '-lz', '-o', oned],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
}

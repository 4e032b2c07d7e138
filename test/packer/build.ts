// make packer: one real `packer build` with the QEMU builder, without KVM: from a base disk with one-context and the
// one-apps framework (stubs) to the disk of an appliance. Prints the path of that disk.
//
// Inside the VM no package index is reached; Flower comes from a folder of wheels that is copied in, as in an air-gapped
// site. Takes some minutes.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { emulator } from '../support/vm/emulator.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

const [role = 'superlink'] = process.argv.slice(2);
const name = `flower-${role}`;
const at = (...path: string[]): string => join(REPOSITORY, ...path);
const work = at('.cache/image/packer');
const sh = (file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string =>
  execFileSync(file, args, {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    env: { ...process.env, ...env },
  }).trim();

/** The base image that one-apps would have exported. */
function baseDisk(): string {
  const root = at(sh('appliance/image/root.sh', ['base']));
  const disk = `${root}.qcow2`;
  if (existsSync(disk)) return disk;
  sh('appliance/image/disk.sh', [root, `${disk}.raw`]);
  sh('qemu-img', ['convert', '-O', 'qcow2', `${disk}.raw`, disk]);
  rmSync(`${disk}.raw`);
  return disk;
}

/** appliances/NAME of a marketplace checkout, with the package and the wheels that a builder puts there. */
function sources(): string {
  const folder = join(work, 'sources');
  mkdirSync(folder);
  for (const file of ['appliance/install.sh', 'appliance/one-appliance/appliance.sh'])
    sh('cp', [file, `${folder}/`]);
  const packages = readdirSync(at('dist')).filter((file) => file.endsWith('.deb'));
  if (packages.length !== 1)
    throw new Error(`one package is expected in dist, found ${packages.length}: make clean deb`);
  sh('cp', [`dist/${packages[0]}`, `${folder}/`]);
  sh('cp', [
    '-r',
    join('.cache/wheels', process.env.BASE ?? 'debian-13', `${BAKED_FLOWER}-none`),
    join(folder, 'wheels'),
  ]);
  return folder;
}

/** Packer needs one program; a script, where the unpacked one has a loader of its own. */
function qemuProgram(): string {
  const { file, args, env } = emulator();
  const program = join(work, 'qemu-system-x86_64');
  const quoted = [file, ...args].map((word) => `'${word}'`).join(' ');
  const exports = Object.entries(env).map(([key, value]) => `export ${key}='${value}'\n`);
  writeFileSync(program, `#!/bin/sh\n${exports.join('')}exec ${quoted} "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}

const base = baseDisk();
rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
const input = join(work, name);
cpSync(at('appliance/packer/flower'), input, { recursive: true });
// Packer 1.6 does not know what is in it.
rmSync(join(input, 'plugins.pkr.hcl'));
const variables = {
  appliance_name: name,
  input_dir: input,
  output_dir: join(work, 'output'),
  base,
  sources: sources(),
  framework_dir: at('test/support/one-appliance'),
  postprocess: at('test/packer/postprocess.sh'),
  accelerator: 'tcg',
  cpu: 'max',
  qemu_binary: qemuProgram(),
  disk_size: '2048M',
};
const args = Object.entries(variables).flatMap(([key, value]) => ['-var', `${key}=${value}`]);
const env = { ...process.env, CHECKPOINT_DISABLE: '1', PACKER_CACHE_DIR: join(work, 'cache') };
for (const command of ['validate', 'build'])
  execFileSync('packer', [command, ...args, input], { cwd: work, stdio: ['ignore', 2, 2], env });
console.log(join(work, 'output', name));

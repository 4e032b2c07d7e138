import { join } from 'node:path';
import { exists, remove, writeAtomic } from '../../host/files.ts';
import { freeSpaceAt } from '../../host/host.ts';
import { type Check, type CheckFinding, none, ok, problem, warning } from '../check.ts';
import type { VmSnapshot } from '../snapshot.ts';

const MIB = 1024 * 1024;
/** Flower's database and a model's checkpoints grow; the agent itself needs a few KiB. */
const LITTLE = 512 * MIB;
const TOO_LITTLE = 32 * MIB;
const LITTLE_FILES = 1_000;

/** The persistent folders of agent and Flower can be written and have free space. */
export const disk: Check = {
  id: 'disk',
  title: 'disk',
  needs: 'context',
  run(vm) {
    const { state, flowerState } = vm.machine.paths;
    if (!exists(state)) return [none(`${state} does not exist: no boot has created it yet`)];
    const separate = freeSpaceAt(state)?.bytes !== freeSpaceAt(flowerState)?.bytes;
    return [...writable(vm, state), ...freeSpace(state), ...(separate ? freeSpace(flowerState) : [])];
  },
};

function freeSpace(path: string): CheckFinding[] {
  const found = freeSpaceAt(path);
  if (found === undefined) return [];
  const free = `${formatBytes(found.bytes)} free in ${path}`;
  const remedy = 'free disk space (`df -h`, `du -xh / | sort -h | tail`), or enlarge the disk';
  if (found.bytes < TOO_LITTLE) return [problem(`only ${free}`, remedy, 'state_unwritable')];
  if (found.files < LITTLE_FILES)
    return [warning(`only ${found.files} more files fit into ${path}`, 'remove files (`df -i`)')];
  return [found.bytes < LITTLE ? warning(`only ${free}`, remedy) : ok(free)];
}

/** Writes a file and removes it: the only change that a check makes. Throws Problem state_unwritable. */
function writable({ machine }: VmSnapshot, path: string): CheckFinding[] {
  const file = join(path, '.doctor');
  writeAtomic(file, machine.clock.now().toISOString(), { mode: 0o600 });
  remove(file);
  return [ok('writable')];
}

const formatBytes = (bytes: number): string =>
  bytes >= 1024 * MIB ? `${(bytes / 1024 / MIB).toFixed(1)} GiB` : `${Math.floor(bytes / MIB)} MiB`;

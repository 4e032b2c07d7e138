import { join } from 'node:path';
import { freeSpaceAt } from '../../host/disk.ts';
import { exists, remove, writeAtomic } from '../../host/files.ts';
import { type Check, type Finding, none, ok, warning, wrong } from '../check.ts';
import type { VmSnapshot } from '../snapshot.ts';

const MIB = 1024 * 1024;
/** Flower's database and a model's checkpoints grow; the agent itself needs a few KiB. */
const LITTLE = 512 * MIB;
const TOO_LITTLE = 32 * MIB;
const LITTLE_FILES = 1_000;

/** Room and the right to write where agent and Flower keep what has to survive. */
export const disk: Check = {
  id: 'disk',
  title: 'disk',
  run(scene) {
    const { state, flowerState } = scene.machine.paths;
    if (!exists(state)) return [none(`${state} is not there yet: no boot has made it`)];
    const findings = [...writable(scene, state), ...room(state)];
    if (freeSpaceAt(state)?.bytes !== freeSpaceAt(flowerState)?.bytes) findings.push(...room(flowerState));
    const bad = findings.filter(({ verdict }) => verdict !== 'ok');
    return bad.length > 0 ? bad : [ok(findings.map(({ found }) => found).join('; '))];
  },
};

function room(path: string): Finding[] {
  const found = freeSpaceAt(path);
  if (found === undefined) return [];
  const free = `${formatBytes(found.bytes)} free in ${path}`;
  const remedy = 'free space (`df -h`, `du -xh / | sort -h | tail`), or enlarge the disk';
  if (found.bytes < TOO_LITTLE) return [wrong(`only ${free}`, remedy, 'state_unwritable')];
  if (found.files < LITTLE_FILES)
    return [warning(`only ${found.files} more files fit into ${path}`, 'remove files (`df -i`)')];
  return found.bytes < LITTLE ? [warning(`only ${free}`, remedy)] : [ok(free)];
}

/** The only trace a check leaves, and it is gone at once. Throws Problem state_unwritable. */
function writable({ machine }: VmSnapshot, path: string): Finding[] {
  const file = join(path, '.doctor');
  writeAtomic(file, machine.clock.now().toISOString(), { mode: 0o600 });
  remove(file);
  return [ok('can be written')];
}

const formatBytes = (bytes: number): string =>
  bytes >= 1024 * MIB ? `${(bytes / 1024 / MIB).toFixed(1)} GiB` : `${Math.floor(bytes / MIB)} MiB`;

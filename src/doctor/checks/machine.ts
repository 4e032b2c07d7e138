// The clock and the disk of this VM.
import { join } from 'node:path';
import { Problem } from '../../core/problem.ts';
import { acceptsClock } from '../../flower/probe.ts';
import { exists, remove, writeAtomic } from '../../host/files.ts';
import { freeSpaceAt } from '../../host/host.ts';
import { type Check, type CheckFinding, none, ok, problem, warning } from '../check.ts';
import { fleetEndpoint, type VmSnapshot } from '../snapshot.ts';

/** Half of the 5 s that Flower accepts. OneGate's Date has whole seconds, and the request takes time. */
const TOLERATED_MS = 2_500;
const PER_CALL_MS = 4_000;
const SYNCHRONISE = 'start time synchronisation (`timedatectl set-ntp true`) on both';

/** This VM's clock against its image, against those of OneGate and of the SuperLink, and whether it is synchronised. */
export const clock: Check = {
  id: 'clock',
  needs: 'context',
  async run(vm) {
    const all = await Promise.all([
      againstImage(vm),
      synchronised(vm),
      againstOneGate(vm),
      againstSuperLink(vm),
    ]);
    const findings = all.filter((one) => one !== undefined);
    return findings.length > 0 ? findings : [none(`${vm.now.toISOString()}; no other clock to compare with`)];
  },
};

/** A SuperLink's check of the certificate dates says the same. */
async function againstImage({ image, role, now }: VmSnapshot): Promise<CheckFinding | undefined> {
  if (image instanceof Problem || image.built === undefined || now >= image.built) return undefined;
  if (role === 'superlink') return undefined;
  const found = `${now.toISOString()} is earlier than the image, which was built on ${image.built.toISOString()}`;
  return problem(found, 'correct it (`timedatectl`; `timedatectl set-ntp true`)', 'clock_off');
}

async function synchronised({ machine }: VmSnapshot): Promise<CheckFinding | undefined> {
  if ((await machine.host.clockSynchronised()) !== false) return undefined;
  return warning(
    'nothing synchronises it',
    'start time synchronisation (`timedatectl set-ntp true`)',
    'clock_off',
  );
}

async function againstOneGate(vm: VmSnapshot): Promise<CheckFinding | undefined> {
  await vm.vm().catch(() => undefined);
  const ahead = vm.aheadOfOneGate();
  if (ahead === undefined) return undefined;
  if (Math.abs(ahead) <= TOLERATED_MS) return ok("agrees with OneGate's clock");
  const offset = `${(Math.abs(ahead) / 1_000).toFixed(1)} s ${ahead > 0 ? 'ahead of' : 'behind'}`;
  return warning(`${offset} OneGate's`, SYNCHRONISE, 'clock_off');
}

/** Without an answer nothing is said here: the check of the certificate reports why the SuperLink does not answer. */
async function againstSuperLink(vm: VmSnapshot): Promise<CheckFinding | undefined> {
  const fleet = fleetEndpoint(vm);
  if (vm.role !== 'supernode' || fleet === undefined || vm.plan === undefined) return undefined;
  const { endpoint, caFile, ca = null } = fleet;
  if (caFile !== undefined && ca === null) return undefined;
  const target = { ...endpoint, ca };
  const accepted = await acceptsClock(target, vm.plan.transport, PER_CALL_MS, vm.now.getTime()).catch(
    () => undefined,
  );
  if (accepted === undefined) return undefined;
  if (accepted) return ok('the SuperLink accepts it');
  return problem(
    'more than 5 s ahead of or 305 s behind the SuperLink: Flower refuses the calls of this node',
    SYNCHRONISE,
    'clock_off',
  );
}

const MIB = 1024 * 1024;
/** Flower's database and a model's checkpoints grow; the agent itself needs a few KiB. */
const LITTLE = 512 * MIB;
const TOO_LITTLE = 32 * MIB;
const LITTLE_FILES = 1_000;

/** The persistent folders of agent and Flower can be written and have free space. */
export const disk: Check = {
  id: 'disk',
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

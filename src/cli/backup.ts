// Saves what a VM cannot make again, and puts it back. Root never opens a file in a directory of Flower: that part is read
// and written by a process of Flower's user, with the sandbox of its unit (appliance/lib/flower-backup.py).
import { join } from 'node:path';
import * as z from 'zod';
import { EXIT } from '../core/exit.ts';
import { parseJson } from '../core/json.ts';
import { Problem } from '../core/problem.ts';
import { ROLES } from '../core/role.ts';
import { stateDirectory } from '../flower/directories.ts';
import { unitOf } from '../flower/state-file.ts';
import { ensureFolder, exists, readText, remove, writeAtomic } from '../host/files.ts';
import { takeLock } from '../host/lock.ts';
import type { Machine } from '../host/machine.ts';
import { run } from '../host/process.ts';
import { type Files, runInSandbox } from '../host/sandbox.ts';
import { unitState } from '../host/systemd.ts';
import type { Image } from '../vm/image.ts';
import { loadImage } from '../vm/load.ts';
import { defineCommand, UsageError } from './command.ts';
import { demandImage } from './context-source.ts';
import { printText } from './terminal.ts';

/** The files of a backup. */
const MANIFEST = 'manifest.json';
const AGENT = 'agent.tar';
const FLOWER = 'flower.tar';

const manifest = z.object({
  version: z.literal(1),
  role: z.enum(ROLES),
  flower: z.string(),
  made: z.string(),
});

export const backup = defineCommand({
  name: 'backup',
  summary: 'Save keys, certificates and the state of Flower in a new folder',
  args: ['FOLDER'],
  options: {},
  text: 'Flower may be running: its database is copied with the backup of SQLite. The folder, which only root can read, gets manifest.json, agent.tar (keys and certificates) and flower.tar (database, runs, checkpoints). It contains private keys: store it encrypted.',
  examples: [['flower-context backup /root/superlink', 'Save the state of a SuperLink']],
  async run({ machine, args }) {
    const folder = args[0]!;
    const image = imageOf(machine);
    if (exists(folder)) throw new UsageError(`${folder} exists; name a new folder`);
    ensureFolder(folder, { mode: 0o700 });
    const { tls, state } = machine.paths;
    // It exists with this mode before tar fills it.
    writeAtomic(join(folder, AGENT), '', { mode: 0o600 });
    await tar('saving the keys and certificates', [
      '-C',
      state,
      '-cf',
      join(folder, AGENT),
      ...(exists(tls) ? ['tls'] : ['-T', '/dev/null']),
    ]);
    await flowerPart(machine, image, 'save', { output: join(folder, FLOWER) });
    const { role, flower } = image;
    const made = { version: 1, role, flower: flower.version, made: machine.clock.now().toISOString() };
    writeAtomic(join(folder, MANIFEST), `${JSON.stringify(made)}\n`, { mode: 0o600 });
    printText(`saved in ${folder}: ${MANIFEST}, ${AGENT}, ${FLOWER}`);
    return EXIT.ok;
  },
});

export const restore = defineCommand({
  name: 'restore',
  summary: 'Replace keys, certificates and the state of Flower by those of a backup',
  args: ['FOLDER'],
  options: {},
  text: 'The agent and Flower must be stopped. The VM has the same role as the one of the backup, and the same Flower or a newer one.',
  examples: [
    ['systemctl stop flower-context flower-superlink', 'Stop the agent and Flower first'],
    ['flower-context restore /root/superlink', 'Then restore, and start the agent again'],
  ],
  async run({ machine, args }) {
    const folder = args[0]!;
    const image = imageOf(machine);
    const saved = parseJson(readText(join(folder, MANIFEST)), manifest);
    if (saved === undefined)
      throw new UsageError(`${folder} is not a complete backup: ${MANIFEST} cannot be used`);
    if (saved.role !== image.role)
      throw new UsageError(`the backup is of a ${saved.role}, and this VM is a ${image.role}`);
    const unit = unitOf(image.role);
    const { active } = await unitState(unit);
    if (!['inactive', 'failed'].includes(active) || !takeLock(machine.paths.lock))
      throw new UsageError(`the agent or Flower runs; first \`systemctl stop flower-context ${unit}\``);
    const { checkpoint, state, tls } = machine.paths;
    remove(checkpoint);
    await succeed('removing the keys and certificates', 'rm', ['-rf', tls]);
    await tar('restoring the keys and certificates', ['-C', state, '-xpf', join(folder, AGENT)]);
    await flowerPart(machine, image, 'load', { input: join(folder, FLOWER) });
    printText('restored; start it with `systemctl start flower-context`');
    return EXIT.ok;
  },
});

function imageOf(machine: Machine): Image {
  demandImage(machine);
  const image = loadImage(machine);
  if (image instanceof Problem) throw image;
  return image;
}

/** Saves or loads the directory of Flower, as its user. */
async function flowerPart(
  { paths }: Machine,
  { role }: Image,
  action: 'save' | 'load',
  files: Files,
): Promise<void> {
  const program = ['/usr/bin/python3', '-I', paths.backup, action, stateDirectory(paths, role)] as const;
  const { status, said } = await runInSandbox(unitOf(role), program, files);
  if (status === 0) return;
  const reason = said.trim().split('\n').at(-1) || `the status ${status}`;
  throw failed(`${action === 'save' ? 'saving' : 'restoring'} the state of Flower`, reason);
}

const tar = (doing: string, args: readonly string[]): Promise<void> => succeed(doing, 'tar', args);

async function succeed(doing: string, program: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(program, args);
  if (code !== 0) throw failed(doing, stderr.trim() || `the status ${code}`);
}

const failed = (doing: string, found: string): Problem =>
  new Problem('state_unwritable', {
    doing,
    found,
    remedy: 'check that root runs it and that the disk has free space (`df -h`), then run it again',
  });

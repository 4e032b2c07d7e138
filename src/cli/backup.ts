// Saves what a VM cannot make again, and puts it back. Root never opens a file in a directory of Flower or of apps: those
// parts are read and written by a process of their user, with the sandbox of its unit (appliance/lib/flower-backup.py).
import { join } from 'node:path';
import * as z from 'zod';
import { Checkpoint } from '../boot/checkpoint.ts';
import { EXIT } from '../core/exit.ts';
import { parseJson } from '../core/json.ts';
import { Problem } from '../core/problem.ts';
import { ROLES } from '../core/role.ts';
import { textLines } from '../core/text.ts';
import { isOlder } from '../core/version.ts';
import { stateDirectory } from '../flower/directories.ts';
import { installedVersions } from '../flower/environment.ts';
import { readPlan } from '../flower/plan.ts';
import { unitOf } from '../flower/state-file.ts';
import { SUPEREXEC_UNIT } from '../flower/superexec.ts';
import {
  archiveProblem,
  makeNewFolder,
  packFolder,
  removeFolder,
  replaceFolder,
  sizeOf,
  unpackInto,
} from '../host/archive.ts';
import { ensureFolder, exists, listFolder, readText, remove, writeAtomic } from '../host/files.ts';
import { takeLock } from '../host/lock.ts';
import type { Machine } from '../host/machine.ts';
import type { Paths } from '../host/paths.ts';
import { type Files, runInSandbox } from '../host/sandbox.ts';
import { unitState } from '../host/systemd.ts';
import type { Image } from '../vm/image.ts';
import { loadImage } from '../vm/load.ts';
import { defineCommand, UsageError } from './command.ts';
import { demandImage } from './context-source.ts';
import { printErrorText, printText } from './terminal.ts';

/** The files of a backup. */
const MANIFEST = 'manifest.json';
const AGENT = 'agent.tar';
const FLOWER = 'flower.tar';
const APPS = 'apps.tar';
/** The status of flower-backup.py when it names files that it could not save as they are. */
const INCOMPLETE = 10;

const manifest = z.lazy(() =>
  z.object({
    version: z.literal(1),
    role: z.enum(ROLES),
    flower: z.string(),
    made: z.string(),
    /** Bytes of each archive: one that was cut short is not used. */
    files: z.object({ [AGENT]: z.int(), [FLOWER]: z.int(), [APPS]: z.optional(z.int()) }),
  }),
);

/** A folder that is not root's. */
interface Part {
  readonly file: string;
  readonly what: string;
  readonly unit: string;
  readonly folder: string;
  /** A database in it without which a backup has no use. */
  readonly database?: string | undefined;
}

export const backup = defineCommand({
  name: 'backup',
  summary: 'Save keys, certificates and the state of Flower in a new folder',
  args: ['FOLDER'],
  options: {},
  text: 'Flower may be running: its database is copied with the backup of SQLite. The folder, which only root can read, gets manifest.json, agent.tar (keys and certificates), flower.tar (database, runs, checkpoints) and, with FL_ISOLATION=process, apps.tar (checkpoints, unpacked apps). It contains private keys: store it encrypted.\n\nFiles of apps that cannot be saved are named as a warning; the exit status is 0.',
  examples: [['flower-context backup /root/superlink', 'Save the state of a SuperLink']],
  async run({ machine, args }) {
    const image = imageOf(machine);
    const made = makeNewFolder(args[0]!);
    if (typeof made === 'string') throw new UsageError(made);
    try {
      const { state } = machine.paths;
      packFolder('saving the keys and certificates', state, 'tls', join(made.path, AGENT));
      const parts = partsOf(machine, image).filter(({ file, folder }) => file === FLOWER || exists(folder));
      for (const part of parts) {
        const warnings = await inSandbox(machine, part, 'save', { output: join(made.path, part.file) });
        if (warnings.length > 0)
          printErrorText(['warning: not saved as they are:', ...warnings].join('\n  '));
      }
      const names = [AGENT, ...parts.map(({ file }) => file)];
      const text = JSON.stringify({
        version: 1,
        role: image.role,
        // FLOWER_VERSION may ask for another one than that of the image.
        flower: readPlan(machine.paths)?.flower_version ?? image.flower.version,
        made: machine.clock.now().toISOString(),
        files: Object.fromEntries(names.map((name) => [name, sizeOf(join(made.path, name))])),
      });
      writeAtomic(join(made.path, MANIFEST), `${text}\n`, { mode: 0o600 });
      printText(`saved in ${args[0]}: ${[MANIFEST, ...names].join(', ')}`);
    } finally {
      made.close();
    }
    return EXIT.ok;
  },
});

export const restore = defineCommand({
  name: 'restore',
  summary: 'Replace keys, certificates and the state of Flower by those of a backup',
  args: ['FOLDER'],
  options: {},
  text: 'The agent and Flower must be stopped. The VM has the same role as the one of the backup, and the same Flower or a newer one. All archives are unpacked first, beside what they replace: this needs space for both. If one cannot be used, nothing changes.',
  examples: [
    ['systemctl stop flower-context flower-superlink', 'Stop the agent and Flower first'],
    ['flower-context restore /root/superlink', 'Then restore, and start the agent again'],
  ],
  async run({ machine, args }) {
    const folder = args[0]!;
    const image = imageOf(machine);
    const saved = checkedManifest(folder, image, machine.paths);
    const unit = unitOf(image.role);
    for (const { active } of [await unitState(unit), await unitState(SUPEREXEC_UNIT)])
      if (!['inactive', 'failed'].includes(active)) throw running(unit);
    if (!takeLock(machine.paths.lock)) throw running(unit);
    const { checkpoint, state, tls } = machine.paths;
    const parts = partsOf(machine, image).filter(({ file }) => file in saved.files);
    const beside = join(state, 'restore');
    removeFolder(beside);
    ensureFolder(beside, { mode: 0o700 });
    try {
      unpackInto('unpacking the keys and certificates', join(folder, AGENT), beside);
      const others = listFolder(beside).filter((name) => name !== 'tls');
      if (others.length > 0)
        throw archiveProblem('unpacking the keys and certificates', 'it has other files, too');
      for (const part of parts) await inSandbox(machine, part, 'unpack', { input: join(folder, part.file) });
      remove(checkpoint);
      if (image.role === 'superlink')
        new Checkpoint(checkpoint, machine.clock.now()).rememberDatabase({ flower: saved.flower });
      // Flower's database after what belongs to it, and the keys last.
      for (const part of parts.toReversed()) await inSandbox(machine, part, 'replace');
      replaceFolder(join(beside, 'tls'), tls);
    } catch (error) {
      for (const part of parts) await inSandbox(machine, part, 'clean').catch(() => undefined);
      throw error;
    } finally {
      removeFolder(beside);
    }
    printText('restored; start it with `systemctl start flower-context`');
    return EXIT.ok;
  },
});

const running = (unit: string): UsageError =>
  new UsageError(`the agent or Flower runs; first \`systemctl stop flower-context ${unit}\``);

/** What a backup says about itself, if it is whole and for this VM. */
function checkedManifest(folder: string, image: Image, paths: Paths): z.output<typeof manifest> {
  const saved = parseJson(readText(join(folder, MANIFEST)), manifest);
  if (saved === undefined)
    throw new UsageError(`${folder} is not a complete backup: ${MANIFEST} cannot be used`);
  if (saved.role !== image.role)
    throw new UsageError(`the backup is of a ${saved.role}, and this VM is a ${image.role}`);
  const versions = [image.flower.version, ...installedVersions(paths)];
  if (versions.every((version) => isOlder(version, saved.flower)))
    throw new UsageError(
      `the backup is of Flower ${saved.flower}, and this VM has the older ${image.flower.version}`,
    );
  for (const [name, bytes] of Object.entries(saved.files)) {
    const found = sizeOf(join(folder, name));
    if (found !== bytes)
      throw new UsageError(
        `${folder} is damaged: ${name} ${found === undefined ? 'cannot be found' : `has ${found} bytes`}, expected ${bytes} bytes`,
      );
  }
  return saved;
}

function imageOf(machine: Machine): Image {
  demandImage(machine);
  const image = loadImage(machine);
  if (image instanceof Problem) throw image;
  return image;
}

function partsOf({ paths }: Machine, { role }: Image): Part[] {
  const argv = readPlan(paths)?.argv ?? [];
  return [
    {
      file: FLOWER,
      what: 'the state of Flower',
      unit: unitOf(role),
      folder: stateDirectory(paths, role),
      database: argv.includes('--database') ? argv[argv.indexOf('--database') + 1] : undefined,
    },
    { file: APPS, what: 'the state of apps', unit: SUPEREXEC_UNIT, folder: paths.superexecState },
  ];
}

const DOING = { save: 'saving', unpack: 'unpacking', replace: 'replacing', clean: 'cleaning up' };

/** Runs flower-backup.py as the user of the part. Returns what it could not save, as lines. */
async function inSandbox(
  { paths }: Machine,
  { what, unit, folder, database }: Part,
  action: keyof typeof DOING,
  files: Files = {},
): Promise<string[]> {
  const more = action === 'save' && database !== undefined ? [database] : [];
  const program = ['/usr/bin/python3', '-I', paths.backup, action, folder, ...more] as const;
  const { status, said } = await runInSandbox(unit, program, files);
  if (status === 0) return [];
  if (status === INCOMPLETE) return textLines(said);
  throw archiveProblem(`${DOING[action]} ${what}`, textLines(said).at(-1) ?? `the status ${status}`);
}

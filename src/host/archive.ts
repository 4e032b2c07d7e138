// Archives of what root owns, and the folder that they are written to. All names in that folder go through one descriptor: who
// can write in its parent can exchange the folder, and would get the keys.
import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Problem } from '../core/problem.ts';
import { unlessError } from '../core/result.ts';
import { plain } from '../core/text.ts';
import { describeError, errorCode } from './errno.ts';
import { exists } from './files.ts';
import { ourIds } from './machine.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** What went wrong with a backup or a restore. */
export const archiveProblem = (doing: string, found: string): Problem =>
  new Problem('state_unwritable', {
    doing,
    found,
    remedy: 'check that root runs it and that the disk has free space (`df -h`), then run it again',
  });

function reporting<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw archiveProblem(doing, describeError(error));
  }
}

/** A folder that this process has made, open. */
export interface NewFolder {
  /** A path to it that stays right when its name is given to something else. */
  readonly path: string;
  close(): void;
}

/**
 * Makes a folder that only this user can read. Its parent must exist. A text: why the name cannot be used.
 * @throws Problem state_unwritable
 */
export function makeNewFolder(given: string): NewFolder | string {
  const path = resolve(given);
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') return `${given} exists; name a new folder`;
    if (code === 'ENOENT' || code === 'ENOTDIR') return `the folder that ${given} would be in does not exist`;
    throw archiveProblem(`creating the folder ${given}`, describeError(error));
  }
  const descriptor = reporting(`opening ${given}`, () => openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  const { uid, mode } = fstatSync(descriptor);
  if (uid === ourIds().uid && (mode & 0o077) === 0)
    return { path: `/proc/self/fd/${descriptor}`, close: () => closeSync(descriptor) };
  closeSync(descriptor);
  return `another user has exchanged ${given}; name a folder in one that only root can write`;
}

/** Bytes of a file; undefined when there is none. */
export const sizeOf = (path: string): number | undefined => unlessError(() => statSync(path).size);

/** Writes the folder `name` in `parent`, if it exists, to a new file. @throws Problem state_unwritable */
export function packFolder(doing: string, parent: string, name: string, file: string): void {
  const names = exists(resolve(parent, name)) ? [name] : ['-T', '/dev/null'];
  const output = reporting(doing, () => openSync(file, O_WRONLY | O_CREAT | O_EXCL, 0o600));
  tar(doing, ['-C', parent, '-cf', '-', ...names], ['ignore', output, 'pipe'], output);
}

/** Unpacks a file that packFolder has written. @throws Problem state_unwritable */
export function unpackInto(doing: string, file: string, folder: string): void {
  const input = reporting(doing, () => openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  tar(doing, ['-C', folder, '-xpf', '-'], [input, 'ignore', 'pipe'], input);
}

function tar(
  doing: string,
  args: readonly string[],
  stdio: [number | 'ignore', number | 'ignore', 'pipe'],
  descriptor: number,
): void {
  const { status, stderr, error } = spawnSync('tar', args, { stdio });
  closeSync(descriptor);
  if (error !== undefined) throw archiveProblem(doing, describeError(error));
  if (status !== 0) throw archiveProblem(doing, plain(stderr.toString()) || `the status ${status}`);
}

/** Removes a folder of root's with its content. @throws Problem state_unwritable */
export const removeFolder = (path: string): void =>
  reporting(`removing ${path}`, () => rmSync(path, { recursive: true, force: true }));

/** Moves `source` (which may not exist) to `target`. What was there is removed last, and stays after an error. */
export function replaceFolder(source: string, target: string): void {
  const before = `${target}.before`;
  reporting(`replacing ${target}`, () => {
    // A power cut.
    if (!exists(target) && exists(before)) renameSync(before, target);
    rmSync(before, { recursive: true, force: true });
    if (exists(target)) renameSync(target, before);
    try {
      if (exists(source)) renameSync(source, target);
    } catch (error) {
      unlessError(() => renameSync(before, target));
      throw error;
    }
    rmSync(before, { recursive: true, force: true });
  });
}

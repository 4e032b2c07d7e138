// Files. Synchronous on purpose: every file is small, and the state after an interrupted boot is easier to predict when it
// writes one file after the other.
import {
  chmodSync,
  chownSync,
  existsSync,
  type FSWatcher,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Problem } from '../core/problem.ts';
import { unlessError } from '../core/result.ts';
import { describeError, errorCode } from './errno.ts';
import { closing, readText, unlessUnfit } from './read.ts';

export { readBytes, readText, unlessUnfit } from './read.ts';

/** Mode and owner of a file or folder. An undefined `owner` stays as it is. */
export interface Access {
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

/** `durable: false` for files in /run, which a power cut deletes anyway. */
export type FileAccess = Access & { readonly durable?: boolean };

/** What `work` returns. Its error becomes a Problem state_unwritable. */
function reporting<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Problem('state_unwritable', { doing, found: describeError(error), cause: error });
  }
}

let serial = 0;

/** The name of a file while it is written, in the same folder: `.NAME.PID-N`. */
const temporaryName = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${process.pid}-${serial++}`);
const TEMPORARY = /^\..+\.\d+-\d+$/;

/** Removes temporary files that a power cut left in a folder in which only the agent writes. */
export function removeLeftovers(folder: string): void {
  for (const name of listFolder(folder)) if (TEMPORARY.test(name)) discard(join(folder, name));
}

/** Removes the temporary file of a failed write. The first error is the one to report. */
const discard = (path: string): void => unlessError(() => remove(path));

/** Makes a file or link under a temporary name and renames it to `path`. */
function replace(path: string, make: (beside: string) => void): void {
  const beside = temporaryName(path);
  try {
    make(beside);
    takeName(beside, path);
  } catch (error) {
    discard(beside);
    throw error;
  }
}

/** A rename replaces everything but a directory, which is set aside. */
function takeName(beside: string, path: string): void {
  try {
    renameSync(beside, path);
  } catch (error) {
    if (errorCode(error) !== 'EISDIR') throw error;
    quarantine(path, new Date());
    renameSync(beside, path);
  }
}

/**
 * Writes a file whole or not at all: a temporary file beside it gets mode and owner before content, is forced to the
 * disk (unless `durable` is false), and is renamed.
 */
export function writeAtomic(path: string, content: string | Buffer, access: FileAccess): void {
  const flush = access.durable !== false;
  reporting(`writing ${path}`, () => {
    replace(path, (beside) =>
      closing(openSync(beside, 'wx', access.mode), (descriptor) => {
        own(beside, access);
        writeFileSync(descriptor, content, { flush });
      }),
    );
    if (flush) closing(openSync(dirname(path), 'r'), fsyncSync);
  });
}

/** Like writeAtomic, but keeps a file (and its times) that is right already. True if written. */
export function writeIfChanged(path: string, content: string, access: FileAccess): boolean {
  const isFile = unlessError(() => !lstatSync(path).isSymbolicLink()) ?? false;
  if (isFile && unlessUnfit(() => readText(path)) === content && hasAccess(path, access)) return false;
  writeAtomic(path, content, access);
  return true;
}

function hasAccess(path: string, { mode, owner }: Access): boolean {
  const { mode: found, uid, gid } = statSync(path);
  return (found & 0o7777) === mode && (owner === undefined || (uid === owner.uid && gid === owner.gid));
}

function own(path: string, { mode, owner }: Access): void {
  chmodSync(path, mode);
  if (owner !== undefined && !hasAccess(path, { mode, owner })) chownSync(path, owner.uid, owner.gid);
}

/** Creates a folder with its parents (those 0755) and corrects mode and owner. True if anything was changed. */
export const ensureFolder = (path: string, access: Access): boolean =>
  reporting(`creating the folder ${path}`, () => {
    if (existsSync(path) && hasAccess(path, access)) return false;
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    mkdirSync(path, { recursive: true, mode: access.mode });
    own(path, access);
    return true;
  });

/** Points a symbolic link at `target` in one step. True if it pointed elsewhere before. */
export function pointLink(path: string, target: string): boolean {
  if (linkTarget(path) === target) return false;
  reporting(`linking ${path} to ${target}`, () => replace(path, (beside) => symlinkSync(target, beside)));
  return true;
}

export const linkTarget = (path: string): string | undefined => unlessError(() => readlinkSync(path));

/** The target of a path through all links; undefined when it does not exist. */
export const realPath = (path: string): string | undefined => unlessError(() => realpathSync(path));

/** Renames a damaged file, or what else has its name, and keeps it for a person; returns its new path. Replaces nothing. */
export function quarantine(path: string, now: Date): string {
  const dated = `${path}.damaged-${now.toISOString().replaceAll(':', '')}`;
  let target = dated;
  for (let copy = 2; existsSync(target); copy++) target = `${dated}-${copy}`;
  reporting(`renaming the damaged ${path}`, () => renameSync(path, target));
  return target;
}

/** Removes a file or link, if it exists. */
export const remove = (path: string): void =>
  reporting(`removing ${path}`, () => rmSync(path, { force: true }));

export const exists = (path: string): boolean => existsSync(path);

/** When the content of a file was last written. */
export const modifiedAt = (path: string): Date | undefined => unlessError(() => lstatSync(path).mtime);

export const isFolder = (path: string): boolean => unlessError(() => statSync(path).isDirectory()) ?? false;

export const isExecutable = (path: string): boolean =>
  unlessError(() => (statSync(path).mode & 0o111) !== 0) ?? false;

/** Whether it is a folder or file that no other user than that of this process can change; a link to one is that user's. */
export const isOwn = (path: string, kind: 'folder' | 'file'): boolean =>
  unlessError(() => {
    const me = process.getuid?.();
    const found = statSync(path);
    const isKind = kind === 'folder' ? found.isDirectory() : found.isFile();
    return isKind && found.uid === me && lstatSync(path).uid === me && (found.mode & 0o022) === 0;
  }) ?? false;

export const listFolder = (path: string): string[] => unlessError(() => readdirSync(path).sort()) ?? [];

/**
 * Calls `changed` when a file is replaced. Watches the folder, because an atomic write gives the name a new inode.
 * Returns a function that ends the watch.
 */
export function watchFile(path: string, changed: () => void): () => void {
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(path)) changed();
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    // Without the folder there is no watch. Callers also poll the file.
  }
  return () => watcher?.close();
}

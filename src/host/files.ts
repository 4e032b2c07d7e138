// Files. Synchronous on purpose: every file is small, and the state after an interrupted boot is easier to predict when it
// writes one file after the other.
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  type FSWatcher,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  watch,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Problem } from '../core/problem.ts';
import { describeError, errorCode } from './errno.ts';

/** Mode and owner of a file or folder. An undefined `owner` stays as it is. */
export interface Access {
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

/** `durable: false` for files in /run, which a power cut deletes anyway. */
export type FileAccess = Access & { readonly durable?: boolean };

const unwritable = (doing: string, error: unknown): Problem =>
  new Problem('state_unwritable', { doing, found: describeError(error), cause: error });

/** The bytes of a file, or undefined when there is none. Refuses files over `maxBytes`. */
export function readBytes(path: string, maxBytes = 16 * 1024 * 1024): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return undefined;
    throw unreadable(path, describeError(error), 'run the agent as root, or check the file', error);
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size > maxBytes) {
      throw unreadable(path, `it has ${size} bytes, more than ${maxBytes}`, NOT_OURS);
    }
    return readFileSync(descriptor);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw unreadable(path, describeError(error), NOT_OURS, error);
  } finally {
    closeSync(descriptor);
  }
}

const NOT_OURS = 'check the file (`ls -ld`): neither the agent nor one-context writes such a file';

const unreadable = (path: string, found: string, remedy: string, cause?: unknown): Problem =>
  new Problem('state_unwritable', { doing: `reading ${path}`, found, remedy, cause });

/** The text of a file, or undefined when there is none. */
export const readText = (path: string, maxBytes?: number): string | undefined =>
  readBytes(path, maxBytes)?.toString('utf8');

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
const discard = (path: string): void => unlessError(() => rmSync(path, { force: true }));

/**
 * Writes a file whole or not at all: a temporary file beside it gets mode and owner before content, is forced to the
 * disk, and is renamed. `durable: false` skips forcing, for /run, which a power cut deletes anyway.
 */
export function writeAtomic(path: string, content: string | Buffer, access: FileAccess): void {
  const beside = temporaryName(path);
  try {
    const descriptor = openSync(beside, 'wx', access.mode);
    try {
      own(beside, access);
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      if (access.durable !== false) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, path);
    if (access.durable !== false) syncFolder(dirname(path));
  } catch (error) {
    discard(beside);
    throw unwritable(`writing ${path}`, error);
  }
}

/** Like writeAtomic, but keeps a file (and its times) that is right already. True if written. */
export function writeIfChanged(path: string, content: string, access: FileAccess): boolean {
  if (
    existsSync(path) &&
    !lstatSync(path).isSymbolicLink() &&
    readText(path) === content &&
    hasAccess(path, access)
  )
    return false;
  writeAtomic(path, content, access);
  return true;
}

function hasAccess(path: string, { mode, owner }: Access): boolean {
  const found = statSync(path);
  return (
    (found.mode & 0o7777) === mode &&
    (owner === undefined || (found.uid === owner.uid && found.gid === owner.gid))
  );
}

function own(path: string, { mode, owner }: Access): void {
  chmodSync(path, mode);
  if (owner === undefined) return;
  const found = statSync(path);
  if (found.uid !== owner.uid || found.gid !== owner.gid) chownSync(path, owner.uid, owner.gid);
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Creates a folder with its parents (those 0755) and corrects mode and owner. True if anything was changed. */
export function ensureFolder(path: string, access: Access): boolean {
  try {
    if (existsSync(path) && hasAccess(path, access)) return false;
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    mkdirSync(path, { recursive: true, mode: access.mode });
    own(path, access);
    return true;
  } catch (error) {
    throw unwritable(`creating the folder ${path}`, error);
  }
}

/** Points a symbolic link at `target` in one step. True if it pointed elsewhere before. */
export function pointLink(path: string, target: string): boolean {
  const now = linkTarget(path);
  if (now === target) return false;
  const beside = temporaryName(path);
  try {
    symlinkSync(target, beside);
    renameSync(beside, path);
  } catch (error) {
    discard(beside);
    throw unwritable(`linking ${path} to ${target}`, error);
  }
  return true;
}

function unlessError<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export const linkTarget = (path: string): string | undefined => unlessError(() => readlinkSync(path));

/** The target of a path through all links; undefined when it does not exist. */
export const realPath = (path: string): string | undefined => unlessError(() => realpathSync(path));

/** Renames a damaged file and keeps it for a person; returns its new path. */
export function quarantine(path: string, now: Date): string {
  const target = `${path}.damaged-${now.toISOString().replaceAll(':', '')}`;
  try {
    renameSync(path, target);
  } catch (error) {
    throw unwritable(`renaming the damaged ${path}`, error);
  }
  return target;
}

export function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw unwritable(`removing ${path}`, error);
  }
}

export const exists = (path: string): boolean => existsSync(path);

export const isFolder = (path: string): boolean => unlessError(() => statSync(path).isDirectory()) ?? false;

export const isExecutable = (path: string): boolean =>
  unlessError(() => (statSync(path).mode & 0o111) !== 0) ?? false;

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

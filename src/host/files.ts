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
    throw new Problem('state_unwritable', {
      doing: `reading ${path}`,
      found: describeError(error),
      remedy: 'run the agent as root, or check the file',
      cause: error,
    });
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size > maxBytes) {
      throw new Problem('state_unwritable', {
        doing: `reading ${path}`,
        found: `it has ${size} bytes, more than ${maxBytes}`,
        remedy: 'look at the file: it is not one that the agent or one-context wrote',
      });
    }
    return readFileSync(descriptor);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('state_unwritable', {
      doing: `reading ${path}`,
      found: describeError(error),
      remedy: 'check the file (`ls -ld`): it is not one that the agent or one-context wrote',
      cause: error,
    });
  } finally {
    closeSync(descriptor);
  }
}

/** The text of a file, or undefined when there is none. */
export const readText = (path: string, maxBytes?: number): string | undefined =>
  readBytes(path, maxBytes)?.toString('utf8');

let serial = 0;

/** Where a file is written before it takes its name: beside it, as `.NAME.PID-N`. */
const temporaryName = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${process.pid}-${serial++}`);
const TEMPORARY = /^\..+\.\d+-\d+$/;

/** Removes what writes of an earlier life left in a folder when the power went. Only for who alone writes there. */
export function removeLeftovers(folder: string): void {
  try {
    for (const name of readdirSync(folder)) if (TEMPORARY.test(name)) discard(join(folder, name));
  } catch {
    // The folder is not there yet, or cannot be read: whoever needs it says so.
  }
}

/** What is left of a write that failed; that it cannot be removed either is not the news. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The first error says what is wrong.
  }
}

/**
 * Writes a file whole or not at all: a temporary file beside it gets mode and owner before content, is forced to the
 * disk, and takes the name in one step. `durable: false` skips forcing (for /run, which no power cut survives anyway).
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

/** Like writeAtomic, but leaves the file (and its times) alone when it already is what it should be. True if written. */
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

/** Makes a folder with its parents (those 0755) and puts mode and owner right. True if anything had to be done. */
export function ensureFolder(path: string, access: Access): boolean {
  try {
    if (existsSync(path) && hasAccess(path, access)) return false;
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    mkdirSync(path, { recursive: true, mode: access.mode });
    own(path, access);
    return true;
  } catch (error) {
    throw unwritable(`making the folder ${path}`, error);
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

export function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Where a path leads, through all links; undefined when it leads nowhere. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Moves a damaged file out of the way, keeping it for a person; returns its new path. */
export function quarantine(path: string, now: Date): string {
  const target = `${path}.damaged-${now.toISOString().replaceAll(':', '')}`;
  try {
    renameSync(path, target);
  } catch (error) {
    throw unwritable(`setting ${path} aside`, error);
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

export const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
};

export const isExecutable = (path: string): boolean => {
  try {
    return (statSync(path).mode & 0o111) !== 0;
  } catch {
    return false;
  }
};

export const listFolder = (path: string): string[] => {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
};

/**
 * Calls `changed` when a file is replaced. Watches the folder, because an atomic write gives the name a new inode.
 * Returns a function that ends the watching.
 */
export function watchFile(path: string, changed: () => void): () => void {
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(path)) changed();
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    // No such folder (yet): callers look at the file from time to time as well.
  }
  return () => watcher?.close();
}

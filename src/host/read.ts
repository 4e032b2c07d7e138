// The only reader of files: of any kind of thing that may have the name of one, and of any size. A FIFO would block the
// agent, a device may have no end, a link may lead to a file that its maker cannot read, a size may be wrong.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { Problem } from '../core/problem.ts';
import { describeError, errorCode } from './errno.ts';

export interface Expected {
  /** More bytes than this are refused, whatever size the file has. 1 MiB when left out. */
  readonly most?: number;
  /** 'own': root or the user of this process owns the file, and nobody else can write it. A number: the uid of its owner. */
  readonly owner?: 'own' | number;
}

const MIB = 1024 * 1024;
/** The largest CONTEXT that is read, from a file as from the disc (iso.ts): OpenNebula has no limit. */
export const MOST_OF_A_CONTEXT = 16 * MIB;

/** What has the name of the file is not such a file. Its reader may continue without it. */
export class UnfitFile extends Problem {}

/** Closes the descriptor after `work`. */
export function closing<T>(descriptor: number, work: (descriptor: number) => T): T {
  try {
    return work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Never waits, and opens no terminal. (Node adds O_CLOEXEC.) */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * The bytes of a file, or undefined when there is none. Never waits, never follows a link as its last part, and never keeps
 * more than `most` bytes. Throws UnfitFile, or Problem state_unwritable when the operating system refuses.
 */
export function readBytes(path: string, { most = MIB, owner }: Expected = {}): Buffer | undefined {
  try {
    return closing(openSync(path, FLAGS), (descriptor) => {
      const stats = fstatSync(descriptor);
      if (!stats.isFile()) throw unfit(path, `it is ${kindOf(stats)}`, 'a regular file');
      const foreign = owner === undefined ? undefined : foreignIn(stats, owner);
      if (foreign !== undefined) throw unfit(path, ...foreign);
      const bytes = stats.size > most ? undefined : readAtMost(descriptor, most, stats.size);
      if (bytes !== undefined) return bytes;
      throw unfit(
        path,
        `it has ${Math.max(stats.size, most + 1)} bytes, more than ${most}`,
        'a smaller file',
      );
    });
  } catch (error) {
    if (error instanceof Problem) throw error;
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ELOOP') throw unfit(path, 'it is a symbolic link', 'a regular file');
    if (code === 'ENXIO') throw unfit(path, 'it is a socket', 'a regular file');
    const remedy = 'run the agent as root, or check the file';
    throw new Problem('state_unwritable', {
      doing: `reading ${path}`,
      found: describeError(error),
      remedy,
      cause: error,
    });
  }
}

/** The text of a file, or undefined when there is none. Throws like readBytes. */
export const readText = (path: string, expected?: Expected): string | undefined =>
  readBytes(path, expected)?.toString('utf8');

/** The same, with what is unfit as a value. */
export function textOrUnfit(path: string, expected?: Expected): string | undefined | UnfitFile {
  try {
    return readText(path, expected);
  } catch (error) {
    if (error instanceof UnfitFile) return error;
    throw error;
  }
}

/** What `read` returns; undefined where it found something unfit. For files that are not needed, or are written again. */
export function unlessUnfit<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnfitFile) return undefined;
    throw error;
  }
}

/**
 * The bytes of what a person names on a command line, or undefined when there is nothing: also those of a pipe, of a link,
 * of standard input (`-`), for which it waits. Throws like readBytes.
 */
export function readNamed(path: string, most = MOST_OF_A_CONTEXT): Buffer | undefined {
  const flags = constants.O_RDONLY | constants.O_NOCTTY;
  try {
    return closing(openSync(path === '-' ? '/dev/stdin' : path, flags), (descriptor) => {
      const bytes = readAtMost(descriptor, most, fstatSync(descriptor).size);
      if (bytes === undefined) throw unfit(path, `it has more than ${most} bytes`, 'a smaller file');
      return bytes;
    });
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return undefined;
    throw new Problem('state_unwritable', { doing: `reading ${path}`, found: describeError(error) });
  }
}

const CHUNK = 64 * 1024;

/** All bytes; undefined when there are more than `most`. `size` is a guess: files in /proc have the size 0. */
function readAtMost(descriptor: number, most: number, size: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  let total = 0;
  for (let guess = size || CHUNK; ; guess = CHUNK) {
    const chunk = Buffer.allocUnsafe(Math.min(guess, most - total) + 1);
    const count = readSync(descriptor, chunk);
    if (count === 0) return Buffer.concat(chunks, total);
    chunks.push(chunk.subarray(0, count));
    total += count;
    if (total > most) return undefined;
  }
}

const unfit = (path: string, found: string, expected: string): UnfitFile =>
  new UnfitFile('state_unwritable', {
    doing: `reading ${path}`,
    found,
    expected,
    remedy: `check it (\`ls -ld ${path}\`) and remove it: neither the agent nor one-context writes such a file`,
  });

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a FIFO';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/** What is wrong with the owner of a file, and what would be right. */
function foreignIn({ uid, mode }: Stats, owner: 'own' | number): [string, string] | undefined {
  if (owner !== 'own')
    return uid === owner ? undefined : [`it belongs to the user ${uid}`, `a file of the user ${owner}`];
  const expected = 'a file of root that only root can write';
  const ours = process.getuid?.() ?? 0;
  if (uid !== 0 && uid !== ours) return [`it belongs to the user ${uid}`, expected];
  return (mode & 0o022) === 0
    ? undefined
    : [`others can write it (mode ${(mode & 0o777).toString(8)})`, expected];
}

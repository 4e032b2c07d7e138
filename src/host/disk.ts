// How much room a file system has left.
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Room {
  readonly bytes: number;
  /** Files that could still be made; infinite where the file system does not count them. */
  readonly files: number;
}

/** What an ordinary program may still use at `path`, or at the nearest folder above it that exists. */
export function roomAt(path: string): Room | undefined {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize, ffree, files } = statfsSync(at);
      return { bytes: bavail * bsize, files: files === 0 ? Number.POSITIVE_INFINITY : ffree };
    } catch {
      if (dirname(at) === at) return undefined;
    }
  }
}

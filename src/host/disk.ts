import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

export interface FreeSpace {
  readonly bytes: number;
  /** Files that can still be created; infinite where the file system does not count them. */
  readonly files: number;
}

/** Free for ordinary programs at `path`, or at the nearest folder above it that exists. */
export function freeSpaceAt(path: string): FreeSpace | undefined {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize, ffree, files } = statfsSync(at);
      return { bytes: bavail * bsize, files: files === 0 ? Number.POSITIVE_INFINITY : ffree };
    } catch {
      if (dirname(at) === at) return undefined;
    }
  }
}

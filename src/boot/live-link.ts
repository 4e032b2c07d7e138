import { type Link, parseLink } from '../flower/link.ts';
import { readText } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { processLives } from '../host/self.ts';

/** What the launcher last said; undefined when it has said nothing on this machine yet. */
export function readLink(path: string): Link | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parseLink(text);
}

export interface LiveLink extends Link {
  /** Serving (SuperLink) or accepted (SuperNode) right now. */
  readonly good: boolean;
}

/** The link file, if the process that wrote it still lives: a killed Flower leaves its last words behind. */
export function liveLink(paths: Paths): LiveLink | undefined {
  const link = readLink(paths.flowerLink);
  if (link === undefined || !processLives(link.pid)) return undefined;
  return { ...link, good: link.phase === 'serving' || link.phase === 'accepted' };
}

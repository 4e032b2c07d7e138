import { type FlowerState, parseFlowerState } from '../flower/state-file.ts';
import { readText } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { isAlive } from '../host/self.ts';

/** What the launcher last said; undefined when it has said nothing on this machine yet. */
export function readFlowerState(path: string): FlowerState | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parseFlowerState(text);
}

export interface LiveFlowerState extends FlowerState {
  /** Serving (SuperLink) or accepted (SuperNode) right now. */
  readonly up: boolean;
}

/** The link file, if the process that wrote it still lives: a killed Flower leaves its last words behind. */
export function liveFlowerState(paths: Paths): LiveFlowerState | undefined {
  const link = readFlowerState(paths.flowerLink);
  if (link === undefined || !isAlive(link.pid)) return undefined;
  return { ...link, up: link.phase === 'serving' || link.phase === 'accepted' };
}

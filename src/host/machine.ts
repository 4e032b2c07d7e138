// The machine that the agent runs on, and its users.
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { type Clock, type Random, realClock } from '../core/clock.ts';
import { readText } from './files.ts';
import { type Host, realHost } from './host.ts';
import { type Paths, pathsUnder } from './paths.ts';

/** Everything that the agent takes from its machine. */
export interface Machine {
  readonly paths: Paths;
  readonly clock: Clock;
  /** 0 <= x < 1, for jitter. */
  readonly random: Random;
  readonly host: Host;
}

/** This computer, with the files below `root`. */
export const realMachine = (root: string): Machine => ({
  paths: pathsUnder(root),
  clock: realClock,
  random: Math.random,
  host: realHost,
});

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Numeric ids of a user, from the passwd file of this machine; undefined when there is no such user. */
export function userIds(paths: Paths, name: string): Owner | undefined {
  const line = readText(paths.passwd)
    ?.split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid !== undefined && gid !== undefined && /^\d+$/.test(uid) && /^\d+$/.test(gid)
    ? { uid: Number(uid), gid: Number(gid) }
    : undefined;
}

export const ourIds = (): Owner => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });

export const hostName = (): string => hostname();

export const sha256 = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');

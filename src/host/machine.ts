// Facts of the machine itself: who we are, who Flower runs as, which addresses the kernel has, which boot this is.
import { createHash } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import type { Clock } from './clock.ts';
import { readText } from './files.ts';
import type { Paths } from './paths.ts';

/** The machine a boot runs on: its folders and its time. Tests give a folder and a clock of their own. */
export interface Machine {
  readonly paths: Paths;
  readonly clock: Clock;
  /** 0 <= x < 1, for jitter. */
  readonly random: () => number;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Numeric ids of a user in the machine's own passwd file; undefined when there is no such user. */
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

/** A value that changes with each boot of the kernel. A machine that is only a folder (demo, tests) may bring its own. */
export function bootId(paths: Paths): string {
  const own = readText(`${paths.run}/boot-id`) ?? readText('/proc/sys/kernel/random/boot_id') ?? 'unknown';
  return own.trim();
}

export const hostName = (): string => hostname();

/** Addresses the kernel has by itself, without loopback and link-local; IPv4 first, then IPv6. */
export function kernelAddresses(paths: Paths): string[] {
  // A machine that is only a folder has no kernel of its own: whatever the host has is not its.
  if (paths.root !== '/') return [];
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const usable = all.filter((entry) => !entry.internal && !/^(169\.254\.|fe80:)/i.test(entry.address));
  return [...usable.filter((e) => e.family === 'IPv4'), ...usable.filter((e) => e.family === 'IPv6')].map(
    (e) => e.address,
  );
}

export const sha256 = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');

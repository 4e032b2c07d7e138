// The machine that the agent runs on, and its users.
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { type Clock, type Random, realClock } from '../core/clock.ts';
import { Problem } from '../core/problem.ts';
import { quoteName } from '../core/text.ts';
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

/** 65535 and 4294967295 mean "none" to the kernel; 65534 is nobody, whom several services share. */
const NOT_AN_OWN_ID: ReadonlySet<number> = new Set([0, 65_534, 65_535]);
const HIGHEST_ID = 4_294_967_294;

/**
 * Numeric ids of the user that Flower runs as, from the passwd file of this machine. They must be of this user alone: what
 * is given to them is open to the code of apps.
 * @throws Problem image_incomplete
 */
export function userIds({ paths, host }: Pick<Machine, 'paths' | 'host'>, name: string): Owner {
  const refused = (found: string): Problem =>
    new Problem('image_incomplete', {
      doing: `looking up the user ${quoteName(name)}, which Flower runs as, in ${paths.passwd}`,
      found,
      expected:
        'one system user with a uid and a gid of its own, made by sysusers when the package is installed',
      remedy: `correct or remove its line in ${paths.passwd}, run \`systemd-sysusers\`, then \`systemctl restart flower-context\``,
    });
  const entries = (readText(paths.passwd) ?? '').split('\n').map((line) => line.split(':'));
  const [entry, ...more] = entries.filter(([user]) => user === name);
  if (entry === undefined) throw refused('there is no such user');
  if (more.length > 0) throw refused(`there are ${more.length + 1} users of this name`);
  const [uid, gid] = entry.slice(2, 4).map(idIn);
  if (entry.length !== 7 || uid === undefined || gid === undefined)
    throw refused('its line is not one of passwd');
  if (host.sharesUser) return { uid, gid };
  if (NOT_AN_OWN_ID.has(uid)) throw refused(`its uid is ${uid}`);
  if (NOT_AN_OWN_ID.has(gid)) throw refused(`its gid is ${gid}`);
  const other = entries.find(([user, , id]) => user !== name && id !== undefined && idIn(id) === uid)?.[0];
  if (other !== undefined) throw refused(`the user ${quoteName(other)} has the same uid, ${uid}`);
  return { uid, gid };
}

const idIn = (text: string): number | undefined =>
  /^\d{1,10}$/.test(text) && Number(text) <= HIGHEST_ID ? Number(text) : undefined;

export const ourIds = (): Owner => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });

export const hostName = (): string => hostname();

export const sha256 = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');

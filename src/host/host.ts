// Facts of the kernel and of systemd of this machine. They are injected, because several agents on one computer (demo, tests) need
// different ones.
import { statfsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { unlessError } from '../core/result.ts';
import { readText } from './files.ts';
import { callOnce } from './grpc-once.ts';
import { request } from './http.ts';
import { clockSynchronised, mainPids } from './systemd.ts';

export interface Host {
  /** A value that changes with each boot of the kernel. */
  bootId(): string;
  /** Addresses that the kernel has and others can dial, whatever the CONTEXT says (DHCP); IPv4 first. */
  addresses(): readonly string[];
  /** Whether this address (canonical) reaches only the machine that dials it. */
  isOwnLoopback(address: string): boolean;
  /** Address of listeners for this machine only. */
  readonly loopback: string;
  /** Free for ordinary programs at `path`, or at the nearest folder above it that exists. */
  freeSpaceAt(path: string): FreeSpace | undefined;
  /** Flower's user may be root, or one with other duties: a folder is the machine, and one user runs all of it (tests). */
  readonly sharesUser?: true;
  /** The main processes of these units, as systemd names them; 0 for a unit without one. */
  mainPids(units: readonly string[]): Promise<readonly number[]>;
  /** Whether something synchronises the clock; undefined: nobody says. */
  clockSynchronised(): Promise<boolean | undefined>;
  /** Sends one unary call of gRPC. Simulated machines have no network. */
  readonly callGrpc: typeof callOnce;
  /** Sends one request of HTTP. */
  readonly callHttp: typeof request;
  /** Returns memory to the system: a boot needs some megabytes more than an idle agent. */
  collectGarbage(): void;
}

export interface FreeSpace {
  readonly bytes: number;
  /** Files that can still be created; infinite where the file system does not count them. */
  readonly files: number;
}

export const realHost: Host = {
  bootId: () => readText('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown',
  addresses: () => dialableAddresses(networkInterfaces()),
  isOwnLoopback: (address) => address.startsWith('127.') || address === '::1',
  loopback: '127.0.0.1',
  freeSpaceAt,
  mainPids,
  clockSynchronised,
  callGrpc: callOnce,
  callHttp: request,
  collectGarbage,
};

/** Without loopback and link-local; IPv4 first, then IPv6. @internal */
export function dialableAddresses(interfaces: ReturnType<typeof networkInterfaces>): string[] {
  const all = Object.values(interfaces).flatMap((entries) => entries ?? []);
  const usable = all.filter((entry) => !entry.internal && !/^(169\.254\.|fe80:)/i.test(entry.address));
  return [...usable.filter((e) => e.family === 'IPv4'), ...usable.filter((e) => e.family === 'IPv6')].map(
    (e) => e.address,
  );
}

export function freeSpaceAt(path: string): FreeSpace | undefined {
  const found = unlessError(() => statfsSync(path));
  if (found === undefined) return dirname(path) === path ? undefined : freeSpaceAt(dirname(path));
  const { bavail, bsize, ffree, files } = found;
  return { bytes: bavail * bsize, files: files === 0 ? Number.POSITIVE_INFINITY : ffree };
}

function collectGarbage(): void {
  // Loaded here: a boot does not need them.
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  const { runInNewContext } = process.getBuiltinModule('node:vm');
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

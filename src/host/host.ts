// What is true of the machine and of no folder: facts of its kernel, and what its addresses mean. Handed in with the
// machine, because several agents on one computer (the demo, tests) need other facts.
import { networkInterfaces } from 'node:os';
import { type Room, roomAt } from './disk.ts';
import { readText } from './files.ts';
import { collectGarbage } from './memory.ts';

export interface Host {
  /** A value that changes with each boot of the kernel. */
  bootId(): string;
  /** Addresses that the kernel has and others can dial, whatever the CONTEXT says (DHCP); IPv4 first. */
  addresses(): readonly string[];
  /** Whether a machine that dials this address (canonical) reaches only itself. */
  isOwnLoopback(address: string): boolean;
  /** Where the listeners listen that are for this machine only. */
  readonly loopback: string;
  /** What an ordinary program may still use of the file system at a path. */
  roomAt(path: string): Room | undefined;
  /** Frees what a boot needed and an idle agent does not. */
  collectGarbage(): void;
}

export const realHost: Host = {
  bootId: () => readText('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown',
  addresses: () => dialableAddresses(networkInterfaces()),
  isOwnLoopback: (address) => address.startsWith('127.') || address === '::1',
  loopback: '127.0.0.1',
  roomAt,
  collectGarbage: collectGarbage,
};

/** Without loopback and link-local; IPv4 first, then IPv6. */
export function dialableAddresses(interfaces: ReturnType<typeof networkInterfaces>): string[] {
  const all = Object.values(interfaces).flatMap((entries) => entries ?? []);
  const usable = all.filter((entry) => !entry.internal && !/^(169\.254\.|fe80:)/i.test(entry.address));
  return [...usable.filter((e) => e.family === 'IPv4'), ...usable.filter((e) => e.family === 'IPv6')].map(
    (e) => e.address,
  );
}

// Hosts of machines that are only a folder. Several of them are on one computer: the address each VM is dialled at, and
// the one that stands for its 127.0.0.1, are of 127.0.0.0/8, and no fact of this computer's kernel is one of theirs.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../../src/host/host.ts';

/** Below the root of such a machine; without it the facts are of a machine that was never switched on. */
export const HOST_FILE = 'etc/test-host.json';

export interface HostFacts {
  /** Another one each time that the machine is switched on. */
  readonly bootId: string;
  readonly loopback: string;
}

export const folderHost = (
  { loopback }: Pick<HostFacts, 'loopback'>,
  bootId: Host['bootId'],
): Omit<Host, 'giveBackMemory'> => ({
  bootId,
  addresses: () => [],
  isOwnLoopback: (address) => address === '127.0.0.1' || address === '::1',
  loopback,
});

export function readHostFacts(root: string): HostFacts {
  const path = join(root, HOST_FILE);
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as HostFacts)
    : { bootId: 'none', loopback: '127.0.0.1' };
}

// Hosts of machines that are only a folder. Several of them are on one computer: the address each VM is dialled at, and
// the one that replaces its 127.0.0.1, are of 127.0.0.0/8, and the machine has no fact of this computer's kernel.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeSpaceAt, type Host, realHost } from '../../../src/host/host.ts';

/** Below the root of such a machine; without it the facts are of a machine that was never switched on. */
export const HOST_FILE = 'etc/test-host.json';

export interface HostFacts {
  /** Another one each time that the machine is switched on. */
  readonly bootId: string;
  readonly loopback: string;
  /** What is free on its disk; undefined: what is free on this computer's. */
  readonly freeMb?: number | undefined;
}

/** `mainPids` is the systemd of the machine: the stub `systemctl` in its PATH. */
export const folderHost = (
  { loopback, freeMb }: Omit<HostFacts, 'bootId'>,
  bootId: Host['bootId'],
): Omit<Host, 'collectGarbage'> => ({
  bootId,
  addresses: () => [],
  isOwnLoopback: (address) => address === '127.0.0.1' || address === '::1',
  loopback,
  sharesUser: true,
  freeSpaceAt: (path) => (freeMb === undefined ? freeSpaceAt(path) : { bytes: freeMb * 1e6, files: 100_000 }),
  mainPids: realHost.mainPids,
  clockSynchronised: async () => undefined,
  callGrpc: realHost.callGrpc,
  callHttp: realHost.callHttp,
});

export function readHostFacts(root: string): HostFacts {
  const path = join(root, HOST_FILE);
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as HostFacts)
    : { bootId: 'none', loopback: '127.0.0.1' };
}

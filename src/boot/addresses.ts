import type { HostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { addressesOf, type Nic } from '../vm/nics.ts';

/** Every address of the VM, the one others should dial first: what the CONTEXT says, then what only the kernel knows (DHCP). */
export const allAddresses = (nics: readonly Nic[], kernel: readonly string[]): string[] => [
  ...new Set([...addressesOf(nics), ...kernel]),
];

/**
 * The address SuperNodes dial: what is listened on, or the VM's own first address when that is all of them. An
 * operator's certificate that names only some of them (`dialable`) decides.
 */
export function advertisedEndpoint(
  listen: HostPort,
  addresses: readonly string[],
  dialable?: readonly string[],
): HostPort {
  const everywhere = listen.host === '0.0.0.0' || listen.host === '::';
  if (!everywhere) return listen;
  const own = dialable?.[0] ?? addresses[0];
  if (own !== undefined) return { host: own, port: listen.port };
  throw new Problem('no_address', {
    doing: 'choosing the address that SuperNodes dial',
    found: 'this VM has no address: no ETHx_IP in the CONTEXT, none in the kernel',
    expected: 'a network interface with an address',
  });
}

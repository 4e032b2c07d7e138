import type { HostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { hostName } from '../host/machine.ts';
import { nameOf } from '../host/net.ts';
import { asksDns, namesFromContext, withHostPart } from '../vm/host-names.ts';
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

/** DNS that does not answer delays the boot no longer than this. */
const DNS_WITHIN_MS = 2_000;

/**
 * The host name that one-context gives this VM, with and without its domain, where it can be found out in time; else the
 * one that the VM has.
 */
export async function hostNamesOf(
  raw: Readonly<Record<string, string>>,
  [first]: readonly string[],
): Promise<string[]> {
  const named = namesFromContext(raw);
  if (named.length > 0) return named;
  const found = asksDns(raw) && first !== undefined ? await nameOf(first, DNS_WITHIN_MS) : undefined;
  return withHostPart(found ?? hostName());
}

import type { HostPort } from '../core/hostport.ts';
import { parseIp } from '../core/ip.ts';
import { Problem } from '../core/problem.ts';
import { hostName } from '../host/machine.ts';
import { nameOf } from '../host/net.ts';
import { asksDns, namesFromContext, withHostPart } from '../vm/host-names.ts';
import { addressesOf, type Nic } from '../vm/nics.ts';

/** Every address of the VM, the one to dial first: those in the CONTEXT, then those that only the kernel has (DHCP). */
export const allAddresses = (nics: readonly Nic[], kernel: readonly string[]): string[] => [
  ...new Set([...addressesOf(nics), ...kernel]),
];

/**
 * The address that SuperNodes dial: the address of the listener, or, when it listens on all, the first address of the VM.
 * An operator's certificate limits these to the hosts that it names (`dialable`).
 * @throws Problem no_address
 */
export function advertisedEndpoint(
  listen: HostPort,
  addresses: readonly string[],
  dialable?: readonly string[],
): HostPort {
  if (!everywhere(listen)) return listen;
  const own = dialable?.[0] ?? addresses[0];
  if (own !== undefined) return { host: own, port: listen.port };
  throw new Problem('no_address', {
    doing: 'choosing the address that SuperNodes dial',
    found: 'this VM has no address: no ETHx_IP in the CONTEXT, none in the kernel',
    expected: 'a network interface with an address',
  });
}

const everywhere = ({ host }: HostPort): boolean => host === '0.0.0.0' || host === '::';

/**
 * The address for SuperNodes without IPv4, beside an `endpoint` with IPv4; undefined when there is none. gRPC listens on both
 * families at 0.0.0.0 and at :: (docs/facts.md, "grpc-wildcard").
 */
export function advertisedEndpoint6(
  listen: HostPort,
  endpoint: HostPort,
  addresses: readonly string[],
  dialable: readonly string[] = addresses,
): HostPort | undefined {
  const host = dialable.find((one) => parseIp(one)?.version === 6);
  const beside = everywhere(listen) && parseIp(endpoint.host)?.version === 4;
  return beside && host !== undefined ? { host, port: endpoint.port } : undefined;
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

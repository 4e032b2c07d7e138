// The VM's network interfaces as the CONTEXT describes them: ETHx_* (NICs), PCIx_* (NICs that are PCI devices of the host)
// and their ALIASy. x is OpenNebula's NIC_ID, not the number that the kernel gives; there may be gaps.
import { type Ip, isLinkLocal, isMulticast, isUnspecified, parseIp } from '../core/ip.ts';
import type { Host } from '../host/host.ts';

export interface Nic {
  /** ETH0, PCI1, ETH0_ALIAS2: the prefix of its variables. */
  readonly name: string;
  readonly index: number;
  /** The alias number, for an alias. */
  readonly alias: number | undefined;
  /** Canonical addresses; only those that others can use. */
  readonly ip: string | undefined;
  /** Global or unique local IPv6, as OpenNebula leased them. */
  readonly ip6: readonly string[];
  readonly gateway: string | undefined;
  readonly gateway6: string | undefined;
  readonly metric: number;
  readonly metric6: number;
}

type Variables = Readonly<Record<string, string>>;
type Loopback = Pick<Host, 'isOwnLoopback'>;

const VARIABLE = /^((?:ETH|PCI)(0|[1-9]\d{0,5})(?:_ALIAS(0|[1-9]\d{0,5}))?)_[A-Z]/;

/** All interfaces without the detached ones, by number; an alias follows its interface. */
export function nicsFrom(raw: Variables, host: Loopback): Nic[] {
  const found = new Map<string, Nic>();
  for (const variable of Object.keys(raw)) {
    const [, name, index, alias] = VARIABLE.exec(variable) ?? [];
    if (name === undefined || found.has(name) || textOf(raw, `${name}_DETACH`) !== '') continue;
    const number = alias === undefined ? undefined : Number(alias);
    found.set(name, nicOf(raw, host, name, Number(index), number));
  }
  return [...found.values()].sort(
    (a, b) => a.index - b.index || family(a).localeCompare(family(b)) || (a.alias ?? -1) - (b.alias ?? -1),
  );
}

/**
 * Every address that other machines can dial, the primary one first: the addresses that a certificate should name. EXTERNAL
 * aliases (of a NAT in front of the VM) are among them.
 */
export function addressesOf(nics: readonly Nic[]): string[] {
  const primary = primaryAddress(nics);
  return [...new Set([...(primary === undefined ? [] : [primary]), ...nics.flatMap(addresses)])];
}

/**
 * The address that other VMs dial: of the interfaces with an IPv4 gateway the one with the lowest metric, then the lowest
 * number; else the same for IPv6; else the first interface that has an address. An alias is never primary.
 */
function primaryAddress(nics: readonly Nic[]): string | undefined {
  const own = nics.filter((nic) => nic.alias === undefined);
  // The list is in the order of numbers, and the sort is stable.
  const [routed4] = own.filter(({ ip, gateway }) => ip && gateway).sort((a, b) => a.metric - b.metric);
  const [routed6] = own
    .filter(({ ip6, gateway6 }) => ip6[0] && gateway6)
    .sort((a, b) => a.metric6 - b.metric6);
  return routed4?.ip ?? routed6?.ip6[0] ?? own.flatMap(addresses)[0];
}

function nicOf(raw: Variables, host: Loopback, name: string, index: number, alias: number | undefined): Nic {
  const read = (suffix: string, version: 4 | 6): Ip[] => {
    const ip = parseIp(textOf(raw, `${name}_${suffix}`));
    return ip?.version === version ? [ip] : [];
  };
  const own = (suffix: string, version: 4 | 6): string[] =>
    read(suffix, version)
      .filter((ip) => isDialable(ip, host))
      .map(({ text }) => text);
  // Any address counts as a gateway: from IPv6 router advertisements it is link-local.
  const gateway6 = [...read('IP6_GATEWAY', 6), ...read('GATEWAY6', 6)][0]?.text;
  return {
    name,
    index,
    alias,
    ip: own('IP', 4)[0],
    ip6: [...new Set([...own('IP6', 6), ...own('IP6_ULA', 6)])],
    gateway: read('GATEWAY', 4)[0]?.text,
    gateway6,
    metric: metricOf(textOf(raw, `${name}_METRIC`)),
    metric6: metricOf(textOf(raw, `${name}_IP6_METRIC`)),
  };
}

/** Whether another VM can dial the address: then a certificate may name it. */
const isDialable = (ip: Ip, host: Loopback): boolean =>
  !isUnspecified(ip) && !isLinkLocal(ip) && !isMulticast(ip) && !host.isOwnLoopback(ip.text);

const addresses = (nic: Nic): string[] => [...(nic.ip === undefined ? [] : [nic.ip]), ...nic.ip6];

/** Without a metric the kernel uses the lowest. */
const metricOf = (text: string): number => (/^\d{1,9}$/.test(text) ? Number(text) : 0);

const textOf = (raw: Variables, name: string): string => (Object.hasOwn(raw, name) ? raw[name]!.trim() : '');

/** ETH or PCI. */
const family = ({ name }: Nic): string => name.slice(0, 3);

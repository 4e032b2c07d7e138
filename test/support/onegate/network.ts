import { sorted } from './template.ts';

/** A network card as a test asks for it. Everything has a default: see {@link NetworkSpec}. */
export interface NicSpec {
  readonly ip?: string;
  /** A global IPv6 address. */
  readonly ip6?: string;
  readonly mac?: string;
  readonly network?: string;
  readonly gateway?: string;
  readonly mask?: string;
  readonly dns?: string;
  /** '' | static | dhcp | skip; with dhcp leave `ip` out and pass `method: 'dhcp'`. */
  readonly method?: string;
  /** NAME of the NIC this is an alias of, e.g. NIC0. */
  readonly aliasOf?: string;
  /** An alias that the guest does not configure (EXTERNAL=YES). */
  readonly external?: boolean;
}

/** The virtual network VMs get their addresses from: the lab's, unless said otherwise. */
export interface NetworkSpec {
  readonly name: string;
  /** VM n without `nics` gets `first` + n. */
  readonly first: string;
  readonly gateway: string;
  readonly dns: string;
  readonly mask: string;
}

export const labNetwork: NetworkSpec = {
  name: 'lab-net',
  first: '172.20.0.100',
  gateway: '172.20.0.1',
  dns: '172.20.0.1',
  mask: '255.255.255.0',
};

type Attributes = Readonly<Record<string, string>>;

const toNumber = (ip: string) => ip.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
const toAddress = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');

/** `ip` + `offset`. */
export function addressAfter(ip: string, offset: number): string {
  return toAddress(toNumber(ip) + offset);
}

function macOf(ip: string | undefined, position: number): string {
  const bytes = ip ? ip.split('.').map(Number) : [255, 0, 0, position];
  return ['02', '00', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** The NIC (or NIC_ALIAS) element oned keeps for a card. */
export function nicAttributes(
  nic: NicSpec,
  vmid: number,
  position: number,
  network: NetworkSpec,
): Attributes {
  const ip = nic.ip;
  const name = nic.aliasOf ? `${nic.aliasOf}_ALIAS${position}` : `NIC${position}`;
  const attributes: Record<string, string | undefined> = {
    AR_ID: '0',
    BRIDGE: 'br0',
    BRIDGE_TYPE: 'linux',
    CLUSTER_ID: '0',
    DNS: nic.dns ?? network.dns,
    EXTERNAL: nic.external ? 'YES' : undefined,
    GATEWAY: nic.gateway ?? network.gateway,
    IP: ip,
    IP6_GLOBAL: nic.ip6,
    MAC: nic.mac ?? macOf(ip, position),
    METHOD: nic.method,
    NAME: name,
    NETWORK: nic.network ?? network.name,
    NETWORK_ID: '0',
    NIC_ID: String(position),
    PARENT: nic.aliasOf,
    SECURITY_GROUPS: '0',
    TARGET: nic.aliasOf ? undefined : `one-${vmid}-${position}`,
    VN_MAD: 'dummy',
  };
  const present = Object.entries(attributes).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  return sorted(Object.fromEntries(present));
}

/** What OneGate lets a guest see of a card: onegate-server's list, absent when without a value. */
export function visibleNic(attributes: Attributes): Attributes {
  const names = [
    'IP',
    'IP6_LINK',
    'IP6_SITE',
    'IP6_GLOBAL',
    'NETWORK',
    'MAC',
    'NAME',
    'PARENT',
    'EXTERNAL',
    'EXTERNAL_IP',
  ];
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => names.includes(name)));
}

/** The ETHx_* (or ETHx_ALIASy_*) context variables of a card, empty ones included, as oned writes them. */
export function nicContext(nic: NicSpec, prefix: string, network: NetworkSpec): Record<string, string> {
  const mask = nic.mask ?? network.mask;
  const base = nic.ip ? toAddress((toNumber(nic.ip) & toNumber(mask)) >>> 0) : '';
  const values: Record<string, string> = {
    DNS: nic.dns ?? network.dns,
    EXTERNAL: nic.external ? 'YES' : '',
    GATEWAY: nic.gateway ?? network.gateway,
    IP: nic.ip ?? '',
    IP6: nic.ip6 ?? '',
    IP6_GATEWAY: '',
    IP6_METHOD: '',
    IP6_METRIC: '',
    IP6_PREFIX_LENGTH: '',
    IP6_ULA: '',
    MAC: nic.mac ?? macOf(nic.ip, 0),
    MASK: mask,
    METHOD: nic.method ?? '',
    METRIC: '',
    MTU: '',
    NETWORK: base,
    ROUTES: '',
    SEARCH_DOMAIN: '',
    VLAN_ID: '',
    VROUTER_IP: '',
    VROUTER_IP6: '',
    VROUTER_MANAGEMENT: '',
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}_${name}`, value]));
}

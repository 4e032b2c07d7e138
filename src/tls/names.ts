// The names in a certificate (subjectAltName), and which of them gRPC accepts for a host that a client connects to.
import { readHostName } from '../core/hostport.ts';
import { canonicalIp, isUnspecified, parseIp } from '../core/ip.ts';
import { formatSan, type SubjectAltName } from '../core/san.ts';

/** Lower-case DNS names (a leading `*.` allowed) and canonical addresses, each once. */
export interface SubjectNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
}

export interface SubjectSource {
  /** Every address of the VM, as its NICs have them. A zone is dropped; a text that is no address is ignored. */
  readonly addresses: readonly string[];
  /** With and without its domain. */
  readonly hostNames?: readonly string[];
  /** FL_CERT_EXTRA_SAN. */
  readonly extraSan?: readonly SubjectAltName[] | undefined;
  /** Address of the local-only listeners. */
  readonly loopback?: string;
}

/**
 * All names of the server certificate: localhost, both loopback addresses, the address of the local-only listeners, all
 * addresses of the VM, its host names that are DNS names, and the entries of FL_CERT_EXTRA_SAN.
 */
export function subjectNames({
  addresses,
  hostNames = [],
  extraSan = [],
  loopback = '127.0.0.1',
}: SubjectSource): SubjectNames {
  const extra = (type: SubjectAltName['type']): string[] =>
    extraSan.filter((entry) => entry.type === type).map(({ value }) => value);
  const names = hostNames.map(withoutFinalDot).filter((name) => readHostName(name).ok);
  return uniqueNames({
    dns: ['localhost', ...names, ...extra('DNS')],
    ip: ['127.0.0.1', '::1', loopback, ...addresses.filter(isUsable), ...extra('IP')],
  });
}

/** Canonical spelling, no repetition, order kept. An `ip` that is no address is left out. */
export function uniqueNames(names: SubjectNames): SubjectNames {
  const ips = names.ip.map(canonicalIp).filter((ip) => ip !== undefined);
  return { dns: [...new Set(names.dns.map((name) => name.toLowerCase()))], ip: [...new Set(ips)] };
}

/**
 * Whether gRPC accepts a certificate with these names for `host` (measured with grpcio 1.70 and 1.85 by
 * test/federation/tls-agreement.test.ts): an address needs that address, a name is compared without case and final dot,
 * `*.` replaces exactly one label and needs two labels after it.
 */
export function covers(names: SubjectNames, host: string): boolean {
  const ip = canonicalIp(bareHost(host));
  if (ip !== undefined) return names.ip.includes(ip);
  const name = withoutFinalDot(host.toLowerCase());
  const wildcard = /^[^.]+(\..+\..+)$/.exec(name)?.[1];
  return names.dns
    .map(withoutFinalDot)
    .some((dns) => dns === name || (wildcard !== undefined && dns === `*${wildcard}`));
}

/** `IP:10.0.0.5` or `DNS:name`: the entry of FL_CERT_EXTRA_SAN for a host. */
export function sanEntry(host: string): string {
  const ip = canonicalIp(bareHost(host));
  return formatSan(ip === undefined ? { type: 'DNS', value: host.toLowerCase() } : { type: 'IP', value: ip });
}

/** Each name as an entry of FL_CERT_EXTRA_SAN. */
export const sanEntries = (names: SubjectNames | undefined): string[] => [
  ...(names?.dns ?? []).map((value) => formatSan({ type: 'DNS', value })),
  ...(names?.ip ?? []).map((value) => formatSan({ type: 'IP', value })),
];

/** The names on one line. The certificate of another VM may have thousands of them. */
export function listNames(names: SubjectNames | undefined): string {
  const all = sanEntries(names);
  const rest = all.length - MOST_LISTED;
  return all.slice(0, MOST_LISTED).join(', ') + (rest > 0 ? ` and ${rest} more` : '') || 'none';
}

const MOST_LISTED = 20;

const withoutFinalDot = (name: string): string => name.replace(/\.$/, '');

const bareHost = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** A client cannot connect to the unspecified address. */
function isUsable(address: string): boolean {
  const ip = parseIp(canonicalIp(address) ?? '');
  return ip !== undefined && !isUnspecified(ip);
}

// The names in a certificate (subjectAltName), and which of them gRPC takes for a host that is dialled.
import { readHostName } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { canonicalIp, ipBytes } from './ip.ts';

/** Lower-case DNS names (a leading `*.` allowed) and canonical addresses, each once. */
export interface SubjectNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
}

export interface SubjectSource {
  /** Every address of the VM, as its NICs have them; a zone is dropped, what is no address is left out. */
  readonly addresses: readonly string[];
  /** One, or with and without its domain. */
  readonly hostname?: string | readonly string[] | undefined;
  /** Entries of FL_CERT_EXTRA_SAN: `IP:<address>` or `DNS:<name>`, as a list or comma-separated. */
  readonly extraSan?: string | readonly string[] | undefined;
  /** Address of the local-only listeners (appliance.json). */
  readonly loopback?: string | undefined;
}

/**
 * Everything the server certificate has to name (variables.md, FL_CERT_EXTRA_SAN): localhost, both loopbacks, the
 * appliance's own, all addresses of the VM, its host names that are DNS names, and what the operator added.
 * @throws Problem config_validation_failed for an extra entry of another form.
 */
export function subjectNames(source: SubjectSource): SubjectNames {
  const extra = extraEntries(source.extraSan);
  const hostnames = [source.hostname ?? []].flat().map((name) => withoutFinalDot(name.toLowerCase()));
  return uniqueNames({
    dns: ['localhost', ...hostnames.filter((name) => isDnsName(name)), ...extra.dns],
    ip: [
      '127.0.0.1',
      '::1',
      source.loopback ?? '127.0.0.1',
      ...source.addresses.filter(isUsable),
      ...extra.ip,
    ],
  });
}

/** Canonical spelling, no repetition, order kept. What is neither address nor name is left out. */
export function uniqueNames(names: SubjectNames): SubjectNames {
  const ips = names.ip.map(canonicalIp).filter((ip) => ip !== undefined);
  return { dns: [...new Set(names.dns.map((name) => name.toLowerCase()))], ip: [...new Set(ips)] };
}

/** A host name by RFC 1123; `*.` in front is allowed with `wildcard`. What looks like an address is none. */
export const isDnsName = (name: string, wildcard = false): boolean =>
  readHostName(wildcard && name.startsWith('*.') ? name.slice(2) : name).ok;

/**
 * Whether gRPC accepts a certificate with these names for `host` (grpcio 1.70 and 1.85, which
 * test/federation/tls-agreement.test.ts makes dial): an address needs that address, a name is compared without case and
 * final dot, `*.` stands for exactly one label and needs two labels behind it.
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

/** `IP:10.0.0.5` or `DNS:name`: how FL_CERT_EXTRA_SAN wants a host written. */
export function sanEntry(host: string): string {
  const ip = canonicalIp(bareHost(host));
  return ip === undefined ? `DNS:${host.toLowerCase()}` : `IP:${ip}`;
}

/** Each name as FL_CERT_EXTRA_SAN would write it. */
export const sanEntries = (names: SubjectNames | undefined): string[] => [
  ...(names?.dns ?? []).map((name) => `DNS:${name}`),
  ...(names?.ip ?? []).map((ip) => `IP:${ip}`),
];

/** The names as one line for a person; a stranger's certificate may have thousands. */
export function listNames(names: SubjectNames | undefined): string {
  const all = sanEntries(names);
  const rest = all.length - MOST_LISTED;
  return all.slice(0, MOST_LISTED).join(', ') + (rest > 0 ? ` and ${rest} more` : '') || 'none';
}

const MOST_LISTED = 20;

const withoutFinalDot = (name: string): string => name.replace(/\.$/, '');

const bareHost = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** The unspecified address is where a server listens, never where a client dials. */
const isUsable = (address: string): boolean => ipBytes(address)?.some((byte) => byte !== 0) ?? false;

function extraEntries(extra: string | readonly string[] | undefined): { dns: string[]; ip: string[] } {
  const found = { dns: [] as string[], ip: [] as string[] };
  const entries = typeof extra === 'string' ? extra.split(',') : (extra ?? []);
  for (const entry of entries.map((one) => one.trim()).filter((one) => one !== '')) {
    const [, kind, value = ''] = /^(IP|DNS):(.*)$/i.exec(entry) ?? [];
    const ip = kind?.toUpperCase() === 'IP' && !value.includes('%') ? canonicalIp(value) : undefined;
    if (ip !== undefined) found.ip.push(ip);
    else if (kind?.toUpperCase() === 'DNS' && isDnsName(value, true)) found.dns.push(value.toLowerCase());
    else throw wrongEntry(entry);
  }
  return found;
}

const wrongEntry = (entry: string): Problem =>
  new Problem('config_validation_failed', {
    doing: 'reading FL_CERT_EXTRA_SAN',
    found: `the entry ${JSON.stringify(entry.slice(0, 80))}`,
    expected: 'IP:<v4 or v6 address> or DNS:<name>, separated by commas',
    variable: 'FL_CERT_EXTRA_SAN',
    example: 'IP:203.0.113.7,DNS:superlink.example.org',
  });

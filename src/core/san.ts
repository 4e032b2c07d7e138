// Names in a certificate (subjectAltName) as FL_CERT_EXTRA_SAN writes them: `IP:203.0.113.7`, `DNS:*.example.org`.
import { readHostName } from './hostport.ts';
import { isMulticast, isUnspecified, mappedV4, parseIp } from './ip.ts';
import { err, ok, type Result } from './result.ts';

/** `value` is a canonical address, or a lower-case name that may begin with `*.`. */
export interface SubjectAltName {
  readonly type: 'IP' | 'DNS';
  readonly value: string;
}

/** A certificate with more names than this does not fit every TLS client's limits. */
const MOST_ENTRIES = 100;

export const formatSan = ({ type, value }: SubjectAltName): string => `${type}:${value}`;

/** Reads the comma-separated list; an entry that is repeated counts once. */
export function readSanList(text: string): Result<readonly SubjectAltName[]> {
  const entries = new Map<string, SubjectAltName>();
  for (const [index, piece] of text.split(',').entries()) {
    const entry = readEntry(piece.trim());
    if (!entry.ok) return err(`entry ${index + 1}: ${entry.why}`);
    entries.set(formatSan(entry.value), entry.value);
    if (entries.size > MOST_ENTRIES) return err(`more than ${MOST_ENTRIES} entries`);
  }
  return ok([...entries.values()]);
}

function readEntry(text: string): Result<SubjectAltName> {
  if (text === '') return err('it is empty');
  const [, type, value] = /^(IP|DNS)\s*:\s*(.*)$/is.exec(text) ?? [];
  if (type === undefined || value === undefined) {
    const guess = parseIp(text) === undefined ? 'DNS:' : 'IP:';
    return err(`its type is missing; write ${guess} before it`);
  }
  return type.toUpperCase() === 'IP' ? readIpEntry(value) : readDnsEntry(value);
}

function readIpEntry(value: string): Result<SubjectAltName> {
  if (value.includes('%')) return err('a certificate cannot hold an address with a zone (%)');
  const ip = parseIp(value);
  if (ip === undefined) return err('what follows IP: is not an IP address');
  const mapped = mappedV4(ip);
  if (mapped !== undefined) return err(`this is an IPv4 address written as IPv6; write IP:${mapped}`);
  if (isUnspecified(ip) || isMulticast(ip)) return err('no client can connect to this address');
  return ok({ type: 'IP', value: ip.text });
}

function readDnsEntry(value: string): Result<SubjectAltName> {
  if (parseIp(value) !== undefined) return err('this is an address; write IP: before it');
  const wildcard = value.startsWith('*.');
  const name = readHostName(wildcard ? value.slice(2) : value);
  return name.ok ? ok({ type: 'DNS', value: wildcard ? `*.${name.value}` : name.value }) : name;
}

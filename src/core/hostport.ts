// host:port, in the form of the CONTEXT and of Flower.
import { isMulticast, mappedV4, parseIp } from './ip.ts';
import { err, ok, type Result } from './result.ts';

export interface HostPort {
  /** An IPv4 or IPv6 address in canonical form (no brackets), or a lower-case host name. */
  readonly host: string;
  readonly port: number;
}

/** `10.0.0.5:9092`, `[fd00::5]:9092`, `superlink.example.org:9092`. */
export const formatHostPort = ({ host, port }: HostPort): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Undefined when the text is not host:port; `readHostPort` says why. */
export function parseHostPort(text: string): HostPort | undefined {
  const read = readHostPort(text);
  return read.ok ? read.value : undefined;
}

/** Reads host:port with port 1-65535; IPv6 in brackets. */
export function readHostPort(text: string): Result<HostPort> {
  if (text.includes('://')) return err('this is a URL; host:port is expected');
  const colon = text.lastIndexOf(':');
  const bracket = text.lastIndexOf(']');
  if (colon <= bracket) return err('the port is missing');
  const port = readPort(text.slice(colon + 1));
  const host = readHost(text.slice(0, colon));
  if (!host.ok) return host;
  return port.ok ? ok({ host: host.value, port: port.value }) : port;
}

function readPort(text: string): Result<number> {
  if (!/^[1-9]\d{0,4}$/.test(text)) return err('the port is not a number from 1 to 65535');
  return Number(text) <= 65_535 ? ok(Number(text)) : err('the port is above 65535');
}

function readHost(text: string): Result<string> {
  if (text === '') return err('the host before the colon is missing');
  if (text.startsWith('[') || text.endsWith(']')) {
    const inner = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : '';
    if (inner.includes('%')) return err('an IPv6 address with a zone (%) is valid on one machine only');
    return parseIp(inner)?.version === 6
      ? readAddress(inner)
      : err('the text in brackets is no IPv6 address');
  }
  if (text.includes(':')) return err('an IPv6 address needs brackets: [address]:port');
  return parseIp(text) === undefined ? readHostName(text) : readAddress(text);
}

function readAddress(text: string): Result<string> {
  const ip = parseIp(text)!;
  const mapped = mappedV4(ip);
  if (mapped !== undefined) return err(`this is an IPv4 address written as IPv6; write ${mapped}`);
  return isMulticast(ip) ? err('this is a multicast or broadcast address') : ok(ip.text);
}

/** A host name by RFC 1123, in lower case. A text whose last part is a number is an invalid address, not a name. */
export function readHostName(text: string): Result<string> {
  if (text.length > 253) return err('a host name has at most 253 characters');
  const labels = text.split('.');
  if (/^\d+$/.test(labels.at(-1)!)) return err('this is neither an IPv4 address nor a host name');
  const wrong = labels.find((label) => !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
  if (wrong === undefined) return ok(text.toLowerCase());
  return err('a host name has parts of 1 to 63 letters, digits and inner hyphens, separated by dots');
}

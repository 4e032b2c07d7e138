// IP addresses between their text and the bytes that stand in a certificate.
import { parseIp } from '../core/ip.ts';

/** Canonical spelling; undefined for what is no address. A zone (`fe80::1%eth0`) has no place in a certificate. */
export const canonicalIp = (text: string): string | undefined => parseIp(withoutZone(text))?.text;

/** The 4 or 16 bytes of an address; ::ffff:10.0.0.1 stays an IPv6 address, as gRPC compares it. */
export function ipBytes(text: string): Buffer | undefined {
  const ip = parseIp(withoutZone(text));
  return ip && Buffer.from(ip.version === 4 ? ip.parts : ip.parts.flatMap((part) => [part >> 8, part & 255]));
}

/** The canonical spelling of 4 or 16 bytes; undefined for another number of them. */
export function ipText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  return parseIp(Buffer.from(bytes).toString('hex').match(/.{4}/g)?.join(':') ?? '')?.text;
}

const withoutZone = (text: string): string => (text.includes(':') ? text.replace(/%.+$/, '') : text);

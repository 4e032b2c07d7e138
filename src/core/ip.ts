// The only reader of IP addresses, as text and as the bytes in a certificate, with one canonical spelling.
// (node:net has isIP, but it accepts zones, and only src/host may import node:net.)
import { parseUrl } from './url.ts';

export interface Ip {
  readonly version: 4 | 6;
  /** Dotted decimal, or RFC 5952: lower case, the longest run of zeros as `::`. */
  readonly text: string;
  /** 4 or 8 numbers, highest first: bytes of IPv4, 16-bit groups of IPv6. */
  readonly parts: readonly number[];
}

/** Undefined for everything but a plain address: no zone (`%eth0`), no prefix length, no brackets, no leading zeros. */
export function parseIp(text: string): Ip | undefined {
  if (text.length > 45) return undefined;
  const v4 = parseV4(text);
  if (v4 !== undefined) return { version: 4, parts: v4, text: v4.join('.') };
  const v6 = parseV6(text);
  return v6 === undefined ? undefined : { version: 6, parts: v6, text: formatV6(v6) };
}

/** The canonical spelling. A zone (`fe80::1%eth0`) is dropped, because certificates hold none; undefined for no address. */
export const canonicalIp = (text: string): string | undefined =>
  parseIp(text.includes(':') ? text.replace(/%.+$/, '') : text)?.text;

/** The 4 or 16 bytes of an address. ::ffff:10.0.0.1 stays an IPv6 address, as gRPC compares it. */
export const ipBytes = ({ version, parts }: Ip): Buffer =>
  Buffer.from(version === 4 ? parts : bytesOf(...parts));

/** The canonical spelling of 4 or 16 bytes; undefined for another number of them. */
export function ipText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Buffer.from(bytes).toString('hex').match(/.{4}/g);
  return bytes.length === 16 && groups !== null
    ? formatV6(groups.map((hex) => Number.parseInt(hex, 16)))
    : undefined;
}

/** 0.0.0.0 or ::, to listen on, never to connect to. */
export const isUnspecified = (ip: Ip): boolean => ip.parts.every((part) => part === 0);

/** 127.0.0.0/8 or ::1. */
export const isLoopback = (ip: Ip): boolean =>
  ip.version === 4
    ? ip.parts[0] === 127
    : ip.parts.slice(0, 7).every((part) => part === 0) && ip.parts[7] === 1;

/** fe80::/10 or 169.254.0.0/16: valid on one link only. */
export const isLinkLocal = (ip: Ip): boolean =>
  ip.version === 4 ? ip.parts[0] === 169 && ip.parts[1] === 254 : (ip.parts[0]! & 0xff_c0) === 0xfe_80;

/** 224.0.0.0/4, ff00::/8 or 255.255.255.255: not one machine. */
export const isMulticast = (ip: Ip): boolean =>
  ip.version === 4
    ? (ip.parts[0]! & 0xf0) === 0xe0 || ip.text === '255.255.255.255'
    : ip.parts[0]! >= 0xff_00;

/** The IPv4 address inside ::ffff:a.b.c.d, which a certificate must name as IPv4; undefined for other addresses. */
export function mappedV4(ip: Ip): string | undefined {
  if (ip.version === 4 || ip.parts[5] !== 0xff_ff || ip.parts.slice(0, 5).some((part) => part !== 0))
    return undefined;
  return bytesOf(ip.parts[6]!, ip.parts[7]!).join('.');
}

function parseV4(text: string): number[] | undefined {
  const parts = text.split('.');
  const fine =
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return fine ? parts.map(Number) : undefined;
}

/** By WHATWG URL, which reads and writes IPv6 as RFC 4291 and RFC 5952 say. */
function parseV6(text: string): number[] | undefined {
  if (!/^[\da-f:.]+$/i.test(text)) return undefined;
  const [head, tail] = canonicalV6(text)
    .split('::')
    .map((half) => half.split(':').flatMap((hex) => (hex === '' ? [] : Number.parseInt(hex, 16))));
  if (head === undefined || tail === undefined) return head?.length === 8 ? head : undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** Empty when the text is no address. */
const canonicalV6 = (text: string): string => parseUrl(`http://[${text}]`)?.hostname.slice(1, -1) ?? '';

function formatV6(parts: readonly number[]): string {
  const mapped = mappedV4({ version: 6, parts, text: '' });
  return mapped === undefined
    ? canonicalV6(parts.map((part) => part.toString(16)).join(':'))
    : `::ffff:${mapped}`;
}

const bytesOf = (...groups: readonly number[]): number[] =>
  groups.flatMap((group) => [group >> 8, group & 255]);

// An address as it travels over OneGate. Brackets do not survive there (exchanges 115, 116), so an IPv6 endpoint is
// published bare and read back at its last colon: fd00::5:9092 is port 9092 of fd00::5. A port is always there.
import { isIP } from '../host/net.ts';

export interface HostPort {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const NAME =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/** host:port in the form that OneGate can carry. */
export const encodeEndpoint = ({ host, port }: HostPort): string => `${host}:${port}`;

/** What another node published as its endpoint; undefined when it is not an address one can dial. */
export function decodeEndpoint(text: string): HostPort | undefined {
  if (text.length > 300) return undefined;
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2]!;
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  if (host.includes(':') ? isIP(host) !== 6 || host === '::' : isIP(host) === 0 && !NAME.test(host))
    return undefined;
  // 300.1.2.3 is no address, and nobody's name either; 0.0.0.0 is where one listens, not what one dials.
  if (/^[\d.]+$/.test(host) && (isIP(host) !== 4 || host === '0.0.0.0')) return undefined;
  return { host, port };
}

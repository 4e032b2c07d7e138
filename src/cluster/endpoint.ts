// An address as it travels over OneGate. Brackets do not survive there (exchanges 115, 116), so an IPv6 endpoint is
// published bare and read back at its last colon: fd00::5:9092 is port 9092 of fd00::5. A port is always there.
import { type HostPort, parseHostPort } from '../core/hostport.ts';
import { isUnspecified, parseIp } from '../core/ip.ts';

/** host:port in the form that OneGate can carry. */
export const encodeEndpoint = ({ host, port }: HostPort): string => `${host}:${port}`;

/** What another node published as its endpoint; undefined when it is not an address one can dial. */
export function decodeEndpoint(text: string): HostPort | undefined {
  const colon = text.lastIndexOf(':');
  const bare = text.indexOf(':') < colon && !text.startsWith('[');
  const endpoint = parseHostPort(bare ? `[${text.slice(0, colon)}]${text.slice(colon)}` : text);
  if (endpoint === undefined) return undefined;
  // 0.0.0.0 and :: are where one listens, not what one dials.
  const address = parseIp(endpoint.host);
  return address !== undefined && isUnspecified(address) ? undefined : endpoint;
}

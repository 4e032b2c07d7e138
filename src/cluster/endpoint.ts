// The endpoint of a SuperLink on OneGate, which does not store brackets (recorded exchanges 115, 116). So an IPv6 endpoint
// is published without them, and the port follows the last colon: fd00::5:9092 is port 9092 of fd00::5.
import { type HostPort, parseHostPort } from '../core/hostport.ts';
import { isUnspecified, parseIp } from '../core/ip.ts';

/** host:port in the form that OneGate can store. */
export const encodeEndpoint = ({ host, port }: HostPort): string => `${host}:${port}`;

/** The endpoint that another node published; undefined when no client can connect to it. */
export function decodeEndpoint(text: string): HostPort | undefined {
  const colon = text.lastIndexOf(':');
  const bare = text.indexOf(':') < colon && !text.startsWith('[');
  const endpoint = parseHostPort(bare ? `[${text.slice(0, colon)}]${text.slice(colon)}` : text);
  if (endpoint === undefined) return undefined;
  const address = parseIp(endpoint.host);
  return address !== undefined && isUnspecified(address) ? undefined : endpoint;
}

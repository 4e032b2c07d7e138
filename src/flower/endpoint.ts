// Addresses as Flower wants them on its command line.

/** A host without brackets and a port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `[v6]:port`. */
export const formatEndpoint = ({ host, port }: Endpoint): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/**
 * Where a listener that is meant for this VM only goes: the operator's 127.0.0.1 is the appliance's loopback address,
 * which is another 127.x where several "VMs" share one machine (demo, tests).
 */
export const onLoopback = (endpoint: Endpoint, loopback: string): Endpoint =>
  endpoint.host === '127.0.0.1' || endpoint.host === 'localhost' ? { ...endpoint, host: loopback } : endpoint;

/** The address a program on the same VM dials to reach a listener: a wildcard is met on the loopback address. */
export const dialable = (listen: Endpoint, loopback: string): Endpoint =>
  listen.host === '0.0.0.0' || listen.host === '::' ? { ...listen, host: loopback } : listen;

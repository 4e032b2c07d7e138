// Where Flower's listeners are, seen from the VM itself.
import type { HostPort } from '../core/hostport.ts';

/**
 * Where a listener that is meant for this VM only goes: the operator's 127.0.0.1 is the appliance's loopback address,
 * which is another 127.x where several "VMs" share one machine (demo, tests).
 */
export const onLoopback = (endpoint: HostPort, loopback: string): HostPort =>
  endpoint.host === '127.0.0.1' || endpoint.host === 'localhost' ? { ...endpoint, host: loopback } : endpoint;

/** The address a program on the same VM dials to reach a listener: a wildcard is met on the loopback address. */
export const dialable = (listen: HostPort, loopback: string): HostPort =>
  listen.host === '0.0.0.0' || listen.host === '::' ? { ...listen, host: loopback } : listen;

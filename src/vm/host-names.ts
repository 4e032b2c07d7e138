// The host name that one-context gives this VM. The agent starts beside the network stage of one-context, so that the
// kernel may still have the name of the image when the first certificate is made.
import { Buffer } from 'node:buffer';

/**
 * The names that net-15-hostname makes of SET_HOSTNAME: the whole name, and the part before the first dot, which the kernel
 * gets. Bytes that are not allowed in a host name become `-`, and a `-` at either end is removed. Empty without SET_HOSTNAME.
 */
export function namesFromContext(raw: Readonly<Record<string, string>>): string[] {
  const bytes = Buffer.from(raw['SET_HOSTNAME'] ?? '').toString('latin1');
  return withHostPart(bytes.replaceAll(/[^-a-zA-Z0-9.]/g, '-').replaceAll(/^-+|-+$/g, ''));
}

/** Whether one-context asks DNS for the name of the first address of this VM. */
export const asksDns = (raw: Readonly<Record<string, string>>): boolean =>
  !raw['SET_HOSTNAME'] && Boolean(raw['DNS_HOSTNAME']);

/** A name, and its part before the first dot when that is another one. */
export function withHostPart(name: string): string[] {
  const [host = ''] = name.split('.');
  return [...new Set([name, host])].filter((one) => one !== '');
}

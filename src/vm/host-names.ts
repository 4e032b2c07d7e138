// The host name that one-context is going to give this VM. The agent starts beside one-context's network stage, so the
// kernel may still have the image's name when the first certificate is made.
import { Buffer } from 'node:buffer';

/**
 * What net-15-hostname makes of SET_HOSTNAME: bytes that no host name has become `-`, and none stands at either end. The
 * name as a whole and its part before the first dot, which is what the kernel gets; empty when there is nothing to set.
 */
export function namesFromContext(raw: Readonly<Record<string, string>>): string[] {
  const bytes = Buffer.from(raw['SET_HOSTNAME'] ?? '').toString('latin1');
  return withHostPart(bytes.replaceAll(/[^-a-zA-Z0-9.]/g, '-').replaceAll(/^-+|-+$/g, ''));
}

/** Whether one-context asks DNS for the name of this VM's first address. */
export const asksDns = (raw: Readonly<Record<string, string>>): boolean =>
  !raw['SET_HOSTNAME'] && Boolean(raw['DNS_HOSTNAME']);

/** A name, and its part before the first dot when that is another one. */
export function withHostPart(name: string): string[] {
  const [host = ''] = name.split('.');
  return [...new Set([name, host])].filter((one) => one !== '');
}

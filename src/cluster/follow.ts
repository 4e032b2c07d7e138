// Whether the SuperLink is still where a waiting SuperNode has found it. The attributes of a VM that lost power stay on
// OneGate, so a node can wait at an address that nobody will serve again.

import type { Clock, Random } from '../core/clock.ts';
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import type { OneGate } from '../onegate/client.ts';
import { Pace } from './pace.ts';
import { addressesOf, reach } from './reach.ts';
import { SuperLinkResolver } from './resolver.ts';
import type { SuperLink } from './select.ts';

interface FollowOptions {
  /** Undefined: this VM has none. */
  readonly oneGate: OneGate | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Why no SuperLink is published at this moment, as a clause; undefined while one is. */
  onPending(why: string | undefined): void;
  /** What the service publishes at this moment. */
  onFound?(found: SuperLink): void;
}

/**
 * Resolves when the service publishes a SuperLink with another address, TLS mode or CA than was found before, or is reached
 * at another of its addresses than `endpoint`. Asks as often as a node
 * looks at its partition: each 15 to 30 s; 1,000 nodes together send less than six requests a second. Never resolves for a
 * SuperLink that was not found through OneGate. Errors of OneGate are no reason to give up. Throws the signal's reason.
 */
export async function followSuperLink(
  { endpoint, found: before }: { readonly endpoint: HostPort; readonly found: SuperLink | undefined },
  { oneGate, clock, random, signal, onPending, onFound }: FollowOptions,
): Promise<void> {
  if (before === undefined || oneGate === undefined) return never(signal);
  const pace = new Pace({ clock, random });
  const resolver = new SuperLinkResolver(oneGate, clock);
  const roles = before.service?.roles ?? [];
  pace.size = roles.find(({ nodes }) => nodes.some(({ id }) => id === oneGate.vmId))?.nodes.length ?? 1;
  for (;;) {
    await pace.wait(pace.nextPoll(), async () => {}, signal);
    const found = await resolver.poll(signal).catch((error: unknown) => {
      if (error instanceof Problem) return { for: `an answer of OneGate: ${error.message}` };
      throw error;
    });
    pace.size = Math.max(pace.size, resolver.roleSize);
    if ('endpoint' in found) onFound?.(found);
    if (!('endpoint' in found)) onPending(`OneGate says: wait for ${found.for}`);
    else if (identityOf(found) !== identityOf(before) || (await isElsewhere(found, endpoint))) return;
    else onPending(undefined);
  }
}

/** What a boot has to start again for, besides the address. */
const identityOf = ({ tls, caCert }: SuperLink): string => JSON.stringify([tls ?? null, caCert ?? null]);

/** Whether the SuperLink has left the address, or is reached at another one only. */
async function isElsewhere(found: SuperLink, endpoint: HostPort): Promise<boolean> {
  const now = formatHostPort(endpoint);
  if (!addressesOf(found).some((one) => formatHostPort(one) === now)) return true;
  const reached = await reach(found);
  return reached.open === true && formatHostPort(reached.endpoint) !== now;
}

const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

// Which of its SuperLink's addresses a SuperNode dials. A SuperLink with IPv4 and IPv6 publishes both (FL_ENDPOINT,
// FL_ENDPOINT6), and a node may have one of the two, or a path by one of the two.
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { NO_ROUTE } from '../host/errno.ts';
import { tryConnect } from '../host/net.ts';
import type { SuperLink } from './select.ts';

const WITHIN_MS = 3_000;

interface Reached {
  readonly endpoint: HostPort;
  /** It has accepted a connection just now; undefined: there is no choice, and nothing was tried. */
  readonly open: boolean | undefined;
  /** Why the other addresses are not used, each a clause; empty when one was not tried. */
  readonly others: readonly string[];
}

/** FL_ENDPOINT and FL_ENDPOINT6, in the order in which they are tried. */
export const addressesOf = ({
  endpoint,
  endpoint6,
}: Pick<SuperLink, 'endpoint' | 'endpoint6'>): HostPort[] =>
  endpoint6 === undefined ? [endpoint] : [endpoint, endpoint6];

/**
 * The first address that accepts a connection; when none does, the first to which there is a route. `connect`: undefined after
 * success, else the reason. Takes no time when there is one address.
 */
export async function reach(
  superLink: Pick<SuperLink, 'endpoint' | 'endpoint6'>,
  connect: typeof tryConnect = tryConnect,
): Promise<Reached> {
  const addresses = addressesOf(superLink);
  if (addresses.length === 1) return { endpoint: superLink.endpoint, open: undefined, others: [] };
  // At the same time: a path that drops everything must not delay the other one.
  const tries = addresses.map(async (endpoint) => ({
    endpoint,
    why: await connect(endpoint.host, endpoint.port, WITHIN_MS),
  }));
  const failed: { readonly endpoint: HostPort; readonly why: string }[] = [];
  const clauses = (): string[] => failed.map(({ endpoint, why }) => `${formatHostPort(endpoint)}: ${why}`);
  for (const one of tries) {
    const { endpoint, why } = await one;
    if (why === undefined) return { endpoint, open: true, others: clauses() };
    failed.push({ endpoint, why });
  }
  const { endpoint } = failed.find(({ why }) => why !== NO_ROUTE) ?? failed[0]!;
  failed.splice(
    failed.findIndex((one) => one.endpoint === endpoint),
    1,
  );
  return { endpoint, open: false, others: clauses() };
}

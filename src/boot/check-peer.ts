// Whether the SuperLink at the end of the address is one this node can trust. Flower does not say: a SuperNode whose
// SuperLink shows a certificate for another address retries forever and logs nothing (seen in Flower 1.31 to 1.39).
import { formatHostPort, type HostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { NO_ROUTE } from '../host/errno.ts';
import { probeTls } from '../host/net.ts';
import type { WhichClock } from '../tls/certificate.ts';
import { explainPeer } from '../tls/peer.ts';

const WITHIN_MS = 3_000;

const OTHER_FAMILY =
  'give this VM a route to that address, or the SuperLink an address that this VM can reach: IPv4 and IPv6 addresses of the SuperLink are published, and a node dials the one that it reaches';

/**
 * Compares what listens at the SuperLink's address with what this node trusts; `caPem` undefined: plaintext. Returns a
 * warning when nothing answers or when it speaks TLS to a node of plaintext (that may pass), undefined when all is well.
 * @throws Problem ca_mismatch, address_not_in_certificate, tls_mode_mismatch, ... when waiting cannot help.
 */
export async function checkPeerTls(
  endpoint: HostPort,
  caPem: string | undefined,
  now: Date,
  which?: WhichClock,
): Promise<Problem | undefined> {
  const address = formatHostPort(endpoint);
  const doing = `checking the SuperLink at ${address}`;
  const found = await probeTls(endpoint.host, endpoint.port, WITHIN_MS);
  if (found.kind === 'unreachable')
    return new Problem('superlink_unreachable', {
      doing,
      found: `${address}: ${found.why}`,
      ...(found.why === NO_ROUTE && { remedy: OTHER_FAMILY }),
    });
  if (caPem === undefined)
    return found.kind === 'plain'
      ? undefined
      : new Problem('tls_mode_mismatch', {
          severity: 'warning',
          doing,
          found: `${address} speaks TLS, but FL_TLS_ENABLED=NO makes this node use plaintext`,
        });
  if (found.kind === 'plain')
    throw new Problem('tls_mode_mismatch', {
      doing,
      found: 'what listens there does not speak TLS',
      expected: 'a TLS server, because this node has a CA to verify it with',
      remedy: 'check that the port is the Fleet API of a SuperLink with FL_TLS_ENABLED=YES',
    });
  const problem = explainPeer({ chainPem: found.chainPem, caPem, host: endpoint.host, now, which });
  if (problem !== undefined) throw problem;
  return undefined;
}

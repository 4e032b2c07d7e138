// What Flower does not say, said beforehand: whether the SuperLink at the end of the address is one this node can
// trust. A SuperNode whose SuperLink shows a certificate for another address retries for ever in silence (flower.md 8).

import { formatHostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { probeTls, type TlsProbe } from '../host/net.ts';
import { explainPeer } from '../tls/peer.ts';
import type { Knowledge } from './knowledge.ts';

const WITHIN_MS = 3_000;

/** Asks what listens at the SuperLink's address. Needs no trust yet, so the answer may be on its way while that is decided. */
export function probeSuperLink(known: Knowledge): Promise<TlsProbe> {
  const { host, port } = known.get('superlink').endpoint;
  return probeTls(host, port, WITHIN_MS);
}

/**
 * Looks at what listens at the SuperLink's address. Returns a sentence when nothing answers (that may pass), undefined
 * when all is well. Throws Problem ca_mismatch, address_not_in_certificate, tls_mode_mismatch, ... when waiting cannot help.
 */
export async function checkPeerTls(
  known: Knowledge,
  now: Date,
  greeted: Promise<TlsProbe> = probeSuperLink(known),
): Promise<string | undefined> {
  const { endpoint } = known.get('superlink');
  const trust = known.get('clientTrust');
  const shown = formatHostPort(endpoint);
  const greeting = await greeted;
  if (greeting.kind === 'unreachable') return `${shown}: ${greeting.why}`;
  if (trust === undefined) {
    return greeting.kind === 'plain'
      ? undefined
      : `${shown} speaks TLS, but FL_TLS_ENABLED=NO tells this node to use plaintext`;
  }
  if (greeting.kind === 'plain') {
    throw new Problem('tls_mode_mismatch', {
      doing: `looking at the SuperLink at ${shown}`,
      found: 'what listens there does not speak TLS',
      expected: 'a TLS server, because this node has a CA to verify it with',
      remedy: 'check that the port is the Fleet API of a SuperLink with FL_TLS_ENABLED=YES',
    });
  }
  const problem = explainPeer({ chainPem: greeting.chainPem, caPem: trust.caPem, host: endpoint.host, now });
  if (problem !== undefined) throw problem;
  return undefined;
}

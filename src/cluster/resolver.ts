// Finding the SuperLink through OneGate. What peers publish is a stranger's text: it is checked before it is used, and
// what does not pass is named in the wait, not obeyed.
//
// A look costs one request once the SuperLink's VM is known, two before. `exponential` looks again after about 1 s,
// then 2, 4, ... up to the cap, without end - but while the SuperLink's VM is there and still booting it stays quick
// for a minute, as far as the size of the role allows. `fixed` looks 30 times, 10 s apart, and gives up.
import type { Clock, Random } from '../core/clock.ts';
import { Problem } from '../core/problem.ts';
import { ONCE, type OneGate } from '../onegate/client.ts';
import type { Role, Service, Vm } from '../onegate/replies.ts';
import { type Pending, type SuperLink, sanitize, selectSuperLink } from './select.ts';

export type { SuperLink } from './select.ts';

export interface DiscoveryWait {
  readonly for: string;
  readonly since: Date;
  /** Undefined: without end. */
  readonly until: Date | undefined;
  readonly check: string;
}

export interface DiscoveryOptions {
  readonly oneGate: OneGate;
  readonly clock: Clock;
  readonly random: Random;
  readonly backoff: 'fixed' | 'exponential';
  readonly maxBackoffSeconds: number;
  readonly onWait?: (wait: DiscoveryWait) => void;
  readonly signal?: AbortSignal | undefined;
}

const FIXED_TRIES = 30;
const FIXED_WAIT_MS = 10_000;
const FIRST_WAIT_MS = 1_000;
const QUICK_WAIT_MS = 2_000;
const QUICK_FOR_MS = 60_000;
/** All SuperNodes of a role together ask at most this often while they wait (oned serves 15 connections). */
const ROLE_REQUESTS_PER_SECOND = 10;
/** The list of VMs is read again at least this often: the SuperLink may be replaced while it is waited for. */
const SERVICE_AGE_MS = 30_000;

/**
 * The SuperLink of this VM's service, once it says FL_READY=YES and gives an address that can be dialled.
 * Throws Problem not_in_service and superlink_ambiguous at once, discovery_timeout after the last fixed try, and the
 * signal's reason when aborted.
 */
export async function findSuperLink(options: DiscoveryOptions): Promise<SuperLink> {
  const { oneGate, clock, random, backoff, maxBackoffSeconds, onWait, signal } = options;
  const began = clock.monotonicMs();
  const since = clock.now();
  const until =
    backoff === 'fixed' ? new Date(since.getTime() + (FIXED_TRIES - 1) * FIXED_WAIT_MS) : undefined;
  const looker = new SuperLinkResolver(oneGate, clock);
  const fixedWaits = fixedSpacing(random);

  let knownSince: number | undefined;
  for (let attempt = 1, doublings = 0; ; attempt++) {
    const seen = await looker.poll(signal);
    if ('endpoint' in seen) return seen;
    if (backoff === 'fixed' && attempt >= FIXED_TRIES) {
      throw new Problem('discovery_timeout', {
        doing: 'looking for the SuperLink',
        found: `after ${attempt} tries in ${Math.round((clock.monotonicMs() - began) / 1000)} s still waiting for ${seen.for}`,
        remedy: `${seen.check}; FL_EDGE_BACKOFF=exponential waits without end`,
        variable: 'FL_EDGE_BACKOFF',
        ...(looker.lastProblem === undefined ? {} : { cause: looker.lastProblem }),
      });
    }
    onWait?.({ for: seen.for, since, until, check: seen.check });

    if (backoff === 'fixed') {
      await clock.sleep(fixedWaits[attempt - 1]!, signal);
      continue;
    }
    knownSince = seen.known ? (knownSince ?? clock.monotonicMs()) : undefined;
    const cap = maxBackoffSeconds * 1_000;
    const quick = knownSince !== undefined && clock.monotonicMs() - knownSince < QUICK_FOR_MS;
    const bound = quick
      ? Math.max(
          Math.min(FIRST_WAIT_MS * 2 ** doublings, QUICK_WAIT_MS),
          (looker.roleSize * 1_000) / ROLE_REQUESTS_PER_SECOND,
        )
      : FIRST_WAIT_MS * 2 ** doublings;
    doublings = Math.min(doublings + 1, quick ? 1 : 30);
    await clock.sleep(jittered(Math.min(bound, cap), random), signal);
  }
}

/** 29 waits of 10 s, the first made shorter by chance and the last longer by as much: nodes that booted in the same second drift apart. */
function fixedSpacing(random: Random): number[] {
  const waits = Array.from({ length: FIXED_TRIES - 1 }, () => FIXED_WAIT_MS);
  const shift = Math.round(random() * 0.9 * FIXED_WAIT_MS);
  waits[0]! -= shift;
  waits[waits.length - 1]! += shift;
  return waits;
}

/** Between half of it and all of it: nodes that booted in the same second drift apart, and none waits for nothing. */
const jittered = (ms: number, random: Random): number => Math.round(ms * (0.5 + random() / 2));

/** Looks once per call, and remembers between looks which VM is the SuperLink's. */
export class SuperLinkResolver {
  readonly #oneGate: OneGate;
  readonly #clock: Clock;
  #service: Service | undefined;
  #readAt = 0;
  #candidates: readonly number[] = [];
  /** How many nodes this VM's role has, as last seen. */
  roleSize = 1;
  /** What OneGate last failed with; undefined after a good answer. */
  lastProblem: Problem | undefined;

  constructor(oneGate: OneGate, clock: Clock) {
    this.#oneGate = oneGate;
    this.#clock = clock;
  }

  /** One look, each question asked once. OneGate's failures are a reason to wait; not_in_service is thrown. */
  async poll(signal?: AbortSignal): Promise<SuperLink | Pending> {
    try {
      const found = await this.#look(signal);
      this.lastProblem = undefined;
      return found;
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'onegate_unreachable') throw error;
      this.lastProblem = error;
      // Whatever was known may be the reason (a VM that is gone): begin with the list next time.
      this.#candidates = [];
      return {
        for: `an answer of OneGate: ${error.facts.doing}: ${error.facts.found}`,
        check: error.facts.remedy ?? 'OneGate',
        known: false,
      };
    }
  }

  async #look(signal: AbortSignal | undefined): Promise<SuperLink | Pending> {
    const asked = { policy: ONCE, signal };
    const now = this.#clock.monotonicMs();
    if (this.#candidates.length === 0 || now - this.#readAt > SERVICE_AGE_MS) {
      const service = await this.#oneGate.service(asked);
      this.#readAt = now;
      this.#service = service;
      const roles = splitRoles(service, this.#oneGate.vmId);
      if ('for' in roles) return roles;
      this.roleSize = Math.max(1, roles.own.nodes.length);
      this.#candidates = roles.superLink.nodes
        .map((node) => node.id)
        .sort((a, b) => a - b)
        .slice(0, 8);
      if (this.#candidates.length === 0) {
        return {
          for: `OneFlow to create the VM of role ${sanitize(roles.superLink.name)}`,
          check: `the service's state on the front-end (\`oneflow show ${service.id}\`)`,
          known: false,
        };
      }
    }
    const vms: Vm[] = [];
    for (const id of this.#candidates) vms.push(await this.#oneGate.peer(id, asked));
    return selectSuperLink(vms, this.#service);
  }
}

/** Which role is ours and which is the SuperLink's. Throws Problem superlink_ambiguous when nobody could know. */
export function splitRoles(service: Service, myVmId: number): { own: Role; superLink: Role } | Pending {
  const own = service.roles.find((role) => role.nodes.some((node) => node.id === myVmId));
  if (own === undefined) {
    return {
      for: `OneFlow to list VM ${myVmId} among the nodes of service ${service.id}`,
      check: `that the VM is shown in \`oneflow show ${service.id}\` on the front-end`,
      known: false,
    };
  }
  const others = service.roles.filter((role) => role !== own);
  const named = others.filter((role) => role.name.toLowerCase() === 'superlink');
  const superLink = named.length === 1 ? named[0] : others.length === 1 ? others[0] : undefined;
  if (superLink !== undefined) return { own, superLink };
  const names = others.map((role) => sanitize(role.name)).join(', ');
  throw new Problem('superlink_ambiguous', {
    doing: `looking for the SuperLink in service ${service.id}`,
    found:
      others.length === 0
        ? `this VM's role ${sanitize(own.name)} is its only role`
        : `besides ${sanitize(own.name)} it has the roles ${names}`,
    expected: 'one role named superlink, or only one other role',
  });
}

// Finds the SuperLink of a service through OneGate.
//
// A poll is two requests, and one once the SuperLink's VM is known. `exponential` polls again after about 1 s, then 2, 4,
// ... up to the maximum, without end. While the SuperLink's VM exists and boots, it polls every 2 s for a minute, or less
// often in a large role. `fixed` polls 30 times, 10 s apart, and then fails.
import type { Clock, Random } from '../core/clock.ts';
import { backoff as doubling, withJitter } from '../core/jitter.ts';
import { Problem } from '../core/problem.ts';
import { plain } from '../core/text.ts';
import { ONCE, type OneGate } from '../onegate/client.ts';
import type { Role, Service, Vm } from '../onegate/replies.ts';
import { type Pending, type SuperLink, selectSuperLink } from './select.ts';

export type { SuperLink } from './select.ts';

/** @internal */
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
/** All SuperNodes of a role together send at most so many requests while they wait (oned serves 15 connections). */
const ROLE_REQUESTS_PER_SECOND = 10;
/** The list of VMs is read again after this time, because the SuperLink may be replaced during the wait. */
const SERVICE_AGE_MS = 30_000;

/**
 * The SuperLink of this VM's service, once it publishes FL_READY=YES and a valid FL_ENDPOINT.
 * Throws Problem not_in_service and superlink_ambiguous at once, discovery_timeout after the last fixed try, and the
 * signal's reason when aborted.
 */
export async function findSuperLink(options: DiscoveryOptions): Promise<SuperLink> {
  const { oneGate, clock, random, backoff, maxBackoffSeconds, onWait, signal } = options;
  const began = clock.monotonicMs();
  const since = clock.now();
  const until =
    backoff === 'fixed' ? new Date(since.getTime() + (FIXED_TRIES - 1) * FIXED_WAIT_MS) : undefined;
  const resolver = new SuperLinkResolver(oneGate, clock);
  const fixedWaits = fixedSpacing(random);

  let knownSince: number | undefined;
  for (let attempt = 1, step = 1; ; attempt++) {
    const found = await resolver.poll(signal);
    if ('endpoint' in found) return found;
    if (backoff === 'fixed' && attempt >= FIXED_TRIES) {
      throw new Problem('discovery_timeout', {
        doing: 'looking for the SuperLink',
        found: `after ${attempt} tries in ${Math.round((clock.monotonicMs() - began) / 1000)} s still waiting for ${found.for}`,
        remedy: `${found.check}; FL_EDGE_BACKOFF=exponential waits without end`,
        variable: 'FL_EDGE_BACKOFF',
        cause: resolver.lastProblem,
      });
    }
    onWait?.({ for: found.for, since, until, check: found.check });

    if (backoff === 'fixed') {
      await clock.sleep(fixedWaits[attempt - 1]!, signal);
      continue;
    }
    knownSince = found.vmExists ? (knownSince ?? clock.monotonicMs()) : undefined;
    const cap = maxBackoffSeconds * 1_000;
    const quick = knownSince !== undefined && clock.monotonicMs() - knownSince < QUICK_FOR_MS;
    const together = (resolver.roleSize * 1_000) / ROLE_REQUESTS_PER_SECOND;
    const bound = quick
      ? Math.max(doubling(step, FIRST_WAIT_MS, QUICK_WAIT_MS), together)
      : doubling(step, FIRST_WAIT_MS, cap);
    step = quick ? 2 : step + 1;
    await clock.sleep(withJitter(Math.min(bound, cap), random), signal);
  }
}

/** 29 waits of 10 s. The first is shorter by a random part and the last longer by as much, so nodes do not poll together. */
function fixedSpacing(random: Random): number[] {
  const shift = Math.round(random() * 0.9 * FIXED_WAIT_MS);
  const middle = new Array<number>(FIXED_TRIES - 3).fill(FIXED_WAIT_MS);
  return [FIXED_WAIT_MS - shift, ...middle, FIXED_WAIT_MS + shift];
}

/** Polls once per call, and remembers which VMs have the SuperLink's role. */
export class SuperLinkResolver {
  readonly #oneGate: OneGate;
  readonly #clock: Clock;
  #service: Service | undefined;
  #readAt = 0;
  #candidates: readonly number[] = [];
  /** How many nodes this VM's role has, in the last list. */
  roleSize = 1;
  /** The last error of OneGate; undefined after an answer. */
  lastProblem: Problem | undefined;

  constructor(oneGate: OneGate, clock: Clock) {
    this.#oneGate = oneGate;
    this.#clock = clock;
  }

  /** One poll without repeated requests. Errors of OneGate are a reason to wait; not_in_service is thrown. */
  async poll(signal?: AbortSignal): Promise<SuperLink | Pending> {
    try {
      const found = await this.#read(signal);
      this.lastProblem = undefined;
      return found;
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'onegate_unreachable') throw error;
      this.lastProblem = error;
      // A VM that no longer exists may be the cause, so the next poll begins with the list.
      this.#candidates = [];
      return {
        for: `an answer of OneGate: ${error.facts.doing}: ${error.facts.found}`,
        check: error.facts.remedy ?? 'OneGate',
        vmExists: false,
      };
    }
  }

  async #read(signal: AbortSignal | undefined): Promise<SuperLink | Pending> {
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
          for: `OneFlow to create the VM of role ${nameOf(roles.superLink)}`,
          check: `the service's state on the front-end (\`oneflow show ${service.id}\`)`,
          vmExists: false,
        };
      }
    }
    const vms: Vm[] = [];
    for (const id of this.#candidates) vms.push(await this.#oneGate.peer(id, asked));
    return selectSuperLink(vms, this.#service);
  }
}

/** @internal This VM's role and the SuperLink's. Throws Problem superlink_ambiguous when the roles leave it open. */
export function splitRoles(service: Service, myVmId: number): { own: Role; superLink: Role } | Pending {
  const own = service.roles.find((role) => role.nodes.some((node) => node.id === myVmId));
  if (own === undefined) {
    return {
      for: `OneFlow to list VM ${myVmId} among the nodes of service ${service.id}`,
      check: `that the VM is shown in \`oneflow show ${service.id}\` on the front-end`,
      vmExists: false,
    };
  }
  const others = service.roles.filter((role) => role !== own);
  const named = others.filter((role) => role.name.toLowerCase() === 'superlink');
  const superLink = named.length === 1 ? named[0] : others.length === 1 ? others[0] : undefined;
  if (superLink !== undefined) return { own, superLink };
  const names = plain(others.map(nameOf).join(', '));
  throw new Problem('superlink_ambiguous', {
    doing: `looking for the SuperLink in service ${service.id}`,
    found:
      others.length === 0
        ? `this VM's role ${nameOf(own)} is its only role`
        : `besides ${nameOf(own)} it has the roles ${names}`,
    expected: 'one role named superlink, or only one other role',
  });
}

/** OneFlow takes any text as the name of a role. */
const nameOf = ({ name }: { readonly name: string }): string => plain(name, 64);

// How often a SuperNode asks OneGate about partitions, and how long it waits. Every time depends on the size of the role,
// which is what a reply said: so all of them have an upper limit, and a wait follows the size of the newest reply.
import type { Clock, Random } from '../core/clock.ts';
import { withJitter } from '../core/jitter.ts';
import type { RetryPolicy } from '../onegate/client.ts';

/** The lookups are made one after the other, so a reading of the claims may take longer by this much for each node. */
const CLAIMS_MS_PER_NODE = 20;
/** Between two polls of the list; in a large role longer, so that all nodes together poll once per 500 ms. */
const POLL_MS = 30_000;
const POLL_MS_PER_NODE = 500;
/** After so many polls the claims (after a first deployment: only the own claim) are read although the list is the same. */
export const POLLS_PER_CLAIM_CHECK = 6;
/** The list is read at least this often. */
const LONGEST_LOOK_MS = 600_000;
/** One try of a reading. */
const LONGEST_TRY_MS = 30_000;
/** Nodes of a role react to the same event. Their requests are spread over this much time per node, */
const SPREAD_MS_PER_NODE = 200;
/** and readings of the claims over this much per lookup (N nodes look up N nodes), four times what oned needs for one, */
const SPREAD_MS_PER_LOOKUP = 20;
/** but never over more than this. 1,000 nodes need nearly as much: over ten minutes they would overload oned. */
const LONGEST_SPREAD_MS = 6 * 3_600_000;
/** Readings of all claims without a reason are spread over so many times as much as those with one. */
const SPREADS_WITHOUT_REASON = 10;

/** How long to wait: `ms`, and `share` (0..1) of the time over which the nodes of the role spread their requests. */
interface Pause {
  readonly ms: number;
  readonly share: number;
}

export class Pace {
  /** How many nodes the role has, as the last list said. */
  size = 1;
  /** This node reads the claims of the others. */
  readsClaims = true;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  get #pollMs(): number {
    return Math.min(Math.max(POLL_MS, this.size * POLL_MS_PER_NODE), LONGEST_LOOK_MS);
  }

  get #spreadMs(): number {
    const perNode = this.readsClaims ? this.size * SPREAD_MS_PER_LOOKUP : 0;
    return Math.min(this.size * Math.max(SPREAD_MS_PER_NODE, perNode), LONGEST_SPREAD_MS);
  }

  get pollsPerClaimCheck(): number {
    const perSpread = Math.min(this.size ** 2 * SPREAD_MS_PER_LOOKUP, LONGEST_SPREAD_MS);
    const spreadMs = this.readsClaims ? SPREADS_WITHOUT_REASON * perSpread : 0;
    return Math.max(POLLS_PER_CLAIM_CHECK, Math.round(spreadMs / this.#pollMs));
  }

  /** With the time that OneGate needs to look up every node. */
  patient(policy: RetryPolicy): RetryPolicy {
    const tryTimeoutMs = policy.tryTimeoutMs + this.size * CLAIMS_MS_PER_NODE;
    return { ...policy, tryTimeoutMs: Math.min(tryTimeoutMs, LONGEST_TRY_MS) };
  }

  /** Until the next poll. */
  nextPoll = (): Pause => ({ ms: withJitter(this.#pollMs, this.#random), share: 0 });

  /** Before a reaction to an event that all nodes of the role see: longer by a share of the role's spread. */
  spread = (ms = this.#pollMs): Pause => ({ ms: withJitter(ms, this.#random), share: this.#random() });

  /** Waits. The spread of a large role takes hours, so `measure` sets the size again meanwhile. */
  async wait({ ms, share }: Pause, measure: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const began = this.#clock.monotonicMs();
    for (;;) {
      const passed = this.#clock.monotonicMs() - began;
      const left = Math.max(0, ms + Math.round(share * this.#spreadMs) - passed);
      await this.#clock.sleep(Math.min(left, LONGEST_LOOK_MS), signal);
      if (left <= LONGEST_LOOK_MS) return;
      await measure();
    }
  }
}

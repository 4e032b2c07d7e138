/** How a part of the front-end is. 'hang': it accepts and never answers. */
export type Health = 'up' | 'down' | 'hang';

/**
 * The two services behind OneGate. With oned down every request is 401 (samples 360, 361); with OneFlow down every
 * service is "not found" (351) while /vm still works (352); when they hang, so does OneGate (350, 353).
 */
export class Backends {
  oned: Health = 'up';
  oneflow: Health = 'up';
  /**
   * oned answers at most `concurrent` requests at a time and takes `ms` for each, and `lookupMs` more for each VM that
   * an extended reading of a service looks up; undefined: no limit.
   */
  capacity: { readonly concurrent: number; readonly ms: number; readonly lookupMs?: number } | undefined;
  /** The most requests that ever waited for oned at once. */
  longestQueue = 0;
  #busy = 0;
  readonly #queue: Array<() => void> = [];

  /** Waits for a turn at oned and for its answer, with so many VMs looked up for it. */
  async turn(lookups = 0): Promise<void> {
    const { capacity } = this;
    if (!capacity) return;
    if (this.#busy >= capacity.concurrent) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#queue.push(resolve);
      this.longestQueue = Math.max(this.longestQueue, this.#queue.length);
      await promise;
    } else {
      this.#busy++;
    }
    await new Promise((resolve) => setTimeout(resolve, capacity.ms + lookups * (capacity.lookupMs ?? 0)));
    const next = this.#queue.shift();
    if (next) next();
    else this.#busy--;
  }
}

/** How a part of the front-end is. 'hang': it accepts and never answers. */
export type Health = 'up' | 'down' | 'hang';

/**
 * The two services behind OneGate. With oned down every request is 401 (samples 360, 361); with OneFlow down every
 * service is "not found" (351) while /vm still works (352); when they hang, so does OneGate (350, 353).
 */
export class Backends {
  oned: Health = 'up';
  oneflow: Health = 'up';
  /** oned takes `msPerCall` for each call, and does one at a time (oned-calls.ts); undefined: it takes no time. */
  msPerCall: number | undefined;
  /** The most requests that ever waited for oned at once. */
  longestQueue = 0;
  #waiting = 0;
  #before: Promise<unknown> = Promise.resolve();

  /** Waits until oned has done what was asked before, and then so many calls. */
  async work(calls: number): Promise<void> {
    const { msPerCall } = this;
    if (msPerCall === undefined || calls === 0) return;
    this.longestQueue = Math.max(this.longestQueue, this.#waiting++);
    const turn = this.#before.then(() => new Promise((resolve) => setTimeout(resolve, calls * msPerCall)));
    this.#before = turn;
    await turn;
    this.#waiting--;
  }
}

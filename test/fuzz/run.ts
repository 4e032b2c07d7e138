// What the short run (test/unit/fuzz) and the long one (fuzz.ts) share.
import type * as fc from 'fast-check';
import type { Target } from './target.ts';
import { TARGETS } from './targets.ts';

/** No case may take more of the processor's time, each time that it is tried. */
export const SLOWEST_MS = 1_000;
/** A case that took longer once is tried again: a garbage collection or a host that is short of processors is not the case. */
const TRIES = 3;

const SHARES = TARGETS.reduce((sum, { share }) => sum + share, 0);

/** How many of `all` cases this target gets. */
export const cases = ({ share }: Target, all: number): number => Math.ceil((all * share) / SHARES);

/** This thread's time on the processor: how busy the machine is with other things does not count. */
const spentMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

/** The target's property, with a watch on how much its slowest case took. */
export function timed({ property }: Target): { property: fc.IProperty<[unknown]>; slowestMs: () => number } {
  let slowest = 0;
  const run = property.run.bind(property);
  const watched = Object.create(property, {
    run: {
      value: (value: [unknown]) => {
        let began = spentMs();
        const outcome = run(value);
        let least = spentMs() - began;
        for (let tries = 1; least > SLOWEST_MS && tries < TRIES; tries++) {
          began = spentMs();
          run(value);
          least = Math.min(least, spentMs() - began);
        }
        slowest = Math.max(slowest, least);
        return outcome;
      },
    },
  }) as fc.IProperty<[unknown]>;
  return { property: watched, slowestMs: () => slowest };
}

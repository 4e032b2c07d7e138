// What the short run (test/unit/fuzz) and the long one (fuzz.ts) share.
import type * as fc from 'fast-check';
import { TARGETS, type Target } from './targets.ts';

/** No case may take longer; generous, because the machine may be busy with other things. */
export const SLOWEST_MS = 2_000;

const SHARES = TARGETS.reduce((sum, { share }) => sum + share, 0);

/** How many of `all` cases this target gets. */
export const cases = ({ share }: Target, all: number): number => Math.ceil((all * share) / SHARES);

/** The target's property, with a watch on how long its slowest case took. */
export function timed({ property }: Target): { property: fc.IProperty<[unknown]>; slowestMs: () => number } {
  let slowest = 0;
  const run = property.run.bind(property);
  const watched = Object.create(property, {
    run: {
      value: (value: [unknown]) => {
        const began = performance.now();
        const outcome = run(value);
        slowest = Math.max(slowest, performance.now() - began);
        return outcome;
      },
    },
  }) as fc.IProperty<[unknown]>;
  return { property: watched, slowestMs: () => slowest };
}

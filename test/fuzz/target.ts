// What a fuzz target is.
import * as fc from 'fast-check';
import { Problem } from '../../src/core/problem.ts';

export interface Target {
  readonly name: string;
  /** One property, with fast-check's own settings left to the caller. */
  readonly property: fc.IProperty<[unknown]>;
  /** What share of all cases it gets, because some cases cost a hundred times as much as others. */
  readonly share: number;
}

/** A case may end with a Problem, or with one of the refusals; anything else that is thrown is a finding. */
export function target<T>(
  name: string,
  share: number,
  cases: fc.Arbitrary<T>,
  hold: (one: T) => void,
  refusals: readonly (new (...given: never[]) => Error)[] = [],
): Target {
  const property = fc.property(cases, (one) => {
    try {
      hold(one);
    } catch (error) {
      if (error instanceof Problem || refusals.some((kind) => error instanceof kind)) return;
      throw error;
    }
  });
  return { name, share, property: property as unknown as fc.IProperty<[unknown]> };
}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`broken: ${what}`);
}

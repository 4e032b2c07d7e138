// A problem is what a person is told: a code that can be looked up, what was being done, what was found, what was
// expected, and what to do next. Every room throws these and nothing else.
import type { ProblemCode } from './catalogue.ts';

export interface ProblemFacts {
  /** What was being done, as a phrase: 'reading the server certificate in FL_SSL_CERTFILE'. */
  readonly doing: string;
  /** What was found instead. Never a secret value. */
  readonly found: string;
  /** What would have been right. */
  readonly expected?: string;
  /** What to do next; the catalogue's remedy for the code when left out. */
  readonly remedy?: string;
  /** The CONTEXT variable at fault, if one is. */
  readonly variable?: string;
  /** A value that would be accepted, ready to paste. */
  readonly example?: string;
  readonly cause?: unknown;
}

/** The only error that leaves a room. `others` holds the rest when several were found at once. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly facts: ProblemFacts;
  readonly others: readonly Problem[];

  constructor(code: ProblemCode, facts: ProblemFacts, others: readonly Problem[] = []) {
    super(`${facts.doing}: ${facts.found}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'Problem';
    this.code = code;
    this.facts = facts;
    this.others = others;
  }

  /** This problem and all found with it, in the order they were found. */
  get all(): readonly Problem[] {
    return [this, ...this.others];
  }
}

/** One problem out of many: the first carries the others. */
export function joinProblems(problems: readonly [Problem, ...Problem[]]): Problem {
  const [first, ...rest] = problems.flatMap((problem) =>
    problem.all.map((one) => new Problem(one.code, one.facts)),
  );
  return new Problem(first!.code, first!.facts, rest);
}

// A problem: a code, what was being done, what was found, what was expected, and what to do next.
import { CATALOGUE, type ProblemCode, type Severity } from './catalogue.ts';
import { plain } from './text.ts';

export interface ProblemFacts {
  /** What was being done, as a phrase: 'reading the server certificate in FL_SSL_CERTFILE'. */
  readonly doing: string;
  /** What was found instead. Never a secret value. */
  readonly found: string;
  /** What would have been right. */
  readonly expected?: string;
  /** What to do next; the catalogue's remedy for the code when left out. */
  readonly remedy?: string;
  /** Of this occurrence; the catalogue's for the code when left out. */
  readonly severity?: Severity;
  /** The CONTEXT variable at fault, if one is. */
  readonly variable?: string;
  /** A value that would be accepted, ready to paste. */
  readonly example?: string;
  /** Only another CONTEXT can help; when left out, the code decides. */
  readonly contextAtFault?: boolean;
  readonly cause?: unknown;
}

const CONTEXT_AT_FAULT: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'config_validation_failed',
  'context_unreadable',
  'flower_version_unsupported',
]);

/** The only error that functions of the agent throw on purpose. `others` holds the rest when several were found at once. */
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

  get severity(): Severity {
    return this.facts.severity ?? CATALOGUE[this.code].severity;
  }

  get remedy(): string {
    return this.facts.remedy ?? CATALOGUE[this.code].remedy;
  }

  /** Only another CONTEXT can help: there is nothing to try again before it changes. */
  get contextAtFault(): boolean {
    return this.facts.contextAtFault ?? CONTEXT_AT_FAULT.has(this.code);
  }

  /** This problem and all found with it, in the order they were found. */
  get all(): readonly Problem[] {
    return [this, ...this.others];
  }
}

/** One problem out of many: the first carries the others. What one cause made fail is one problem. */
export function joinProblems(problems: readonly [Problem, ...Problem[]]): Problem {
  const byCause = new Map<string, Problem>();
  for (const one of problems.flatMap(({ all }) => all)) {
    const { doing, cause: _, ...rest } = one.facts;
    const key = JSON.stringify([one.code, one.remedy, rest]);
    const before = byCause.get(key);
    const listed = before?.facts.doing.split(' and ').includes(doing) ?? false;
    if (before === undefined) byCause.set(key, new Problem(one.code, one.facts));
    else if (!listed)
      byCause.set(
        key,
        new Problem(one.code, { ...before.facts, doing: `${before.facts.doing} and ${doing}` }),
      );
  }
  const [first, ...rest] = byCause.values();
  return new Problem(first!.code, first!.facts, rest);
}

/** The error itself if it is a Problem; any other is an internal_error. */
export const asProblem = (error: unknown, doing: string): Problem =>
  error instanceof Problem
    ? error
    : new Problem('internal_error', {
        doing,
        found: plain(error instanceof Error ? error.message : String(error)),
        cause: error,
      });

/** What `read` returns, or the Problem that it throws. */
export function attempt<T>(read: () => T): T | Problem {
  try {
    return read();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

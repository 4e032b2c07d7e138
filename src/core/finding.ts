// A finding: what a check says about one thing - a variable, a part of a template, a part of this VM.
import type { ProblemCode } from './catalogue.ts';
import { joinProblems, Problem } from './problem.ts';

/** `S` is what a check can say: an error or a warning, unless it says more. */
export interface Finding<S extends string = 'error' | 'warning'> {
  readonly severity: S;
  /** What was found, one clause. Never holds a secret, never a line break. */
  readonly found: string;
  /** What would be right. */
  readonly expected?: string;
  /** A value that would be accepted. */
  readonly example?: string;
  /** What to do next. */
  readonly remedy?: string;
  /** For `flower-context explain`. */
  readonly code?: ProblemCode;
}

/** A finding about a CONTEXT variable. */
export interface VariableFinding extends Finding {
  /** The variable as the operator wrote it (with ONEAPP_ if so). */
  readonly variable: string;
}

/** The findings as one Problem; undefined when there are none. `doing` completes with the variable: 'reading'. */
export function problemOf(
  findings: readonly VariableFinding[],
  doing: string,
  remedy?: string,
): Problem | undefined {
  const [first, ...rest] = findings.map(({ severity, code: _, ...finding }) => {
    const code = severity === 'error' ? 'config_validation_failed' : 'config_suspicious';
    const facts = { ...finding, doing: `${doing} ${finding.variable}` };
    return new Problem(code, remedy === undefined ? facts : { ...facts, remedy });
  });
  return first === undefined ? undefined : joinProblems([first, ...rest]);
}

/** A problem, and each found with it, as findings. */
export const findingsOf = (problem: Problem): VariableFinding[] =>
  problem.all.map(({ code, facts, severity, remedy }) => {
    const { variable = code, found, expected, example } = facts;
    return {
      variable,
      severity: severity === 'fatal' ? 'error' : 'warning',
      found,
      ...(expected !== undefined && { expected }),
      ...(example !== undefined && { example }),
      remedy,
      code,
    };
  });

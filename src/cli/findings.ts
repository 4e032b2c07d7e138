// Findings of the table and of lint, as lines for a person.

import type { Finding } from '../config/finding.ts';
import { joinProblems, Problem } from '../core/problem.ts';
import type { LintFinding } from '../templates/lint/lint.ts';

const asProblem = (
  { variable, severity, found, expected, example }: Finding,
  doing: string,
  remedy: string,
): Problem =>
  new Problem(severity === 'error' ? 'config_validation_failed' : 'config_suspicious', {
    doing: `${doing} ${variable}`,
    found,
    expected,
    remedy,
    variable,
    ...(example === undefined ? {} : { example }),
  });

/** One Problem that carries all findings, with what to do about them; undefined when there are none. */
export function problemOf(findings: readonly Finding[], doing: string, remedy: string): Problem | undefined {
  const [first, ...rest] = findings.map((finding) => asProblem(finding, doing, remedy));
  return first === undefined ? undefined : joinProblems([first, ...rest]);
}

/** `file:line:column: severity: code: title`, what was found, why it hurts, and the line that mends it. */
export const describeLint = (
  file: string,
  { line, column, severity, code, title, path, found, why, fix }: LintFinding,
): string =>
  [
    `${file}:${line}:${column}: ${severity}: ${code}: ${title}`,
    `  found:  ${found} (${path})`,
    `  why:    ${why}`,
    `  ${`${fix.do}:`.padEnd(7)} ${fix.line}${fix.where === undefined ? '' : `   (${fix.where})`}`,
    '',
  ].join('\n');

// Findings as lines for a person.
import type { VariableFinding } from '../core/finding.ts';
import type { LintFinding } from '../templates/lint/lint.ts';

/** `severity: variable: what was found`, what is expected, an example, the remedy. Empty without findings. */
export const describeFindings = (findings: readonly VariableFinding[]): string =>
  findings
    .flatMap(({ severity, variable, found, expected, example, remedy }) => [
      `${severity}: ${variable}: ${found}`,
      ...(expected === undefined ? [] : [`  expected: ${expected}`]),
      ...(example === undefined ? [] : [`  for example: ${variable}='${example}'`]),
      ...(remedy === undefined ? [] : [`  what to do: ${remedy}`]),
    ])
    .map((line) => `${line}\n`)
    .join('');

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

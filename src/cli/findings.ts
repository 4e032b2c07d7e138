// Findings as lines for a person.
import type { VariableFinding } from '../core/finding.ts';
import type { LintFinding } from '../templates/lint/lint.ts';
import { printErrorText, printText, style } from './terminal.ts';

/** Prints `severity: variable: what was found`, what is expected, an example, the remedy. */
export function printFindings(findings: readonly VariableFinding[], stream: 'stdout' | 'stderr'): void {
  const lines = findings.flatMap(({ severity, variable, found, expected, example, remedy }) => [
    `${style(severity, severity, stream)}: ${variable}: ${found}`,
    ...(expected === undefined ? [] : [`  expected: ${expected}`]),
    ...(example === undefined ? [] : [`  for example: ${variable}='${example}'`]),
    ...(remedy === undefined ? [] : [`  what to do: ${remedy}`]),
  ]);
  if (lines.length > 0) (stream === 'stdout' ? printText : printErrorText)(lines.join('\n'));
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

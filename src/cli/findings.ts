// Findings as lines for a person.
import type { VariableFinding } from '../core/finding.ts';
import type { LintFinding } from '../templates/lint/finding.ts';
import { printErrorText, printText, style, whole } from './terminal.ts';

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

/** Prints `file: severity: code: title`, where it is, what was found, why it matters, and the line that corrects it. */
export function printLint(file: string, finding: LintFinding, stream: 'stdout' | 'stderr'): void {
  const { severity, code, title, path, found, why, fix } = finding;
  (stream === 'stdout' ? printText : printErrorText)(
    [
      `${file}: ${style(severity, severity, stream)}: ${code}: ${title}`,
      `  path: ${whole(path)}`,
      `  found: ${found}`,
      `  why: ${why}`,
      ...(fix === undefined ? [] : [`  ${fix.do}: ${whole(fix.line)}`]),
      ...(fix?.where === undefined ? [] : [`    (${fix.where})`]),
      '',
    ].join('\n'),
  );
}

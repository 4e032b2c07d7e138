// Findings of the table and of lint, as lines for a person.

import type { LintFinding } from '../templates/lint/lint.ts';

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

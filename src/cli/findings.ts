// Findings as lines for a person.
import type { VariableFinding } from '../core/finding.ts';

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

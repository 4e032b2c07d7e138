// Plain KEY=VALUE lines, for people who want to try values out. dotenv reads them; context.sh it would read wrong
// (of values written as OpenNebula writes them, every third: the test of context-sh.ts has the table).
import { parse } from 'dotenv';
import { Problem } from '../core/problem.ts';

/**
 * Reads KEY=VALUE lines: optional `export`, quotes and comments as dotenv has them; nothing is expanded. The object has
 * no prototype.
 * @throws Problem context_unreadable for a file that has text but not one variable.
 */
export function parseEnvFile(text: string): Record<string, string> {
  const variables: Record<string, string> = Object.assign(Object.create(null), parse(text));
  const hasText = text.split('\n').some((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  if (!hasText || Object.keys(variables).length > 0) return variables;
  throw new Problem('context_unreadable', {
    doing: 'reading the variables of the file',
    found: 'there is not one NAME=VALUE in it',
    expected: "a context.sh (NAME='VALUE' lines), the CONTEXT block of a template, or KEY=VALUE lines",
    example: 'FL_NUM_ROUNDS=3',
  });
}

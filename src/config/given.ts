// The text of a variable in the CONTEXT: trimmed, empty means unset, the plain name wins over the ONEAPP_ alias.
import { Buffer } from 'node:buffer';
import type { VariableFinding } from '../core/finding.ts';
import { aliasOf, rowOf, type VariableName } from './table.ts';

export interface Given {
  /** The name in the CONTEXT. */
  readonly as: string;
  /** Trimmed, not empty. */
  readonly text: string;
}

/** OneFlow sends every input without a value as an empty string, so empty is the same as absent. */
export function lookUp(
  raw: Readonly<Record<string, string>>,
  name: VariableName,
): { found?: Given; finding?: VariableFinding } {
  const plain = textOf(raw, name);
  const alias = aliasOf(name);
  const other = alias === undefined ? undefined : textOf(raw, alias);
  if (plain === undefined) return other === undefined ? {} : { found: { as: alias!, text: other } };
  const found = { as: name, text: plain };
  return other === undefined || other === plain ? { found } : { found, finding: conflict(name, alias!) };
}

function textOf(raw: Readonly<Record<string, string>>, name: string): string | undefined {
  const text = Object.hasOwn(raw, name) ? raw[name]!.trim() : '';
  return text === '' || unanswered(name, text) ? undefined : text;
}

/**
 * `$NAME` is an input without an answer: the classic Sunstone sends no value for an empty field, so the line NAME="$NAME"
 * of the role stays. For a text64 input it is encoded.
 */
const unanswered = (name: string, text: string): boolean =>
  text === `$${name}` || text === `\${${name}}` || text === Buffer.from(`$${name}`).toString('base64');

const conflict = (name: VariableName, alias: string): VariableFinding => ({
  variable: name,
  severity: 'warning',
  found: `${name} and ${alias} have different values; ${name} is used`,
  expected: 'one of the two, or the same value in both',
  example: `${name}=${rowOf(name).example}`,
});

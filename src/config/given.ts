// Which text of the CONTEXT belongs to a variable: trimmed, empty means unset, plain name before ONEAPP_ alias.
import { Buffer } from 'node:buffer';
import type { Finding } from './finding.ts';
import { aliasOf, rowOf, type VariableName } from './table.ts';

export interface Given {
  /** The name under which the operator gave it. */
  readonly as: string;
  /** Trimmed, not empty. */
  readonly text: string;
}

/**
 * OneFlow sends every input it does not know as an empty string, so empty is the same as absent. So is a reference to the
 * variable itself, which nobody filled in: the classic Sunstone sends no value for an empty field, and the text of the
 * template stays.
 */
export function lookUp(
  raw: Readonly<Record<string, string>>,
  name: VariableName,
): { found?: Given; finding?: Finding } {
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
 * `$NAME` is a question that nobody answered: the classic Sunstone fills a role's question in with the role's own line
 * NAME="$NAME", and encodes that when it is a text64.
 */
const unanswered = (name: string, text: string): boolean =>
  text === `$${name}` || text === `\${${name}}` || text === Buffer.from(`$${name}`).toString('base64');

const conflict = (name: VariableName, alias: string): Finding => ({
  variable: name,
  severity: 'warning',
  found: `${name} and ${alias} have different values; ${name} is used`,
  expected: 'one of the two, or the same value in both',
  example: `${name}=${rowOf(name).example}`,
});

// What a rule says. Where it is in the file and why it hurts are added at the end.
import { isSecret } from '../../config/secrets.ts';
import type { LintCode } from './codes.ts';
import type { Path } from './json.ts';

export interface Remark {
  readonly code: LintCode;
  readonly path: Path;
  /** What is there, as a phrase. */
  readonly found: string;
  readonly fix: Fix;
  /** Where it is milder than the code says. */
  readonly severity?: 'warning';
}

/** What to do, and the line to do it with. */
export interface Fix {
  readonly do: 'write' | 'remove' | 'rename';
  /** A line of the template: to be written in its place, or to be removed. */
  readonly line: string;
  /** Where it is to be written, when that is not where the finding is. */
  readonly where?: string;
}

export const write = (name: string, value: unknown, where?: string): Fix => ({
  do: 'write',
  line: member(name, value),
  ...(where === undefined ? {} : { where }),
});

export const remove = (name: string, value: unknown): Fix => ({ do: 'remove', line: member(name, value) });

/** `"name": value` on one line, as it stands in a file; a secret is not repeated. */
export function member(name: string, value: unknown): string {
  if (typeof value === 'string' && hides(name, value)) return `${JSON.stringify(name)}: "..."`;
  const text = JSON.stringify(value, null, 1)?.replaceAll(/\n\s*/g, ' ') ?? 'null';
  const short = text.length > 400 ? `${text.slice(0, 400)}...` : text;
  return `${JSON.stringify(name)}: ${short}`;
}

/** A line of the raw contents of OneFlow 6, as it stands inside the JSON text of vm_template_contents. */
export function contentsLine(name: string, value: string, inContext: boolean): string {
  const shown = hides(name, value) ? '...' : value.replaceAll('"', '\\"');
  return JSON.stringify(`${name}="${shown}"${inContext ? ',' : '\n'}`).slice(1, -1);
}

/** A question without a default and a reference to an answer have nothing to hide. */
const hides = (name: string, value: string): boolean =>
  isSecret(name, value) && !/^\s*\w\s*\|[\s\S]*\|\s*$/.test(value) && !/^\$\{?\w+\}?$/.test(value);

/** Where such a line belongs. */
export const contentsPlace = (inContext: boolean): string =>
  inContext ? 'behind CONTEXT=[ in vm_template_contents' : 'in vm_template_contents';

// A finding of lint, and the line of a template that corrects it.
import { isSecret } from '../../config/secrets.ts';
import type { Finding } from '../../core/finding.ts';
import { CODES, type LintCode } from './codes.ts';
import type { Entry, Path, Service } from './service.ts';

export interface LintFinding extends Omit<Finding, 'code' | 'expected' | 'example' | 'remedy'> {
  readonly code: LintCode;
  readonly title: string;
  /** JSONPath of the member at fault, or of the object in which a member is missing. */
  readonly path: string;
  readonly why: string;
  /** Present where one line of the template corrects it. */
  readonly fix?: Fix;
}

export interface Fix {
  readonly do: 'write' | 'remove';
  /** A line of the template: `"name": value`, or a line of vm_template_contents as it is escaped in JSON. */
  readonly line: string;
  /** Where the line belongs, when that is not at the path of the finding. */
  readonly where?: string;
}

export type Report = (
  code: LintCode,
  path: Path,
  found: string,
  fix?: Fix,
  severity?: Finding['severity'],
) => void;

/** A rule reports what is wrong with a service. */
export type Rule = (service: Service, report: Report) => void;

/** Collects findings: each once, errors first. */
export function collector(): { readonly report: Report; findings(): LintFinding[] } {
  const found = new Map<string, LintFinding>();
  return {
    report(code, path, what, fix, severity = CODES[code].severity) {
      const { title, why } = CODES[code];
      const at = formatPath(path);
      const finding = { code, severity, title, path: at, found: what, why };
      found.set(`${code} ${at} ${what}`, fix === undefined ? finding : { ...finding, fix });
    },
    findings: () =>
      [...found.values()].toSorted((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error')),
  };
}

/** `$.roles[0].name`, as JSONPath writes it. */
const formatPath = (path: Path): string =>
  `$${path.map((part) => (typeof part === 'number' ? `[${part}]` : /^\w+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`)).join('')}`;

export const write = (name: string, value: unknown, where?: string): Fix => ({
  do: 'write',
  line: member(name, value),
  ...(where === undefined ? {} : { where }),
});

export const remove = (name: string, value: unknown): Fix => ({ do: 'remove', line: member(name, value) });

type Line = Pick<Entry, 'name' | 'value' | 'inContext'>;

/** Writes an entry of a role's contents; `instead`: the name of the entry that it replaces. */
export function writeEntry({ format }: Service, { name, value, inContext }: Line, instead?: string): Fix {
  if (format === 7)
    return write(name, value, instead === undefined ? 'in template_contents.CONTEXT' : undefined);
  const where =
    instead === undefined
      ? `${inContext ? 'after CONTEXT=[ ' : ''}in vm_template_contents`
      : `in vm_template_contents, instead of ${instead}=`;
  return { do: 'write', line: contentsLine(name, value, inContext), where };
}

export const removeEntry = ({ format }: Service, { name, value, inContext }: Line): Fix =>
  format === 7 ? remove(name, value) : { do: 'remove', line: contentsLine(name, value, inContext) };

/** `"name": value` on one line; a secret is left out. */
function member(name: string, value: unknown): string {
  if (typeof value === 'string' && hides(name, value)) return `${JSON.stringify(name)}: "..."`;
  const text = JSON.stringify(value, null, 1)?.replaceAll(/\n\s*/g, ' ') ?? 'null';
  return `${JSON.stringify(name)}: ${text}`;
}

/** A line of vm_template_contents, escaped as in the JSON text. */
function contentsLine(name: string, value: string, inContext: boolean): string {
  const escaped = hides(name, value) ? '...' : value.replaceAll('"', '\\"');
  return JSON.stringify(`${name}="${escaped}"${inContext ? ',' : '\n'}`).slice(1, -1);
}

/** A question without a default and a reference to an answer have nothing to hide. */
const hides = (name: string, value: string): boolean =>
  isSecret(name, value) && !/^\s*\w\s*\|[\s\S]*\|\s*$/.test(value) && !/^\$\{?\w+\}?$/.test(value);

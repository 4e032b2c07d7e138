// Applies the fix of a finding: writes or removes its line at the path of the finding, or where the fix says.
import type { Fix, LintFinding } from '../../../src/templates/lint/finding.ts';

type Members = Record<string, unknown>;

/** The template after the fix, as text; undefined when the finding has none. Throws when the line cannot be pasted. */
export function paste(text: string, { path, fix }: LintFinding): string | undefined {
  if (fix === undefined) return undefined;
  const body = JSON.parse(text) as Members;
  const steps = [...path.matchAll(/\.(\w+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)].map(
    ([, word, index, quoted]) => (index === undefined ? (word ?? JSON.parse(quoted!)) : Number(index)),
  ) as (string | number)[];
  if (fix.where?.includes('vm_template_contents') || /^\w+=\\"/.test(fix.line))
    return pasteIntoContents(body, steps, fix);
  const [name, value] = Object.entries(JSON.parse(`{${fix.line}}`) as Members)[0]!;
  const last = steps.at(-1)!;
  // The path is that of the member itself, or that of the object which lacks it.
  const inside = fix.where !== undefined || (last !== name && isObject(reach(body, steps)));
  const owner = reach(body, inside ? steps : steps.slice(0, -1));
  if (fix.do === 'remove') delete owner[name];
  else {
    if (!inside && typeof last === 'string' && last !== name) delete owner[last];
    owner[name] = value;
  }
  return JSON.stringify(body, null, 2);
}

function pasteIntoContents(
  body: Members,
  steps: readonly (string | number)[],
  { do: what, line, where = '' }: Fix,
): string {
  const named = /of role (\w+)/.exec(where)?.[1];
  const roles = body['roles'] as Members[];
  const role = roles.find(({ name }) => name === named) ?? reach(body, steps.slice(0, 2));
  // The line is written as it is escaped inside the JSON text.
  const unescaped = JSON.parse(`"${line}"`) as string;
  const name = unescaped.split('=')[0]!;
  const gone = /instead of (\w+)=/.exec(where)?.[1] ?? name;
  const without = [name, gone].reduce(
    (rest, one) => rest.replace(new RegExp(`(?<!\\w)${one}="(?:[^"\\\\]|\\\\.)*",?\\s*`), ''),
    String(role['vm_template_contents'] ?? ''),
  );
  const withLine = line.endsWith(',')
    ? without.replace('CONTEXT=[', `CONTEXT=[ ${unescaped} `)
    : `${without}${unescaped}`;
  role['vm_template_contents'] = what === 'remove' ? without : withLine;
  return JSON.stringify(body, null, 2);
}

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function reach(body: Members, steps: readonly (string | number)[]): Members {
  return steps.reduce<Members>((owner, step) => {
    const inner = (owner as Members)[step as string];
    if (inner === undefined && typeof step === 'string') (owner as Members)[step] = {};
    return (owner as Members)[step as string] as Members;
  }, body);
}

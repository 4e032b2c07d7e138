// Applies a finding: writes, removes or renames the line that it gives, at the position that it names.
import type { LintFinding } from '../../../src/templates/lint/lint.ts';

type Members = Record<string, unknown>;

/** The template after the fix, as text. Throws when the line cannot be pasted. */
export function paste(text: string, { path, fix }: LintFinding): string {
  const body = JSON.parse(text) as Members;
  const steps = [...path.matchAll(/\.(\w+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)].map(
    ([, word, index, quoted]) => (index === undefined ? (word ?? JSON.parse(quoted!)) : Number(index)),
  ) as (string | number)[];
  if (fix.where?.includes('vm_template_contents') || /^\w+=\\"/.test(fix.line))
    return pasteIntoContents(body, steps, fix);
  if (fix.do === 'rename') {
    const [from, to] = fix.line.split(' -> ').map((name) => JSON.parse(name) as string);
    const owner = reach(body, steps.slice(0, -1));
    if (!(to! in owner)) owner[to!] = owner[from!];
    delete owner[from!];
    return JSON.stringify(body, null, 2);
  }
  const [name, value] = Object.entries(JSON.parse(`{${fix.line}}`) as Members)[0]!;
  const last = steps.at(-1)!;
  if (fix.where?.endsWith('of the service, instead of here')) {
    delete reach(body, steps.slice(0, -1))[name];
    reach(body, [steps.at(-2)!])[name] = value;
    return JSON.stringify(body, null, 2);
  }
  // The position is that of the member itself, or of its future parent.
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
  { do: what, line, where = '' }: LintFinding['fix'],
): string {
  const named = /of role (\w+)/.exec(where)?.[1];
  const roles = body['roles'] as Members[];
  const role = roles.find(({ name }) => name === named) ?? reach(body, steps.slice(0, 2));
  // The line is written as it stands inside the JSON text.
  const unescaped = JSON.parse(`"${line}"`) as string;
  const name = unescaped.split('=')[0]!;
  const gone = /instead of (\w+)=/.exec(where)?.[1] ?? name;
  const without = [name, gone].reduce(
    (rest, one) => rest.replace(new RegExp(`(?<!\\w)${one}="(?:[^"\\\\]|\\\\.)*",?\\s*`), ''),
    String(role['vm_template_contents'] ?? ''),
  );
  role['vm_template_contents'] = what === 'remove' ? without : withLine(without, unescaped, where);
  return JSON.stringify(body, null, 2);
}

function withLine(contents: string, line: string, where: string): string {
  const before = /^before (\w+=)/.exec(where)?.[1];
  if (before !== undefined) return contents.replace(before, `${line}${before}`);
  return line.endsWith(',') ? contents.replace('CONTEXT=[', `CONTEXT=[ ${line} `) : `${contents}${line}`;
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

// The CONTEXT block of an OpenNebula VM template: CONTEXT = [ NAME = "VALUE", ... ]. In quotes only \" is an escape
// (facts: template_parser.l). What oned fills in when a VM is made is not known yet: a value that is just $NAME is unset.
import { Problem } from '../status/problem.ts';

const OPENING = /^[ \t]*CONTEXT[ \t]*=[ \t]*\[/im;
const GAP = /(?:\s|#[^\n]*(?:\n|$))*/y;
const NAME = /([A-Za-z0-9_-]+)\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\"|\\(?!"))*)"/y;
const BARE = /[^\s,\]"]+/y;

/** Whether the text is, or holds, such a block. */
export const hasTemplateBlock = (text: string): boolean => OPENING.test(text);

/**
 * The variables of the block; names in capital letters, as oned makes them.
 * @throws Problem context_unreadable with the line, never with a value.
 */
export function parseTemplateBlock(text: string): Record<string, string> {
  const opening = OPENING.exec(text);
  if (opening === null) throw unreadable(text, 0, 'there is no CONTEXT = [ ... ]');
  const variables: Record<string, string> = Object.create(null);
  let at = opening.index + opening[0].length;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text) ?? undefined;
    at += match?.[0].length ?? 0;
    return match;
  };
  for (;;) {
    take(GAP);
    if (text[at] === ']') return variables;
    const name = take(NAME)?.[1]?.toUpperCase();
    if (name === undefined) throw unreadable(text, at, 'neither a NAME = "VALUE" nor the closing ]');
    const value = take(QUOTED)?.[1]?.replaceAll('\\"', '"') ?? take(BARE)?.[0];
    if (value === undefined)
      throw unreadable(text, at, `${name} has no value, or one whose quotes are not closed`);
    if (Object.hasOwn(variables, name)) throw unreadable(text, at, `${name} is given a second time`);
    variables[name] = /^\$[A-Za-z0-9_]+$/.test(value) ? '' : value;
    take(GAP);
    if (text[at] === ',') at += 1;
    else if (text[at] !== ']')
      throw unreadable(text, at, `after ${name} there is neither a comma nor the closing ]`);
  }
}

const unreadable = (text: string, at: number, found: string): Problem =>
  new Problem('context_unreadable', {
    doing: 'reading the CONTEXT block of a template',
    found: `line ${text.slice(0, at).split('\n').length}: ${found}`,
    expected: 'CONTEXT = [ NAME = "VALUE", NAME = "VALUE" ]',
  });

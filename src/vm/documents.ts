// What `onevm show` and `onetemplate show` print, and JSON objects of names: the variables of the CONTEXT in them.
import { Problem } from '../core/problem.ts';

/** The part of what `onevm show` and `onetemplate show` print for a person that is in the language of templates. */
export function shownTemplate(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's bold letters
  const plain = text.replaceAll(/\x1b\[[0-9;]*m/g, '');
  const heading = /^(?:VIRTUAL MACHINE TEMPLATE|TEMPLATE CONTENTS)[ \t]*\r?$/m.exec(plain);
  return heading === null ? undefined : plain.slice(heading.index + heading[0].length);
}

export const looksLikeJson = (text: string): boolean => /^\s*[{[]/.test(text);
export const looksLikeXml = (text: string): boolean => /^\s*</.test(text);

/**
 * `onevm show --json` (VM.TEMPLATE.CONTEXT), `onetemplate show --json`, a CONTEXT by itself, or an object NAME -> value.
 * @throws Problem context_unreadable
 */
export function parseJsonVariables(text: string): Record<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable('it is not JSON, although it begins like it');
  }
  if (!isObject(value)) throw unreadable('it is a JSON list, not an object');
  const document = [value['VM'], value['VMTEMPLATE'], value].find(isObject)!;
  const template = isObject(document['TEMPLATE']) ? document['TEMPLATE'] : document;
  const isDocument = template !== value;
  const context = template['CONTEXT'] ?? (isDocument ? undefined : template);
  if (Array.isArray(value['roles']) || 'DOCUMENT' in value)
    throw unreadable('it is a service template (`flower-context lint` reads those)');
  // A template with several CONTEXT blocks has a list of them here.
  const blocks = Array.isArray(context) ? context : [context];
  if (!blocks.every(isObject)) throw unreadable('there is no TEMPLATE.CONTEXT in it');
  const variables: Record<string, string> = Object.create(null);
  for (const [name, given] of blocks.toReversed().flatMap((block) => Object.entries(block))) {
    if (typeof given === 'object' && given !== null) throw unreadable(`${shortened(name)} is not a text`);
    variables[name] = given === null || given === undefined ? '' : String(given);
  }
  return variables;
}

/**
 * `onevm show --xml` and `onetemplate show --xml`: TEMPLATE/CONTEXT.
 * @throws Problem context_unreadable
 */
export function parseXmlVariables(text: string): Record<string, string> {
  const blocks: Record<string, string>[] = [];
  const open: string[] = [];
  for (const [whole, cdata, close, name, alone] of text.matchAll(XML)) {
    const inContext = open.at(-2) === 'TEMPLATE' && open.at(-1) === 'CONTEXT';
    const inVariable = open.at(-3) === 'TEMPLATE' && open.at(-2) === 'CONTEXT';
    if (name === undefined) {
      const said = cdata ?? (whole.startsWith('<') ? '' : decoded(whole));
      if (inVariable) blocks.at(-1)![open.at(-1)!] += said;
    } else if (close === '/') {
      if (open.pop() !== name) throw unreadable(`</${shortened(name)}> closes what is not open`);
    } else {
      if (name === 'CONTEXT' && open.at(-1) === 'TEMPLATE') blocks.push(Object.create(null));
      else if (inContext) blocks.at(-1)![name] = '';
      if (alone !== '/') open.push(name);
    }
  }
  if (open.length > 0) throw unreadable(`<${shortened(open[0]!)}> is never closed`);
  if (blocks.length === 0) throw unreadable('there is no TEMPLATE/CONTEXT in it');
  return Object.assign(Object.create(null), ...blocks.toReversed());
}

/** Marked text, tags, comments and declarations, and what is between them. */
const XML =
  /<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.-]*)(?:\s[^<>]*?)?(\/?)>|<!--[\s\S]*?-->|<[?!][^>]*>|[^<]+/g;

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const decoded = (text: string): string =>
  text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));/g,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return ENTITIES[name]!;
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shortened = (name: string): string => (name.length > 80 ? `${name.slice(0, 80)}...` : name);

const unreadable = (found: string): Problem =>
  new Problem('context_unreadable', {
    doing: 'reading the variables of the file',
    found,
    expected: 'what `onevm show --json` or `--xml` prints, or a JSON object NAME -> value',
  });

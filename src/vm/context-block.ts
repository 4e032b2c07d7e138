// OpenNebula's VM template language, as oned reads it (its template_parser.l and template_syntax.y): NAME = "VALUE" and
// NAME = [ A = "1", B = "2" ], one or several on a line. In quotes only \" is an escape. A comment begins with a # where a
// name or a comma may be, and ends with its line. oned skips other characters between attributes.
import { Problem } from '../core/problem.ts';
import { quoteName } from '../core/text.ts';

export interface Attribute {
  /** In capital letters, as oned stores it. */
  readonly name: string;
  readonly line: number;
  /** A vector is an object without a prototype; the first of equal names counts. */
  readonly value: string | Readonly<Record<string, string>>;
}

/**
 * All attributes, in their order.
 * @throws Problem context_unreadable with the line that oned would refuse, never with a value.
 */
export const parseTemplate = (text: string): Attribute[] => [...new Reader(text).attributes()];

/**
 * The variables of all CONTEXT blocks together; the first of equal names counts. Undefined: there is no CONTEXT = [ ... ].
 */
export function contextOf(attributes: readonly Attribute[]): Record<string, string> | undefined {
  const blocks = attributes.flatMap(({ name, value }) =>
    name === 'CONTEXT' && typeof value !== 'string' ? [value] : [],
  );
  return blocks.length === 0 ? undefined : Object.assign(Object.create(null), ...blocks.toReversed());
}

/** The variables of a text that has a CONTEXT block. Throws Problem context_unreadable. */
export function parseTemplateBlock(text: string): Record<string, string> {
  const context = contextOf(parseTemplate(text));
  if (context === undefined) throw unreadable(text, 0, 'there is no CONTEXT = [ ... ]');
  return context;
}

type Token = 'comment' | 'blank' | 'name' | 'equals' | 'equals-nothing' | ',' | ']';

/** Between values. As in a lexer made by flex, the longest match counts, and the first of equally long ones. */
const BETWEEN: readonly (readonly [Token, RegExp])[] = [
  ['comment', /[ \t]*#.*\n/y],
  ['blank', /[ \t\n]+/y],
  ['name', /[A-Za-z0-9_]+/y],
  ['equals', /[ \t]*=[ \t]*/y],
  ['equals-nothing', /[ \t]*=[ \t]*\n/y],
  [',', /[ \t\n]*,[ \t\n]*/y],
  [']', /[ \t\n]*\][ \t\n]*/y],
];

type ValueToken = '[' | ']]>' | 'quoted' | 'bare';

/** After an equals sign. A quote after a backslash ends a value only when no other quote does. */
const VALUE: readonly (readonly [ValueToken, RegExp])[] = [
  ['[', /[ \t]*\[[ \t\n]*/y],
  [']]>', /.*\]\]>.*/y],
  ['quoted', /"(?:[^"\\]|\\"?)*"/y],
  ['bare', /[^=# \t\n,[\]]+/y],
];

interface Found<T> {
  readonly token: T;
  readonly text: string;
  readonly at: number;
}

class Reader {
  readonly #text: string;
  readonly #value: typeof VALUE;
  #at = 0;
  #line = 1;
  #counted = 0;

  constructor(text: string) {
    // Lines of other systems; and the last line ends like the others.
    this.#text = `${text.replaceAll('\r\n', '\n')}\n`;
    // Searching the rest of the line at each value is slow in long lines.
    this.#value = this.#text.includes(']]>') ? VALUE : VALUE.filter(([token]) => token !== ']]>');
  }

  *attributes(): Generator<Attribute> {
    for (let first = this.#next(); first !== undefined; first = this.#next()) {
      if (first.token !== 'name') this.#fail(first.at, `${formatToken(first.token)} instead of a NAME`);
      const name = first.text.toUpperCase();
      const value = this.#valueOf(name, first.at) ?? this.#vector(name, first.at);
      yield { name, line: this.#lineOf(first.at), value };
    }
  }

  /** The value after a name. Undefined: an opening bracket. */
  #valueOf(name: string, from: number, inVector = false): string | undefined {
    const equals = this.#next();
    if (equals?.token === 'equals-nothing' && !inVector) return '';
    if (equals?.token === 'equals-nothing') this.#fail(from, `${quoteName(name)} has no value`);
    if (equals?.token !== 'equals') this.#fail(from, `there is no = after ${quoteName(name)}`);
    const found = this.#longest(this.#value);
    if (found === undefined) this.#fail(from, `${quoteName(name)} has no value`);
    if (found.token === ']]>') this.#fail(from, `the value of ${quoteName(name)} has ]]> in it`);
    if (found.token === '[') return undefined;
    const text = found.token === 'quoted' ? found.text.slice(1, -1) : found.text;
    return text.replaceAll('\\"', '"');
  }

  #vector(name: string, from: number): Record<string, string> {
    const values: Record<string, string> = Object.create(null);
    const open = `the [ of ${quoteName(name)} is not closed`;
    let end: number | undefined;
    for (;;) {
      const first = this.#next() ?? this.#fail(from, open);
      if (first.token === ']' && end === undefined) return values;
      if (first.token !== 'name') {
        const found =
          first.token === ']'
            ? 'a comma before the closing ]'
            : `${formatToken(first.token)} instead of a NAME`;
        this.#fail(end ?? first.at, `${found} in ${quoteName(name)}`);
      }
      const inner = first.text.toUpperCase();
      const value = this.#valueOf(inner, first.at, true);
      if (value === undefined) this.#fail(first.at, `the value of ${quoteName(inner)} is a [`);
      values[inner] ??= value;
      end = this.#at;
      const after = this.#next() ?? this.#fail(from, open);
      if (after.token === ']') return values;
      if (after.token !== ',') this.#fail(end, `a comma is missing after ${quoteName(inner)}`);
    }
  }

  /** The next token that is neither a comment nor blank. */
  #next(): Found<Token> | undefined {
    let found = this.#longest(BETWEEN);
    while (found?.token === 'comment' || found?.token === 'blank') found = this.#longest(BETWEEN);
    return found;
  }

  /** The longest match from here on; characters that match nothing are skipped. */
  #longest<T>(patterns: readonly (readonly [T, RegExp])[]): Found<T> | undefined {
    for (; this.#at < this.#text.length; this.#at++) {
      let best: Found<T> | undefined;
      for (const [token, pattern] of patterns) {
        pattern.lastIndex = this.#at;
        const text = pattern.exec(this.#text)?.[0];
        if (text !== undefined && text.length > (best?.text.length ?? 0))
          best = { token, text, at: this.#at };
      }
      if (best === undefined) continue;
      this.#at += best.text.length;
      return best;
    }
    return undefined;
  }

  /** Counts from the last position on: `at` only grows. */
  #lineOf(at: number): number {
    for (; this.#counted < at; this.#counted++) if (this.#text[this.#counted] === '\n') this.#line++;
    return this.#line;
  }

  #fail(at: number, found: string): never {
    throw unreadable(this.#text, at, found);
  }
}

const formatToken = (token: Token): string => (token === ',' || token === ']' ? `a ${token}` : 'an =');

const unreadable = (text: string, at: number, found: string): Problem =>
  new Problem('context_unreadable', {
    doing: 'reading a template of OpenNebula',
    found: `line ${text.slice(0, at).split('\n').length}: ${found}`,
    expected: 'NAME = "VALUE" and CONTEXT = [ NAME = "VALUE", NAME = "VALUE" ]',
  });

/**
 * oned's template language, as far as a VM's USER_TEMPLATE needs it: `NAME="value"` and `NAME=[A="1",B="2"]`.
 *
 * The scanner takes the longest match and silently drops a character that no rule matches; both matter, because
 * broken updates are stored as garbage with 200 (samples 109, 110, 112, 162, 176).
 */

/** A single value, or a vector attribute's own names and values. */
export type Value = string | { readonly [name: string]: string };

/** One attribute in the order of the text; a name may come again (sample 147). */
export interface Attribute {
  readonly name: string;
  readonly value: Value;
}

/** The text is not a template. oned's reason never reaches the client: OneGate answers `Internal server error`. */
export class TemplateSyntaxError extends Error {}

type Token =
  | { kind: 'variable' | 'string'; text: string }
  | { kind: 'equal' | 'equal-empty' | 'comma' | 'open' | 'close' | 'cdata' | 'end' };
type Kind = Token['kind'];

const initial: ReadonlyArray<readonly [Kind | 'skip', RegExp]> = [
  ['skip', /[ \t]*#[^\n]*\n/y],
  ['skip', /[ \t\n]+/y],
  ['variable', /[A-Za-z0-9_]+/y],
  ['equal', /[ \t]*=[ \t]*/y],
  ['equal-empty', /[ \t]*=[ \t]*\n/y],
  ['comma', /[ \t\n]*,[ \t\n]*/y],
  ['close', /[ \t\n]*\][ \t\n]*/y],
];

function matchLength(rule: RegExp, text: string, at: number): number {
  rule.lastIndex = at;
  return rule.exec(text)?.[0].length ?? 0;
}

/** Length of `"..."` at `at`, where `\"` may be inside; the longest reading wins, even across lines. 0: none. */
function quotedLength(text: string, at: number): number {
  if (text[at] !== '"') return 0;
  let end = -1;
  for (let quote = text.indexOf('"', at + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    end = quote;
    if (text[quote - 1] !== '\\') break;
  }
  return end === -1 ? 0 : end + 1 - at;
}

/** Length of the rest of the line when it holds `]]>`, which oned refuses. */
function cdataLength(text: string, at: number): number {
  const newline = text.indexOf('\n', at);
  const end = newline === -1 ? text.length : newline;
  const found = text.indexOf(']]>', at);
  return found !== -1 && found < end ? end - at : 0;
}

function* scan(text: string): Generator<Token, void> {
  let at = 0;
  let inValue = false;
  while (at < text.length) {
    let kind: Kind | 'skip' | 'quoted' = 'skip';
    let length = 0;
    const offer = (offered: typeof kind, offeredLength: number) => {
      if (offeredLength > length) [kind, length] = [offered, offeredLength];
    };
    if (inValue) {
      offer('open', matchLength(/[ \t]*\[[ \t\n]*/y, text, at));
      offer('cdata', cdataLength(text, at));
      offer('quoted', quotedLength(text, at));
      offer('string', matchLength(/[^=# \t\n,[\]]+/y, text, at));
    } else {
      for (const [rule, pattern] of initial) offer(rule, matchLength(pattern, text, at));
    }
    const found = kind as Kind | 'skip' | 'quoted';
    const from = at;
    at += Math.max(length, 1);
    if (found === 'skip') continue;
    inValue = found === 'equal';
    if (found === 'quoted') yield { kind: 'string', text: text.slice(from + 1, at - 1) };
    else if (found === 'variable' || found === 'string') yield { kind: found, text: text.slice(from, at) };
    else yield { kind: found };
  }
}

const unescaped = (text: string) => text.replaceAll('\\"', '"');

/** Names are upper-cased and made valid XML names: samples 140, 142. */
export function attributeName(name: string): string {
  const upper = name.toUpperCase();
  return /^[A-Z_]/.test(upper) && !upper.startsWith('XML') ? upper : `ONE_${upper}`;
}

/**
 * Reads a template.
 *
 * @throws {TemplateSyntaxError} when oned's grammar does not accept the text
 */
export function parseTemplate(text: string): Attribute[] {
  const tokens = scan(text);
  const next = (): Token => tokens.next().value ?? { kind: 'end' };
  const take = (kind: 'variable' | 'string'): string => {
    const token = next();
    if (token.kind !== kind || !('text' in token))
      throw new TemplateSyntaxError(`${token.kind}, expected ${kind}`);
    return token.text;
  };
  const expect = (token: Token, ...kinds: Kind[]): Kind => {
    if (!kinds.includes(token.kind))
      throw new TemplateSyntaxError(`${token.kind}, expected ${kinds.join(' or ')}`);
    return token.kind;
  };
  const vector = (): Value => {
    const pairs = new Map<string, string>();
    let token = next();
    if (token.kind === 'close') return {};
    for (;;) {
      if (expect(token, 'variable') && 'text' in token) {
        const name = token.text.toUpperCase();
        expect(next(), 'equal');
        const value = unescaped(take('string'));
        if (!pairs.has(name)) pairs.set(name, value);
      }
      if (expect(next(), 'comma', 'close') === 'close') return Object.fromEntries([...pairs].sort(byName));
      token = next();
    }
  };
  const attributes: Attribute[] = [];
  for (let token = next(); token.kind !== 'end'; token = next()) {
    if (token.kind !== 'variable') throw new TemplateSyntaxError(`${token.kind}, expected a name`);
    const name = attributeName(token.text);
    if (expect(next(), 'equal', 'equal-empty') === 'equal-empty') {
      attributes.push({ name, value: '' });
      continue;
    }
    const value = next();
    if (value.kind === 'open') attributes.push({ name, value: vector() });
    else if (value.kind === 'string') attributes.push({ name, value: unescaped(value.text).trim() });
    else throw new TemplateSyntaxError(`${value.kind}, expected a value`);
  }
  return attributes;
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

/** Sorted by name, as every template is shown: oned keeps them in a map. */
export function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(byName));
}

// Texts in messages. Values are short, on one line, printable, and never a possible secret. Text of others (a peer, a server,
// another program, an app) becomes plain where it enters, and once more where it leaves: docs/architecture.md, "Text of others".
import { Buffer } from 'node:buffer';
import { stripVTControlCharacters } from 'node:util';

/**
 * What no reader sees as itself: control characters (C0, DEL, C1), format characters (bidirectional controls, zero width),
 * lone surrogates, private use, unassigned, separators of lines and paragraphs, and what Unicode says to ignore (fillers,
 * selectors of variants).
 */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{DI}]/u;
const ALL_INVISIBLE = new RegExp(INVISIBLE, 'gu');
/** All blanks, and what becomes one. */
const GAPS = /[\p{C}\p{Z}\p{DI}]+/gu;

const CUT = '...';
/** Of a text of any size only so much is looked at for each character that may stay: colours and blanks use some up. */
const LOOKED_AT = 8;

/** The first `most` code points, with a mark when there were more. Never divides a surrogate pair. */
function cut(text: string, most: number, more = false): string {
  if (!more && text.length <= most) return text;
  const characters = [...text.slice(0, 2 * most + 2)];
  if (!more && characters.length <= most) return text;
  return `${characters.slice(0, most - CUT.length).join('')}${CUT}`;
}

/**
 * Text of others, fit for a sentence: one line without invisible characters and terminal sequences, blanks collapsed, at
 * most `most` code points (at least 4), with `...` where it was cut. Plain text stays as it is.
 */
export function plain(text: string, most = 300): string {
  const looked = text.slice(0, LOOKED_AT * most);
  const line = stripVTControlCharacters(looked).replace(GAPS, ' ').trim();
  return cut(line, most, looked.length < text.length);
}

/** The lines of another program's output as plain text, without empty ones. */
export const textLines = (output: string): string[] =>
  output
    .split('\n')
    .map((line) => plain(line))
    .filter((line) => line !== '');

const LONGEST_LINE = 4_000;
const MOST_LINES = 200;

/**
 * The guard of an exit: each line keeps its indentation, and each invisible character becomes a blank. Lines are
 * divided by `\n` only. Long lines, and lines beyond the limit, are cut with `...`.
 */
export function plainLines(text: string): string {
  const lines = text.slice(0, MOST_LINES * LONGEST_LINE).split('\n', MOST_LINES + 1);
  const kept = lines.slice(0, MOST_LINES).map(plainLine);
  return (lines.length > MOST_LINES ? [...kept, CUT] : kept).join('\n');
}

/** One line as plainLines writes it. */
export const plainLine = (line: string): string => cut(line.replace(ALL_INVISIBLE, ' '), LONGEST_LINE);

/** A text with another one for each invisible character: the escapes of a format. */
export const escapeInvisible = (text: string, written: (character: string) => string): string =>
  text.replace(ALL_INVISIBLE, written);

/** The same JSON with escapes for invisible characters, which JSON allows in a text except for the first 32. */
export const plainJson = (json: string): string =>
  escapeInvisible(json, (found) => (found === '\n' ? found : found.split('').map(jsonEscape).join('')));

const jsonEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

const MOST_CHARACTERS = 80;

/** The value in single quotes, cut to 80 characters, with escapes for unprintable characters. */
export function quote(value: string): string {
  if (looksSecret(value)) return describe(value);
  const { text, whole } = escapeUnprintable(value);
  return whole ? `'${text}'` : `'${text}...' (${value.length} characters)`;
}

/** The same for a name, without quotes. */
export function quoteName(name: string): string {
  const { text, whole } = escapeUnprintable(name);
  return whole ? text : `${text}...`;
}

/** Replaces a value that is not shown. */
export const describe = (value: string): string => `a value of ${value.length} characters`;

/** Also any other PEM, which is in the wrong variable. */
const looksSecret = (value: string): boolean => holdsSecret(value) || /LS0tLS1CRUdJTi|-----BEGIN/.test(value);

/**
 * Whether a value holds a private key in PEM (plain, or base64 once or twice), a URL with a user, a password, a query or a
 * fragment, a user and a password without `://`, or a key=value pair with the name of a secret.
 */
export function holdsSecret(value: string, layers = 2): boolean {
  if (/PRIVATE KEY|:\/\/[^/\s@]{0,200}@|[^\s:@/]:[^\s@]{1,200}@/.test(value)) return true;
  // Tokens are often in a query, under any name.
  if (/:\/\/[^\s?#]{0,2000}[?#][^\s]/.test(value)) return true;
  const pem = value.includes('-----BEGIN');
  if (!pem && /(?:^|[\s?&#;])[\w.-]*(?:pass|pwd|secret|token|key)[\w.-]*\s*=/i.test(value)) return true;
  const base64 = value.replaceAll(/\s+/g, '');
  return (
    layers > 0 &&
    base64.length >= 40 &&
    /^[A-Za-z0-9+/]+=*$/.test(base64) &&
    holdsSecret(Buffer.from(base64, 'base64').toString('latin1'), layers - 1)
  );
}

function escapeUnprintable(value: string): { text: string; whole: boolean } {
  const characters = [...value.slice(0, 2 * MOST_CHARACTERS)].slice(0, MOST_CHARACTERS);
  const taken = characters.reduce((sum, character) => sum + character.length, 0);
  return { text: characters.map(visible).join(''), whole: taken === value.length };
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

/** The character itself, or an escape for one that is unprintable or moves the cursor. */
export function visible(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  return INVISIBLE.test(character) ? `\\u{${character.codePointAt(0)!.toString(16)}}` : character;
}

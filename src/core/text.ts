// Values in messages: short, on one line, printable, and never a possible secret.
import { Buffer } from 'node:buffer';

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
 * Whether a value holds a private key in PEM (plain, or base64 once or twice), a URL with a user or a password, the same
 * without `://`, or a key=value pair with the name of a secret.
 */
export function holdsSecret(value: string, layers = 2): boolean {
  if (/PRIVATE KEY|:\/\/[^/\s@]{0,200}@|[^\s:@/]:[^\s@/]{1,200}@/.test(value)) return true;
  const pem = value.includes('-----BEGIN');
  if (!pem && /(?:^|\s)[\w.-]*(?:pass|pwd|secret|token|key)[\w.-]*\s*=/i.test(value)) return true;
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
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(character)
    ? `\\u{${character.codePointAt(0)!.toString(16)}}`
    : character;
}

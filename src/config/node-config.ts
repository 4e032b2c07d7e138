// FL_NODE_CONFIG: key=value pairs with optional quotes, read into the types of Flower's TOML. Flower's own inline form needs
// quotes around every string and drops pairs that it cannot read (common/config.py of Flower 1.28). So the agent reads the
// pairs and writes a TOML file.
import { err, ok, type Result } from '../core/result.ts';
import type { TomlEntry, TomlValue } from '../core/toml.ts';

const MOST_CHARACTERS = 65_536;
/** The key, `=`, a quoted value, and the rest of the text up to a blank. */
const PAIR = /(?=[^ \t\r\n])([^= \t\r\n]*)(=?)("[^"]*"|'[^']*')?([^ \t\r\n]*)/g;
const KEY = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const SINT64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

/**
 * Reads `a=1 b=2.5 c=true site="x y" code='007'`. A quoted value is text, without escapes. Of the others true, false,
 * plain decimal integers and floats have their type, and the rest is text.
 * An error names a pair by its number or key, never by its value.
 */
export function readNodeConfig(text: string): Result<readonly TomlEntry[]> {
  if (text.length > MOST_CHARACTERS) return err(`longer than ${MOST_CHARACTERS} characters`);
  const entries = new Map<string, TomlValue>();
  for (const [, key = '', equals, quoted, rest = ''] of text.matchAll(PAIR)) {
    const number = entries.size + 1;
    if (equals === '')
      return err(`pair ${number} has no '=' (no blanks around it; quote a value that holds blanks)`);
    if (!KEY.test(key) || key.length > 200)
      return err(`the key of pair ${number} has other characters than letters, digits, _, - and inner dots`);
    if (quoted !== undefined && rest !== '')
      return err(`a blank is missing after the closing quote of ${key}`);
    const value = quoted === undefined ? readPlain(rest, key) : ok(quoted.slice(1, -1));
    if (!value.ok) return value;
    if (typeof value.value === 'string' && !isClean(value.value))
      return err(`the value of ${key} has a control character`);
    if (entries.has(key)) return err(`the key ${key} is given twice`);
    entries.set(key, value.value);
  }
  return ok([...entries]);
}

function readPlain(text: string, key: string): Result<TomlValue> {
  if (text === '') return err(`${key} has no value (write ${key}="" for an empty text)`);
  if (/^["']/.test(text)) return err(`the quote that opens the value of ${key} is not closed`);
  if (/["']/.test(text))
    return err(`the value of ${key} has a quote in its middle; use the other kind of quotes around it`);
  // The query of a URL has & between its pairs.
  const separator = (text.includes('?') ? /[,;](?=[\w.-]+=|$)/ : /[,;&](?=[\w.-]+=|$)/).exec(text)?.[0];
  if (separator !== undefined)
    return err(
      `${separator} after ${key}: blanks separate pairs (use quotes around a value with ${separator})`,
    );
  if (text === 'true' || text === 'false') return ok(text === 'true');
  if (/^-?(0|[1-9]\d*)$/.test(text)) {
    const whole = text.length > 20 ? SINT64.most + 1n : BigInt(text);
    if (whole < SINT64.least || whole > SINT64.most)
      return err(`the number of ${key} does not fit in 64 bits (quote it to make it text)`);
    return ok(Number.isSafeInteger(Number(whole)) ? Number(whole) : whole);
  }
  if (/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,3})?$/.test(text)) {
    const float = Number(text);
    return Number.isFinite(float) ? ok({ float }) : err(`the number of ${key} is too large`);
  }
  return ok(text);
}

/** Numbers, booleans and nothing in the spelling of other languages; here they are text. */
const OTHER_SPELLING =
  /^(true|false|none|null|nil|[+-]?(\d+(_\d+)+|\d+\.|\.\d+|0x[\da-f]+|0o[0-7]+|0b[01]+|inf|infinity|nan)|\+\d+(\.\d+)?)$/i;

/** Common misspellings of the keys that the agent fills in. */
const OTHER_KEY: ReadonlyMap<string, string> = new Map([
  ['partition_id', 'partition-id'],
  ['num_partitions', 'num-partitions'],
]);

export interface Doubt {
  readonly key: string;
  readonly why: string;
}

/** Pairs that can be read but are probably wrong. Quoted values are never in doubt. */
export function doubtsAbout(text: string): Doubt[] {
  const doubts: Doubt[] = [];
  const quoted = /"[^"]*"|'[^']*'/g;
  for (const pair of text.replaceAll(quoted, '""').split(/[ \t\r\n]+/)) {
    const [key = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const meant = OTHER_KEY.get(key);
    if (meant !== undefined) doubts.push({ key, why: `did you mean ${meant}?` });
    if (OTHER_SPELLING.test(value) && value !== 'true' && value !== 'false')
      doubts.push({ key, why: 'its value is text, not a number or a boolean' });
  }
  return doubts;
}

/** TOML text may not hold control characters; lone surrogates cannot be written as UTF-8. */
const isClean = (text: string): boolean => !/\p{Cc}/u.test(text) && text.isWellFormed();

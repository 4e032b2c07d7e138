// Writes the flat TOML files that Flower reads. Flower takes booleans, 64-bit integers, floats and strings.
import { escapeInvisible } from '../core/text.ts';
import type { TomlEntry, TomlValue } from '../core/toml.ts';

/** One `key = value` line per entry, in the order given. Keys and strings may hold anything but lone surrogates. */
export const formatToml = (entries: Iterable<TomlEntry>): string =>
  [...entries].map(([key, value]) => `${formatKey(key)} = ${formatValue(value)}\n`).join('');

const formatKey = (key: string): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : quote(key));

function formatValue(value: TomlValue): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value + 0) : formatFloat(value);
  return formatFloat(value.float);
}

function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** A TOML basic string: quote, backslash and every invisible character as an escape. */
const quote = (text: string): string =>
  `"${escapeInvisible(text.replaceAll(/["\\]/g, '\\$&'), (character) => {
    const hex = character.codePointAt(0)!.toString(16);
    return hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
  })}"`;

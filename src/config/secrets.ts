// Secrets in a CONTEXT: which values are masked, and how the others are printed.
import { describe, holdsSecret, quote, visible } from '../core/text.ts';
import { isVariableName, plainName, rowOf, type VariableName } from './table.ts';

/** Names whose values may give access. START_SCRIPT and USER_DATA are programs, which may hold passwords. */
const SECRET =
  /PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|PRIVATE|START_SCRIPT|READY_SCRIPT$|USER_?DATA|INIT_SCRIPT/;

/** Public although they contain KEY. */
const PUBLIC = /PUBLIC_KEY|PUB_KEY/;

/**
 * @internal Whether the value of this CONTEXT variable is masked in every output. The row decides for variables of the
 * table, the name for others. TOKEN counts as secret, because other tools put a token into a variable with such a name.
 */
export function isSecretName(name: string): boolean {
  const plain = plainName(name.toUpperCase());
  if (isVariableName(plain) && rowOf(plain).level !== 'infrastructure') return rowOf(plain).secret === true;
  if (plain === 'READY_SCRIPT_PATH') return false;
  return SECRET.test(plain) && !PUBLIC.test(plain);
}

/**
 * The same for a name and its value. TOKEN=YES and TOKEN=NO are not secret. A private key, or a password in a URL, is
 * secret under every name.
 */
export const isSecret = (name: string, value: string): boolean =>
  holdsSecret(value) ||
  (isSecretName(name) && !(name.toUpperCase() === 'TOKEN' && /^(YES|NO)?$/i.test(value.trim())));

/** A value on one line for a person: escapes for unprintable characters, cut after 200 characters. */
export function formatValue(value: string): string {
  const most = 200;
  const text = [...value.slice(0, most).toWellFormed()].map(visible).join('');
  return value.length > most ? `${text}... (${value.length} characters)` : text;
}

/** A value of `name` in a finding. */
export function showValue(name: VariableName, value: string): string {
  const { secret, redact } = rowOf(name);
  return secret || redact ? describe(value) : quote(value);
}

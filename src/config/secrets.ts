// Which names of a CONTEXT are never shown, and how the values of the others are.
import { holdsSecret, visible } from '../core/text.ts';
import { isVariableName, plainName, rowOf } from './table.ts';

/** Names of which the value may let somebody in. START_SCRIPT and USER_DATA are programs, and those hold passwords. */
const SECRET =
  /PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|PRIVATE|START_SCRIPT|READY_SCRIPT$|USER_?DATA|INIT_SCRIPT/;

/** Public although "KEY" is in them. */
const PUBLIC = /PUBLIC_KEY|PUB_KEY/;

/**
 * Whether the value of this CONTEXT variable is masked wherever the CONTEXT is shown. Our own variables are as their row
 * says; of others the name decides. TOKEN counts as secret: other tools put the token itself into names like it.
 */
export function isSecretName(name: string): boolean {
  const plain = plainName(name.toUpperCase());
  if (isVariableName(plain) && rowOf(plain).level !== 'infrastructure') return rowOf(plain).secret === true;
  if (plain === 'READY_SCRIPT_PATH') return false;
  return SECRET.test(plain) && !PUBLIC.test(plain);
}

/**
 * The same for a name and its value: TOKEN=YES or NO is no token, and worth seeing; a private key in a variable for
 * certificates, or a password in a URL, is a secret under every name.
 */
export const isSecret = (name: string, value: string): boolean =>
  holdsSecret(value) ||
  (isSecretName(name) && !(name.toUpperCase() === 'TOKEN' && /^(YES|NO)?$/i.test(value.trim())));

/** A value on one line: whatever does not print is an escape, and a long value is cut. For people, not for programs. */
export function formatValue(value: string): string {
  const most = 200;
  const text = [...value.slice(0, most).toWellFormed()].map(visible).join('');
  return value.length > most ? `${text}... (${value.length} characters)` : text;
}

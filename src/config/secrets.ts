// Secrets in a CONTEXT: which values are masked, and how the others are printed.
import { closestMatch } from '../core/closest-match.ts';
import { describe, holdsSecret, quote, visible } from '../core/text.ts';
import { readNodeConfig } from './node-config.ts';
import { isVariableName, namesInContext, plainName, rowOf, type VariableName } from './table.ts';
import type { Variable } from './variable.ts';

/** Network data of a NIC and of its aliases, as OpenNebula and one-context name them. */
const NIC =
  /^ETH\d{1,3}(_ALIAS\d{1,3})?_(DNS|EXTERNAL|GATEWAY6?|IP|IP6|IP6_(GATEWAY|METHOD|METRIC|PREFIX_LENGTH|ULA)|MAC|MASK|METHOD|METRIC|MTU|NETWORK|ROUTES|SEARCH_DOMAIN|VLAN_ID|VROUTER_(IP6?|MANAGEMENT))$/;

/** Other names that OpenNebula and one-context give a meaning without a secret. */
const HARMLESS =
  /^(DISK_ID|TARGET|NAME|HOSTNAME|SET_HOSTNAME|DNS_HOSTNAME|DOMAIN|DNS|SEARCH_DOMAIN|NETCFG_TYPE|TIMEZONE|GROW_FS|GROW_ROOTFS)$/;

/** The row of a name in the CONTEXT, under which the appliance reads it. */
function rowNamed(name: string): { name: VariableName; row: Variable } | undefined {
  const plain = plainName(name);
  return isVariableName(plain) && namesInContext(plain).includes(name)
    ? { name: plain, row: rowOf(plain) }
    : undefined;
}

/**
 * Whether the value of a variable may be printed. Only what is known to be harmless: no list of words finds every name of a
 * secret. A private key or a password in a value is hidden under every name.
 */
export function mayShow(name: string, value: string): boolean {
  if (value === '') return true;
  if (holdsSecret(value)) return false;
  const own = rowNamed(name);
  if (own === undefined) return NIC.test(name) || HARMLESS.test(name);
  if (own.name === 'FL_NODE_CONFIG' || own.row.secret === true) return false;
  // The schemas of other programs' switches accept every text.
  const valid = own.row.input !== 'boolean' && own.row.schema.safeParse(value.trim()).success;
  return valid || resembles(own.row, value);
}

/** What replaces the value of `name` where it may not be shown. Of FL_NODE_CONFIG the keys stay. */
export function mask(name: string, value: string): string {
  const config = rowNamed(name)?.name === 'FL_NODE_CONFIG' ? readNodeConfig(value) : undefined;
  const keys =
    config?.ok && config.value.length > 0 ? `; keys: ${config.value.map(([key]) => key).join(', ')}` : '';
  return `(masked, ${value.length} characters${keys})`;
}

/**
 * Whether a wrong value is probably meant for this variable. Another one may be a password in the wrong field of a form.
 */
function resembles({ input, options, redact }: Variable, value: string): boolean {
  if (redact === true) return false;
  switch (input) {
    case 'list':
      return (
        closestMatch(value.trim(), options ?? []) !== undefined || beginsLike(value.trim(), options ?? [])
      );
    case 'boolean':
      return /^\s*([yntf01]|yes|no|true|false|on|off|(en|dis)abled?)\s*$/i.test(value);
    case 'number':
    case 'number-float':
      return /^\s*([-+]?[\d.,_]{1,20}(e[-+]?\d{1,3})?|[a-z]{1,5})\s*$/i.test(value);
    default:
      return !value.includes('@');
  }
}

/** Whether a short plain word has the first three letters of a choice: FedBest for FedAvg. */
const beginsLike = (word: string, choices: readonly string[]): boolean =>
  /^[A-Za-z\d_-]{3,24}$/.test(word) &&
  choices.some(
    (choice) => choice.length >= 3 && word.toLowerCase().startsWith(choice.slice(0, 3).toLowerCase()),
  );

/** Names whose values may give access; for templates, whose other lines are printed to be corrected. START_SCRIPT and USER_DATA are programs, which may hold passwords. */
const SECRET =
  /PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|PRIVATE|START_SCRIPT|READY_SCRIPT$|USER_?DATA|INIT_SCRIPT/;

/** Public although they contain KEY. */
const PUBLIC = /PUBLIC_KEY|PUB_KEY/;

/**
 * @internal Whether the value of this variable is left out of the lines of a template. The row decides for variables of
 * the table, the name for others. TOKEN counts as secret, because other tools put a token into a variable of that name.
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

/** A wrong value of `name` in a finding. */
export const showValue = (name: VariableName, value: string): string =>
  rowOf(name).secret !== true && resembles(rowOf(name), value) ? quote(value) : describe(value);

// USER_INPUTS of OpenNebula templates: one string per variable, "O|number|Number of rounds||3".
import { ALL_NAMES, rowOf, type VariableName } from './table.ts';
import type { Role, Variable } from './variable.ts';

/** Stands for what the image builder chose, where no image is at hand. */
export const BAKED = '<baked>';

/** Whether the image builder decides the default. */
export const comesFromImage = ({ default: declared }: Variable): boolean =>
  typeof declared === 'object' && 'image' in declared;

/**
 * The text that a variable has in a role when it is unset; undefined when it then has no value. `baked`: the Flower
 * version of the image, for the variables whose default it is.
 */
export function defaultText(name: VariableName, role: Role, baked = BAKED): string | undefined {
  const { default: declared } = rowOf(name);
  if (declared === undefined || typeof declared === 'string') return declared;
  return 'image' in declared
    ? (declared.image({ role, flowerVersion: baked, framework: 'none' }) as string)
    : declared[role];
}

/**
 * mandatory|type|description|options|default, as OpenNebula's forms read it; a text64 input has no last two parts.
 * Undefined for infrastructure, which nobody is asked for.
 */
export function userInput(name: VariableName, baked = BAKED): string | undefined {
  const row = rowOf(name);
  if (row.level === 'infrastructure') return undefined;
  const head = [row.mandatory ? 'M' : 'O', row.input, row.title];
  if (row.input === 'text64') return head.join('|');
  const preset = row.inputDefault ?? defaultText(name, row.roles[0]!, baked) ?? '';
  return [...head, (row.options ?? []).join(','), preset].join('|');
}

/** The inputs of a level: of the whole service, or of one role. */
export function userInputs(level: 'service' | 'role', role: Role, baked = BAKED): Record<string, string> {
  const names = ALL_NAMES.filter((name) => rowOf(name).level === level && rowOf(name).roles.includes(role));
  return Object.fromEntries(names.map((name) => [name, userInput(name, baked)!]));
}

/** What a template writes into CONTEXT by itself: TOKEN, NETWORK, REPORT_READY and so on. */
export function infrastructure(): Record<string, string> {
  const rows = ALL_NAMES.map((name) => [name, rowOf(name).template] as const);
  return Object.fromEntries(
    rows.filter((row): row is readonly [VariableName, string] => row[1] !== undefined),
  );
}

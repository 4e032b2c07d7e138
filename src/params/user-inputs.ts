// USER_INPUTS of OpenNebula templates: one string per variable, "O|number|Number of rounds||3".
import { rowOf, type VariableName } from './table.ts';
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
 * mandatory|type|description|options|default, as OpenNebula's forms read it. Always five parts: the command line makes no
 * value of an empty answer to an input of three. Undefined for infrastructure, which nobody is asked for.
 */
export function userInput(name: VariableName, baked = BAKED): string | undefined {
  const row = rowOf(name);
  if (row.level === 'infrastructure') return undefined;
  const preset = row.inputDefault ?? defaultText(name, row.roles[0]!, baked) ?? '';
  return [row.mandatory ? 'M' : 'O', row.input, row.title, (row.options ?? []).join(','), preset].join('|');
}

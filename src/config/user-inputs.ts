// USER_INPUTS of OpenNebula templates: one string per variable, "O|number|Number of rounds||3".

import type { Role } from '../core/role.ts';
import { rowOf, type VariableName } from './table.ts';
import type { Variable } from './variable.ts';

/** Placeholder for a value that the image builder chooses. */
const BAKED = '<baked>';

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

/** An input of a form, in its five parts. */
export interface UserInput {
  readonly mandatory: boolean;
  readonly type: string;
  readonly title: string;
  readonly options: readonly string[];
  /** The value that the form shows first. */
  readonly preset: string;
}

/**
 * `M|text|question|options|preset`. Always five parts: with three, the command line sends no value for an empty answer. A
 * boolean with the preset YES becomes a list, because Sunstone of 6.10 shows every boolean as off and sends NO.
 */
export function formatInput({ mandatory, type, title, options, preset }: UserInput): string {
  const [as, choices] =
    type === 'boolean' && preset.toUpperCase() === 'YES' ? ['list', ['YES', 'NO']] : [type, options];
  return [mandatory ? 'M' : 'O', as, title, choices.join(','), preset].join('|');
}

/** The input of a variable. Undefined for infrastructure, which is never an input. */
export function userInput(name: VariableName, baked = BAKED): string | undefined {
  const { level, mandatory = false, input: type, title, roles, ...row } = rowOf(name);
  if (level === 'infrastructure') return undefined;
  const preset = row.inputDefault ?? defaultText(name, roles[0]!, baked) ?? '';
  const options = row.inputOptions ?? row.options ?? [];
  return formatInput({ mandatory, type, title, options, preset });
}

// USER_INPUTS of OpenNebula templates: one string per variable, "O|number|Number of rounds||3".

import type { Role } from '../core/role.ts';
import { rowOf, type VariableName } from './table.ts';
import type { Variable } from './variable.ts';

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

/** A question of a form, by its five parts. */
export interface UserInput {
  readonly mandatory: boolean;
  readonly type: string;
  readonly title: string;
  readonly options: readonly string[];
  /** What the form is filled in with. */
  readonly preset: string;
}

/**
 * `M|text|question|options|preset`. Always five parts: the command line makes no value of an empty answer to an input of
 * three. A boolean that is on is a list: Sunstone of 6.10 shows every boolean as off, and sends NO for it.
 */
export function formatInput({ mandatory, type, title, options, preset }: UserInput): string {
  const [as, choices] =
    type === 'boolean' && preset.toUpperCase() === 'YES' ? ['list', ['YES', 'NO']] : [type, options];
  return [mandatory ? 'M' : 'O', as, title, choices.join(','), preset].join('|');
}

/** The input of a variable as the table has it. Undefined for infrastructure, which nobody is asked for. */
export function userInput(name: VariableName, baked = BAKED): string | undefined {
  const {
    level,
    mandatory = false,
    input: type,
    title,
    options = [],
    inputDefault,
    inputOptions,
    roles,
  } = rowOf(name);
  if (level === 'infrastructure') return undefined;
  const preset = inputDefault ?? defaultText(name, roles[0]!, baked) ?? '';
  return formatInput({ mandatory, type, title, options: inputOptions ?? options, preset });
}

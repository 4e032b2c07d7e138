// The parts of a user input: templates change some of them, and lint reads inputs that other people wrote.
import { BAKED_FLOWER } from '../config/locked.ts';
import type { VariableName } from '../config/table.ts';
import { type UserInput, userInput } from '../config/user-inputs.ts';

export { formatInput, type UserInput } from '../config/user-inputs.ts';

/** The input of a variable (not of infrastructure), with the parts that a template changes. */
export const inputOf = (name: VariableName, changes: Partial<UserInput> = {}): UserInput => ({
  ...parseInput(userInput(name, BAKED_FLOWER)!),
  ...changes,
});

/** Reads an input by its bars, as OpenNebula does. Parts that are missing are empty. */
export function parseInput(text: string): UserInput {
  const [mandatory = '', type = '', title = '', options = '', ...preset] = text.split('|');
  return {
    // For the command line everything but O is mandatory, also the 0 of OpenNebula's own templates.
    mandatory: mandatory.trim().toUpperCase() !== 'O',
    type: type.trim(),
    title,
    options: options.trim() === '' ? [] : options.trim().split(','),
    preset: preset.join('|').trim(),
  };
}

/** The preset of a form; empty where an unset variable has a meaning of its own. */
export const formDefault = (name: VariableName): string => inputOf(name).preset;

// A user input taken apart: templates change what is mandatory and what the form is filled in
// with, and lint reads what others wrote. The table's own form is in ../user-inputs.ts.
import { BAKED_FLOWER } from '../config/release.ts';
import type { VariableName } from '../config/table.ts';
import { type UserInput, userInput } from '../config/user-inputs.ts';

export { formatInput, type UserInput } from '../config/user-inputs.ts';

/** The input of a variable that people are asked for (not of infrastructure), with what a template wants otherwise. */
export const inputOf = (name: VariableName, wanted: Partial<UserInput> = {}): UserInput => ({
  ...parseInput(userInput(name, BAKED_FLOWER)!),
  ...wanted,
});

/** Reads an input by its bars, as OpenNebula does. Parts that are missing are empty. */
export function parseInput(text: string): UserInput {
  const [mandatory = '', type = '', title = '', options = '', ...preset] = text.split('|');
  return {
    // Anything but O is mandatory to the command line: OpenNebula's own templates have 0.
    mandatory: mandatory.trim().toUpperCase() !== 'O',
    type: type.trim(),
    title,
    options: options.trim() === '' ? [] : options.trim().split(','),
    preset: preset.join('|').trim(),
  };
}

/** What a form is filled in with; empty when unset means something of its own. */
export const formDefault = (name: VariableName): string => inputOf(name).preset;

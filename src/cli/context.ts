import { print } from '../host/output.ts';
import { isSecretName, shown } from '../params/secrets.ts';
import { type Command, columns, EXIT } from './command.ts';
import { readVariables } from './context-source.ts';

export const context: Command = {
  name: 'context',
  summary: 'shows what this VM was given: each NAME and value as parsed, secrets masked',
  args: ['[FILE]'],
  options: { json: { description: 'one JSON object, NAME -> value' } },
  text: 'FILE is a context.sh, the CONTEXT block of a template, or KEY=VALUE lines; without it, what one-context left here.',
  examples: [
    ['flower-context context', 'what this VM was given'],
    ['flower-context context context.sh --json', 'a file, for a program'],
  ],
  async run({ machine, args, flag }) {
    const raw = readVariables(machine, args[0]);
    const masked = Object.entries(raw).map(
      ([name, value]) => [name, isSecretName(name) ? '********' : value] as const,
    );
    if (flag('json')) print(`${JSON.stringify(Object.fromEntries(masked), null, 2)}\n`);
    else print(`${columns(masked.map(([name, value]) => [name, shown(value)] as const)).join('\n')}\n`);
    return EXIT.good;
  },
};

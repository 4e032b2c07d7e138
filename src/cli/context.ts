import { formatValue, isSecret } from '../config/secrets.ts';
import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { defineCommand } from './command.ts';
import { FILE_TEXT, readVariables } from './context-source.ts';
import { columns } from './terminal.ts';

export const context = defineCommand({
  name: 'context',
  summary: 'shows what this VM was given: each NAME and value as parsed, secrets masked',
  args: ['[FILE]'],
  options: { json: { description: 'one JSON object, NAME -> value' } },
  text: FILE_TEXT,
  examples: [
    ['flower-context context', 'what this VM was given'],
    ['flower-context context context.sh --json', 'a file, for a program'],
  ],
  async run({ machine, args, flag }) {
    const { variables } = readVariables(machine, args[0]);
    const masked = Object.entries(variables).map(
      ([name, value]) => [name, isSecret(name, value) ? '********' : value] as const,
    );
    if (flag('json')) print(`${JSON.stringify(Object.fromEntries(masked), null, 2)}\n`);
    else print(`${columns(masked.map(([name, value]) => [name, formatValue(value)] as const)).join('\n')}\n`);
    return EXIT.good;
  },
});

import { formatValue, isSecret } from '../config/secrets.ts';
import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { defineCommand } from './command.ts';
import { FILE_TEXT, readVariables } from './context-source.ts';
import { columns, printText, whole } from './terminal.ts';

export const context = defineCommand({
  name: 'context',
  summary: 'Print the parsed CONTEXT (secrets masked)',
  args: ['[FILE]'],
  options: { json: { description: 'print one JSON object, NAME -> value' } },
  text: FILE_TEXT,
  examples: [
    ['flower-context context', 'Print the CONTEXT of this VM'],
    ['flower-context context context.sh --json', 'Print that of a file, for a program'],
  ],
  async run({ machine, args, flag }) {
    const { variables } = readVariables(machine, args[0]);
    const masked = Object.entries(variables).map(
      ([name, value]) => [name, isSecret(name, value) ? '********' : value] as const,
    );
    if (flag('json')) print(`${JSON.stringify(Object.fromEntries(masked), null, 2)}\n`);
    else printText(columns(masked.map(([name, value]) => [name, whole(formatValue(value))])).join('\n'));
    return EXIT.ok;
  },
});

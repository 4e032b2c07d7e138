// The commands in their groups, as in `flower-context --help`.
import { COMMAND_GROUPS } from '../../src/cli/index.ts';
import { cell } from './codes.ts';

export function commandsReference(): string {
  const groups = COMMAND_GROUPS.map(({ title, commands }) => {
    const rows = commands.map(({ name, summary }) => `| \`flower-context ${name}\` | ${cell(summary)} |`);
    return `## ${title}\n\n${['| Command | What it does |', '|---|---|', ...rows].join('\n')}`;
  });
  return [
    '# Commands',
    '`flower-context COMMAND --help` prints options and examples; `man flower-context` has all of them. The [exit status](variables.md#exit-status-of-flower-context) has the same meaning for all commands.',
    ...groups,
  ].join('\n\n');
}

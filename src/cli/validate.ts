import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { defineCommand } from './command.ts';
import { checkedContext, FILE_TEXT, ROLE_OPTION } from './context-source.ts';
import { printFindings } from './findings.ts';
import { printText } from './terminal.ts';

export const validate = defineCommand({
  name: 'validate',
  summary: 'Validate a CONTEXT and report all errors',
  args: ['[FILE]'],
  options: { role: ROLE_OPTION, json: { description: 'print the findings as a JSON list' } },
  text: `${FILE_TEXT}\n\nNeeds neither root nor OpenNebula.`,
  examples: [
    ['flower-context validate context.sh --role superlink', 'Check a file before a VM is started'],
    ['flower-context validate', 'Check the CONTEXT of this VM'],
    ['onevm show --json 42 | flower-context validate --role supernode -', 'Check a VM that runs already'],
  ],
  async run({ machine, args, value, flag }) {
    const { findings, config } = await checkedContext(machine, args[0], value('role'));
    if (flag('json')) print(`${JSON.stringify(findings, null, 2)}\n`);
    else if (findings.length === 0) printText('valid: no errors, no warnings');
    else printFindings(findings, 'stdout');
    return config === undefined ? EXIT.badContext : EXIT.ok;
  },
});

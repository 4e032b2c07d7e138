import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import type { Command } from './command.ts';
import { checkedContext, FILE_TEXT, ROLE_OPTION } from './context-source.ts';
import { describeFindings } from './findings.ts';

export const validate: Command = {
  name: 'validate',
  summary: 'Validate a CONTEXT and report all errors',
  args: ['[FILE]'],
  options: { role: ROLE_OPTION, json: { description: 'the findings as a JSON list' } },
  text: `${FILE_TEXT}
Runs anywhere: no root, no OpenNebula.`,
  examples: [
    ['flower-context validate context.sh --role superlink', 'before a VM is started'],
    ['flower-context validate', 'on the VM'],
    ['onevm show --json 42 | flower-context validate --role supernode -', 'a VM that runs already'],
  ],
  async run({ machine, args, value, flag }) {
    const { findings, config } = await checkedContext(machine, args[0], value('role'));
    if (flag('json')) print(`${JSON.stringify(findings, null, 2)}\n`);
    else print(findings.length === 0 ? 'valid: no errors, no warnings\n' : describeFindings(findings));
    return config === undefined ? EXIT.badContext : EXIT.good;
  },
};

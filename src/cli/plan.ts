import { preview } from '../boot/preview.ts';
import { EXIT } from '../core/exit.ts';
import { print, printError } from '../host/output.ts';
import type { Command } from './command.ts';
import { checkedContext, FILE_TEXT, ROLE_OPTION } from './context-source.ts';
import { describeFindings } from './findings.ts';

export const plan: Command = {
  name: 'plan',
  summary: 'Show what a boot with this CONTEXT would write and start',
  args: ['[FILE]'],
  options: { role: ROLE_OPTION, json: { description: 'for a program' } },
  text: FILE_TEXT,
  examples: [
    ['flower-context plan context.sh --role superlink', 'the files, the unit, the command line of Flower'],
    ['flower-context plan --json', 'on the VM, for a program'],
  ],
  async run({ machine, args, value, flag }) {
    const { config, findings, facts } = await checkedContext(machine, args[0], value('role'));
    printError(describeFindings(findings));
    if (config === undefined) return EXIT.badContext;
    const planned = preview(config, facts, machine);
    if (flag('json')) {
      print(`${JSON.stringify(planned, null, 2)}\n`);
      return EXIT.good;
    }
    const { program, argv } = planned.launch_plan;
    print(
      [
        `role: ${planned.role}`,
        `${planned.role === 'superlink' ? 'SuperNodes dial' : 'SuperLink'}: ${planned.endpoint}`,
        '',
        'would write:',
        ...planned.files.flatMap(({ path, mode, what, content }) => [
          `  ${path} (${mode}): ${what}`,
          ...(content ?? '')
            .split('\n')
            .filter(Boolean)
            .map((line) => `      ${line}`),
        ]),
        '',
        `would start ${planned.starts}:`,
        `  ${program}`,
        ...argv.map((argument) => `    ${argument}`),
        '',
      ].join('\n'),
    );
    return EXIT.good;
  },
};

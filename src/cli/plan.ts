import { preview } from '../boot/preview.ts';
import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { defineCommand } from './command.ts';
import { checkedContext, FILE_TEXT, ROLE_OPTION } from './context-source.ts';
import { printFindings } from './findings.ts';
import { printText, whole } from './terminal.ts';

export const plan = defineCommand({
  name: 'plan',
  summary: 'Show what a boot with this CONTEXT would write and start',
  args: ['[FILE]'],
  options: { role: ROLE_OPTION, json: { description: 'print the plan as one JSON object' } },
  text: FILE_TEXT,
  examples: [
    [
      'flower-context plan context.sh --role superlink',
      'Show the files, the unit and the command line of Flower',
    ],
    ['flower-context plan --json', 'The same for a program, on the VM'],
  ],
  async run({ machine, args, value, flag }) {
    const { config, findings, facts } = await checkedContext(machine, args[0], value('role'));
    printFindings(findings, 'stderr');
    if (config === undefined) return EXIT.badContext;
    const planned = preview(config, facts, machine);
    if (flag('json')) {
      print(`${JSON.stringify(planned, null, 2)}\n`);
      return EXIT.ok;
    }
    const { program, argv } = planned.launch_plan;
    printText(
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
            .map((line) => `      ${whole(line)}`),
        ]),
        '',
        `would start ${planned.starts}:`,
        `  ${program}`,
        ...argv.map((argument) => `    ${whole(argument)}`),
      ].join('\n'),
    );
    return EXIT.ok;
  },
});

import { preview } from '../boot/preview.ts';
import { EXIT } from '../core/exit.ts';
import { print, printError } from '../host/output.ts';
import { knownVariables } from '../vm/context-file.ts';
import { defineCommand } from './command.ts';
import { FILE_TEXT, imageFacts, readVariables } from './context-source.ts';
import { check, describe, ROLE_OPTION } from './validate.ts';

export const plan = defineCommand({
  name: 'plan',
  summary: 'shows what a boot with this CONTEXT would write and start, and does nothing',
  args: ['[FILE]'],
  options: { role: ROLE_OPTION, json: { description: 'for a program' } },
  text: FILE_TEXT,
  examples: [
    ['flower-context plan context.sh --role superlink', 'the files, the unit, the command line of Flower'],
    ['flower-context plan --json', 'on the VM, for a program'],
  ],
  async run({ machine, args, value, flag }) {
    const file = readVariables(machine, args[0]);
    const { config, findings } = check(machine, file, imageFacts(machine, value('role')));
    if (findings.length > 0) printError(`${findings.flatMap(describe).join('\n')}\n`);
    if (config === undefined) return EXIT.badContext;
    const planned = preview(config, knownVariables(file), machine);
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
});

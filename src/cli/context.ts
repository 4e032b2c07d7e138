// The commands about a CONTEXT: of a FILE, or of this VM.
import { preview } from '../boot/preview.ts';
import { formatValue, isSecret } from '../config/secrets.ts';
import { EXIT } from '../core/exit.ts';
import { defineCommand } from './command.ts';
import { checkedContext, FILE_TEXT, ROLE_OPTION, readVariables } from './context-source.ts';
import { printFindings } from './findings.ts';
import { columns, printJson, printText, whole } from './terminal.ts';

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
    if (flag('json')) printJson(Object.fromEntries(masked));
    else printText(columns(masked.map(([name, value]) => [name, whole(formatValue(value))])).join('\n'));
    return EXIT.ok;
  },
});

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
    if (flag('json')) printJson(findings);
    else if (findings.length === 0) printText('valid: no errors, no warnings');
    else printFindings(findings, 'stdout');
    return config === undefined ? EXIT.badContext : EXIT.ok;
  },
});

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
      printJson(planned);
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

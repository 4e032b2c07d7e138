// The commands about a CONTEXT: of a FILE, or of this VM.
import { preview } from '../boot/preview.ts';
import type { BootConfig } from '../config/config.ts';
import { formatValue, mask, mayShow } from '../config/secrets.ts';
import { namesInContext } from '../config/table.ts';
import { EXIT } from '../core/exit.ts';
import type { TomlEntry } from '../core/toml.ts';
import { defineCommand, didYouMean, UsageError } from './command.ts';
import { checkedContext, FILE_TEXT, ROLE_OPTION, readVariables } from './context-source.ts';
import { printFindings } from './findings.ts';
import { columns, printJson, printText, whole } from './terminal.ts';

const SHOW = {
  show: { description: 'do not mask this variable', value: 'NAME', multiple: true },
  'show-all': { description: 'mask nothing' },
} as const;

const MASKS =
  'Only values that are known to be harmless are printed: network data, and the variables of this appliance without secrets. Of FL_NODE_CONFIG only the keys are printed.';

/** Whether the options ask for the value of a variable. @throws UsageError for a name that the CONTEXT does not have */
function unmasksOf(
  { flag, values }: { flag(name: 'show-all'): boolean; values(name: 'show'): readonly string[] },
  variables: Readonly<Record<string, string>>,
): (name: string) => boolean {
  const names = values('show');
  const unknown = names.find((name) => !Object.hasOwn(variables, name));
  if (unknown !== undefined)
    throw new UsageError(`the CONTEXT has no ${unknown}${didYouMean(unknown, Object.keys(variables))}`);
  return (name) => flag('show-all') || names.includes(name);
}

export const context = defineCommand({
  name: 'context',
  summary: 'Print the parsed CONTEXT (masked, unless it is known to be harmless)',
  args: ['[FILE]'],
  options: { ...SHOW, json: { description: 'print one JSON object, NAME -> value' } },
  text: `${FILE_TEXT}\n\n${MASKS}`,
  examples: [
    ['flower-context context', 'Print the CONTEXT of this VM'],
    ['flower-context context context.sh --json', 'Print that of a file, for a program'],
    ['flower-context context --show SMTP_HOST', 'Print also the value of SMTP_HOST'],
  ],
  async run({ machine, args, flag, values }) {
    const { variables } = readVariables(machine, args[0]);
    const unmasks = unmasksOf({ flag, values }, variables);
    const masked = Object.entries(variables).map(
      ([name, value]) => [name, unmasks(name) || mayShow(name, value) ? value : mask(name, value)] as const,
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

/** The keys of FL_NODE_CONFIG with masks instead of values. */
const withoutNodeValues = (config: BootConfig): BootConfig =>
  config.role === 'superlink'
    ? config
    : {
        ...config,
        FL_NODE_CONFIG: config.FL_NODE_CONFIG?.map(([key]): TomlEntry => [key, '(masked)']),
      };

export const plan = defineCommand({
  name: 'plan',
  summary: 'Show what a boot with this CONTEXT would write and start',
  args: ['[FILE]'],
  options: { role: ROLE_OPTION, ...SHOW, json: { description: 'print the plan as one JSON object' } },
  text: `${FILE_TEXT}\n\n${MASKS}`,
  examples: [
    [
      'flower-context plan context.sh --role superlink',
      'Show the files, the unit and the command line of Flower',
    ],
    ['flower-context plan --json', 'The same for a program, on the VM'],
  ],
  async run({ machine, args, value, values, flag }) {
    const { config, findings, facts, variables } = await checkedContext(machine, args[0], value('role'));
    const unmasks = unmasksOf({ flag, values }, variables);
    printFindings(findings, 'stderr');
    if (config === undefined) return EXIT.badContext;
    const unmasked = namesInContext('FL_NODE_CONFIG').some(unmasks);
    const planned = preview(unmasked ? config : withoutNodeValues(config), facts, machine);
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

import { EXIT, EXIT_MEANING } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { boot, run } from './agent.ts';
import { apply } from './apply.ts';
import { backup, restore } from './backup.ts';
import { ca } from './ca.ts';
import { type Command, defineCommand } from './command.ts';
import { completion } from './completion.ts';
import { context, plan, validate } from './context.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { install } from './install.ts';
import { lint } from './lint.ts';
import { probe } from './probe.ts';
import { ready } from './ready.ts';
import { reread } from './reread.ts';
import { status } from './status.ts';
import { submit } from './submit.ts';
import { template } from './template.ts';
import { columns, heading } from './terminal.ts';

declare const FLOWER_CONTEXT_VERSION: string;

const version = defineCommand({
  name: 'version',
  summary: 'Print the version of the agent and of its Node.js',
  args: [],
  options: {},
  examples: [['flower-context version', 'Prints flower-context 0.2.0 (Node.js 24.21.0)']],
  run: async () => {
    print(`flower-context ${FLOWER_CONTEXT_VERSION} (Node.js ${process.versions.node})\n`);
    return EXIT.ok;
  },
});

/** The commands by what they are for; help, man page and docs have them in this order. */
export const COMMAND_GROUPS: readonly { readonly title: string; readonly commands: readonly Command[] }[] = [
  { title: 'Service (systemd and one-context run these)', commands: [run, boot, ready, reread] },
  { title: 'Operate a VM', commands: [status, doctor, explain, apply, ca, submit, install, backup, restore] },
  {
    title: 'Author templates and CONTEXT (also away from a VM)',
    commands: [validate, plan, context, template, lint, probe],
  },
  { title: 'Other', commands: [completion(() => COMMANDS), version] },
];

export const COMMANDS: readonly Command[] = COMMAND_GROUPS.flatMap(({ commands }) => commands);

export const SUMMARY = 'turn an OpenNebula VM into a Flower SuperLink or SuperNode';

export const overview = (): string =>
  [
    `${heading('flower-context')} - ${SUMMARY}`,
    '',
    'usage: flower-context COMMAND [options]',
    '',
    ...COMMAND_GROUPS.flatMap(({ title, commands }) => [
      heading(`${title}:`),
      ...columns(commands.map(({ name, summary }) => [name, summary] as const)),
      '',
    ]),
    'flower-context COMMAND --help prints the options and examples of a command.',
    '',
    heading('exit status:'),
    ...columns(Object.entries(EXIT_MEANING)),
    '',
  ].join('\n');

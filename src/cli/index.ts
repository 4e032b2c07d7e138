import { EXIT_MEANING } from '../core/exit.ts';
import { boot } from './boot.ts';
import { ca } from './ca.ts';
import type { Command } from './command.ts';
import { completion } from './completion.ts';
import { context } from './context.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { install } from './install.ts';
import { lint } from './lint.ts';
import { plan } from './plan.ts';
import { probe } from './probe.ts';
import { ready } from './ready.ts';
import { reread } from './reread.ts';
import { run } from './run.ts';
import { status } from './status.ts';
import { submit } from './submit.ts';
import { template } from './template.ts';
import { columns } from './terminal.ts';
import { validate } from './validate.ts';
import { version } from './version.ts';

export const COMMANDS: readonly Command[] = [
  run,
  boot,
  status,
  ready,
  reread,
  doctor,
  explain,
  context,
  validate,
  plan,
  probe,
  ca,
  submit,
  install,
  template,
  lint,
  completion(() => COMMANDS),
  version,
];

export const overview = (): string =>
  [
    'flower-context - turns an OpenNebula VM into a Flower SuperLink or SuperNode',
    '',
    'usage: flower-context COMMAND [options]',
    '',
    ...columns(COMMANDS.map(({ name, summary }) => [name, summary] as const)),
    '',
    'flower-context COMMAND --help shows options and examples of one.',
    '',
    'exit status:',
    ...columns(Object.entries(EXIT_MEANING).map(([code, meaning]) => [code, meaning] as const)),
    '',
  ].join('\n');

// The man page out of the command declarations.
import { EXIT_MEANING } from '../core/exit.ts';
import { COMMON_OPTIONS, type Command, type Option, usageLine } from './command.ts';

/** flower-context(1) in the man macros; the same declarations give the same bytes. */
export function renderMan(commands: readonly Command[], version: string): string {
  return [
    `.TH FLOWER\\-CONTEXT 1 "" "flower\\-context ${version}" "User Commands"`,
    section('NAME'),
    `flower\\-context \\- turns an OpenNebula VM into a Flower SuperLink or SuperNode`,
    section('SYNOPSIS'),
    '.B flower\\-context',
    '.I COMMAND',
    '[options]',
    section('DESCRIPTION'),
    ...prose(
      'The agent reads the CONTEXT of the VM, decides everything, starts Flower under systemd, tells OneGate, and then keeps watch. Its service is flower-context.service; these commands are for people.',
    ),
    section('COMMANDS'),
    ...commands.flatMap(renderCommand),
    section('OPTIONS OF ALL COMMANDS'),
    ...options(COMMON_OPTIONS),
    section('EXIT STATUS'),
    ...Object.entries(EXIT_MEANING).flatMap(([status, meaning]) => ['.TP', `.B ${status}`, roff(meaning)]),
    section('SEE ALSO'),
    'systemctl(1), journalctl(1)',
    '',
  ].join('\n');
}

function renderCommand(command: Command): string[] {
  return [
    `.SS ${roff(command.name)}`,
    `.B ${roff(usageLine(command))}`,
    '.PP',
    ...prose(`${command.name} ${command.summary}.`),
    ...(command.text === undefined ? [] : ['.PP', ...prose(command.text)]),
    ...options(command.options),
    ...command.examples.flatMap(([line, meaning]) => [
      '.PP',
      ...prose(`${meaning}:`),
      '.PP',
      '.RS 4',
      '.EX',
      roff(line),
      '.EE',
      '.RE',
    ]),
  ];
}

const options = (all: Readonly<Record<string, Option>>): string[] =>
  Object.entries(all).flatMap(([name, { value, description }]) => [
    '.TP',
    `.B \\-\\-${roff(name)}${value === undefined ? '' : ` ${roff(value)}`}`,
    roff(description),
  ]);

const section = (title: string): string => `.SH ${title}`;

/** Paragraphs: a line of text must not begin with a control character of roff. */
const prose = (text: string): string[] => text.split('\n').map(roff);

const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '\\(ga')
    .replace(/^([.'])/, '\\&$1');

// The man page, made from the command declarations.

import { COMMON_OPTIONS, type Command, type Option, usageLine } from '../src/cli/command.ts';
import { COMMAND_GROUPS, SUMMARY } from '../src/cli/index.ts';
import { EXIT_MEANING } from '../src/core/exit.ts';

/** flower-context(1) in the man macros; the same declarations give the same bytes. */
export function renderMan(version: string): string {
  return [
    `.TH FLOWER\\-CONTEXT 1 "" "flower\\-context ${version}" "User Commands"`,
    section('NAME'),
    `flower\\-context \\- ${SUMMARY}`,
    section('SYNOPSIS'),
    '.B flower\\-context',
    '.I COMMAND',
    '[options]',
    section('DESCRIPTION'),
    ...prose(
      'The agent reads the CONTEXT of the VM, starts Flower under systemd, publishes the result on OneGate and then supervises Flower. flower-context.service runs it. The other commands are for people.',
    ),
    ...COMMAND_GROUPS.flatMap(({ title, commands }) => [
      section(title.toUpperCase()),
      ...commands.flatMap(renderCommand),
    ]),
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
    ...prose(`${command.summary}.`),
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

/** Lines of text; an empty one begins a paragraph. */
const prose = (text: string): string[] => text.split('\n').map((line) => (line === '' ? '.PP' : roff(line)));

/** Escapes what roff would read as a command or as typography. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '\\(ga')
    .replace(/^([.'])/, '\\&$1');

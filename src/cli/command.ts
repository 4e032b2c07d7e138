// A command is a declaration; help, completion and the man page are rendered from it.
import { parseArgs } from 'node:util';
import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import type { Machine } from '../host/machine.ts';
import { print, printError } from '../host/output.ts';
import { describeProblem } from '../report/journal.ts';

export interface Option {
  readonly description: string;
  /** What stands for the value in the help: FILE, ROLE; a switch when left out. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly multiple?: boolean;
}

export interface Invocation {
  readonly machine: Machine;
  /** Positional arguments. */
  readonly args: readonly string[];
  /** Everything after `--`. */
  readonly rest: readonly string[];
  flag(name: string): boolean;
  value(name: string): string | undefined;
  values(name: string): readonly string[];
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Names of positional arguments as the usage line shows them, e.g. 'FILE' or '[FILE]'. */
  readonly args: readonly string[];
  /** Takes arguments for another program after `--`. */
  readonly passesOn?: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Paragraphs below the summary. */
  readonly text?: string;
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  run(invocation: Invocation): Promise<number>;
}

export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  root: { description: "the folder that is the machine's root (for tests and inspection)", value: 'DIR' },
  help: { description: 'this page' },
};

/** A call that cannot be understood: told with the usage line, exit status 64. */
export class UsageError extends Error {}

/** Parses the arguments of one command and runs it; every error becomes lines and an exit status. */
export async function invoke(
  command: Command,
  argv: readonly string[],
  machineOf: (root: string) => Machine,
): Promise<number> {
  try {
    const invocation = parse(command, argv, machineOf);
    if (invocation.flag('help')) {
      print(renderHelp(command));
      return EXIT.good;
    }
    return await command.run(invocation);
  } catch (error) {
    if (error instanceof UsageError) {
      printError(`flower-context ${command.name}: ${error.message}\nusage: ${usageLine(command)}\n`);
      return EXIT.usage;
    }
    if (error instanceof Problem) {
      printError(`${error.all.flatMap(describeProblem).join('\n')}\n`);
      return error.contextAtFault ? EXIT.badContext : EXIT.failed;
    }
    throw error;
  }
}

/** Reads the arguments of one command against its declaration. Throws UsageError. */
export function parse(
  command: Command,
  argv: readonly string[],
  machineOf: (root: string) => Machine,
): Invocation {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  const rest = end === -1 ? [] : argv.slice(end + 1);
  if (rest.length > 0 && command.passesOn === undefined) throw new UsageError("nothing can follow '--' here");
  const declared = { ...command.options, ...COMMON_OPTIONS };
  const options = Object.fromEntries(
    Object.entries(declared).map(([name, { value, multiple }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: multiple ?? false },
    ]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...own], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0] ?? 'bad arguments');
  }
  const values = parsed.values as Record<string, string | boolean | string[] | undefined>;
  if (!values['help']) checkArguments(command, parsed.positionals, values, declared);
  const root =
    typeof values['root'] === 'string' ? values['root'] : (process.env['FLOWER_CONTEXT_ROOT'] ?? '/');
  return {
    machine: machineOf(root === '' ? '/' : root),
    args: parsed.positionals,
    rest,
    flag: (name) => values[name] === true,
    value: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
    values: (name) => (Array.isArray(values[name]) ? values[name] : []),
  };
}

function checkArguments(
  command: Command,
  args: readonly string[],
  values: Record<string, unknown>,
  declared: Readonly<Record<string, Option>>,
): void {
  const least = command.args.filter((name) => !name.startsWith('[')).length;
  if (args.length < least) throw new UsageError(`${command.args[args.length]} is missing`);
  if (args.length > command.args.length)
    throw new UsageError(`unexpected argument '${args[command.args.length]}'`);
  for (const [name, { choices }] of Object.entries(declared)) {
    const value = values[name];
    if (choices !== undefined && typeof value === 'string' && !choices.includes(value)) {
      throw new UsageError(`--${name} takes ${choices.join(' or ')}, not '${value}'`);
    }
  }
}

export const usageLine = (command: Command): string =>
  [
    'flower-context',
    command.name,
    ...Object.entries(command.options).map(
      ([name, { value, multiple }]) =>
        `[--${name}${value === undefined ? '' : ` ${value}`}]${multiple === true ? '...' : ''}`,
    ),
    ...command.args,
    ...(command.passesOn === undefined ? [] : [`[-- ${command.passesOn}]`]),
  ].join(' ');

function renderHelp(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(
    ([name, { value, choices, description }]) =>
      [`--${name}${value === undefined ? '' : ` ${choices?.join('|') ?? value}`}`, description] as const,
  );
  return [
    `flower-context ${command.name} - ${command.summary}`,
    '',
    `usage: ${usageLine(command)}`,
    ...(command.text === undefined ? [] : ['', command.text]),
    '',
    'options:',
    ...columns(options),
    '',
    'examples:',
    ...columns(command.examples),
    '',
  ].join('\n');
}

/** Two aligned columns, indented; a left cell too long for its column gets a line of its own. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(44, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) =>
    left.length > width
      ? [`  ${left}`, `  ${' '.repeat(width)}  ${right}`]
      : [`  ${left.padEnd(width)}  ${right}`],
  );
}

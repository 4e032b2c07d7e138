// A command is a declaration; help, completion and the man page are rendered from it.
import { parseArgs } from 'node:util';
import { closestMatch } from '../core/closest-match.ts';
import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import type { Machine } from '../host/machine.ts';
import { print } from '../host/output.ts';
import { describeProblem } from '../report/journal.ts';
import { columns, commandLines, heading, printErrorText, style, whole, wrap } from './terminal.ts';

export interface Option {
  readonly description: string;
  /** The placeholder of the value in the help: FILE, ROLE. An option without it is a switch. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly multiple?: boolean;
}

export type Options = Readonly<Record<string, Option>>;

type KindOf<O extends Option> = O extends { multiple: true }
  ? 'values'
  : O extends { value: string }
    ? 'value'
    : 'flag';

/** The names of the options of one kind. */
type NamesOf<O extends Options, Kind> = {
  [Name in keyof O & string]: KindOf<O[Name]> extends Kind ? Name : never;
}[keyof O & string];

/** The arguments of one call. */
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

/** The same for a command with the options `O`: another name, or one of another kind, does not compile. */
interface InvocationOf<O extends Options> extends Pick<Invocation, 'machine' | 'args' | 'rest'> {
  flag(name: NamesOf<O, 'flag'>): boolean;
  value(name: NamesOf<O, 'value'>): string | undefined;
  values(name: NamesOf<O, 'values'>): readonly string[];
}

export interface Command {
  readonly name: string;
  /** One sentence in the imperative, without a full stop. */
  readonly summary: string;
  /** Names of positional arguments as the usage line has them: 'FILE' or '[FILE]'. */
  readonly args: readonly string[];
  /** Takes arguments for another program after `--`. */
  readonly passesOn?: string;
  readonly options: Options;
  /** Paragraphs below the summary, with an empty line between them. */
  readonly text?: string;
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  run(invocation: Invocation): Promise<number>;
}

interface Declaration<O extends Options> extends Command {
  readonly options: O;
  run(invocation: InvocationOf<O>): Promise<number>;
}

/** A command whose `run` can ask only for options that it declares. */
export const defineCommand = <const O extends Options>(declaration: Declaration<O>): Command => declaration;

export const COMMON_OPTIONS = {
  root: { description: 'the root folder of the machine (for tests and inspection)', value: 'DIR' },
  help: { description: 'print this page' },
} as const satisfies Options;

/** Wrong arguments: printed with the usage line, exit status 64. */
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
      return EXIT.ok;
    }
    return await command.run(invocation);
  } catch (error) {
    if (error instanceof UsageError) {
      printErrorText(`flower-context ${command.name}: ${error.message}`);
      printErrorText(usageLines(command).join('\n'));
      return EXIT.usage;
    }
    if (error instanceof Problem) {
      printProblem(error);
      return error.contextAtFault ? EXIT.badContext : EXIT.failed;
    }
    throw error;
  }
}

/** A problem, and each found with it, on standard error. */
export function printProblem(problem: Problem): void {
  for (const one of problem.all) {
    const [first = '', ...rest] = describeProblem(one);
    const text = first.startsWith(one.code)
      ? style(one.severity, one.code, 'stderr') + first.slice(one.code.length)
      : first;
    printErrorText([text, ...rest].join('\n'));
  }
}

/** ", did you mean X?" for a mistyped name; empty when no name is near. */
export function didYouMean(name: string, names: Iterable<string>, prefix = ''): string {
  const meant = closestMatch(name, names);
  return meant === undefined ? '' : `; did you mean ${prefix}${meant}?`;
}

/** Reads the arguments of one command against its declaration. Throws UsageError. @internal */
export function parse(
  command: Command,
  argv: readonly string[],
  machineOf: (root: string) => Machine,
): Invocation {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  const rest = end === -1 ? [] : argv.slice(end + 1);
  if (rest.length > 0 && command.passesOn === undefined)
    throw new UsageError("this command takes no arguments after '--'");
  const declared = optionsOf(command);
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
    throw new UsageError(describeParseError((error as Error).message, Object.keys(declared)));
  }
  const values = parsed.values as Record<string, string | boolean | string[] | undefined>;
  if (!values['help']) checkArguments(command, parsed.positionals, values, declared);
  const value = (name: string): string | undefined =>
    typeof values[name] === 'string' ? values[name] : undefined;
  return {
    machine: machineOf((value('root') ?? process.env['FLOWER_CONTEXT_ROOT']) || '/'),
    args: parsed.positionals,
    rest,
    flag: (name) => values[name] === true,
    value,
    values: (name) => (Array.isArray(values[name]) ? values[name] : []),
  };
}

function checkArguments(
  command: Command,
  args: readonly string[],
  values: Record<string, unknown>,
  declared: Options,
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

/** The parts of the usage line: no line break divides one. */
const usageParts = ({ name, options, args, passesOn }: Command): string[] => [
  'flower-context',
  name,
  ...Object.entries(options).map(
    ([option, { value, multiple }]) =>
      `[--${option}${value === undefined ? '' : ` ${value}`}]${multiple === true ? '...' : ''}`,
  ),
  ...args,
  ...(passesOn === undefined ? [] : [`[-- ${passesOn}]`]),
];

export const usageLine = (command: Command): string => usageParts(command).join(' ');

const usageLines = (command: Command): string[] =>
  wrap(usageParts(command).map(whole).join(' '), 'usage: ', ' '.repeat(11));

/** Those of the command first. */
export const optionsOf = ({ options }: Command): Options => ({ ...options, ...COMMON_OPTIONS });

function renderHelp(command: Command): string {
  return [
    ...wrap(command.summary, `${heading(`flower-context ${command.name}`)} - `, '  '),
    '',
    ...usageLines(command),
    ...(command.text ?? '')
      .split('\n\n')
      .flatMap((paragraph) => (paragraph === '' ? [] : ['', ...wrap(paragraph)])),
    '',
    heading('options:'),
    ...columns(
      Object.entries(optionsOf(command)).map(([name, { value, choices, description }]) => [
        `--${name}${value === undefined ? '' : ` ${choices?.join('|') ?? value}`}`,
        description,
      ]),
    ),
    '',
    heading('examples:'),
    ...command.examples.flatMap(([line, meaning]) => [
      ...wrap(meaning, '  # ', '  # '),
      ...commandLines(line, '  '),
    ]),
    '',
  ].join('\n');
}

/** The message of node:util parseArgs without its advice; with the option that was probably meant. */
function describeParseError(message: string, names: readonly string[]): string {
  const [sentence = 'invalid arguments'] = message.split('. ');
  const unknown = /^Unknown option '--?([^']*)'/.exec(sentence)?.[1];
  if (unknown === undefined) return sentence;
  return `${sentence.replace('Unknown', 'unknown')}${didYouMean(unknown, names, '--')}`;
}

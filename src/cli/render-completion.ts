// Shell completion out of the command declarations: nothing is listed twice.
import { APPS } from '../config/release.ts';
import { ALL_NAMES, rowOf } from '../config/table.ts';
import { COMMON_OPTIONS, type Command, type Option } from './command.ts';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

export const renderCompletion = (shell: Shell, commands: readonly Command[]): string =>
  shell === 'bash' ? bash(commands) : zsh(commands);

/** What can stand somewhere: words, files, folders, an app, or anything. */
type Completes = { readonly words: readonly string[] } | 'files' | 'folders' | 'app' | 'nothing';

/** A placeholder of the help says what it stands for: FILE, APP, a|b|c, VAR=VALUE. */
function completes(placeholder: string, choices?: readonly string[]): Completes {
  const name = placeholder.replaceAll(/[[\]]/g, '');
  if (choices !== undefined) return { words: choices };
  if (name === 'VAR=VALUE') return { words: settable().map((variable) => `${variable}=`) };
  if (/^[a-z0-9-]+(\|[a-z0-9-]+)+$/.test(name)) return { words: name.split('|') };
  if (/FILE/.test(name)) return 'files';
  if (name === 'APP') return 'app';
  return /DIR$/.test(name) ? 'folders' : 'nothing';
}

const settable = (): readonly string[] => ALL_NAMES.filter((name) => rowOf(name).level !== 'infrastructure');

const optionsOf = (command: Command): [string, Option][] =>
  Object.entries({ ...command.options, ...COMMON_OPTIONS });

function bash(commands: readonly Command[]): string {
  const values = commands.flatMap((command) =>
    optionsOf(command).flatMap(([name, { value, choices }]) =>
      value === undefined
        ? []
        : [`    '${command.name} --${name}') ${bashCompletes(completes(value, choices))}; return ;;`],
    ),
  );
  const rest = commands.map((command) => {
    const words = optionsOf(command).map(([name]) => `--${name}`);
    const position = command.args.map((arg) => bashCompletes(completes(arg)))[0] ?? ':';
    return `    ${command.name}) if [[ $cur == -* ]]; then ${bashCompletes({ words })}; else ${position}; fi ;;`;
  });
  return [
    '# bash completion of flower-context; generated from the command declarations',
    '_flower_context() {',
    '  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= at',
    '  COMPREPLY=()',
    '  for ((at = 1; at < COMP_CWORD; at++)); do',
    '    case ${COMP_WORDS[at]} in',
    '      --root) ((at++)) ;;',
    '      -*) ;;',
    '      *) command=${COMP_WORDS[at]}; break ;;',
    '    esac',
    '  done',
    '  if [[ -z $command ]]; then',
    `    if [[ $prev == --root ]]; then ${bashCompletes('folders')}; else ${bashCompletes({ words: [...commands.map(({ name }) => name), '--help', '--root'] })}; fi`,
    '    return',
    '  fi',
    '  case "$command $prev" in',
    ...values,
    '  esac',
    '  case $command in',
    ...rest,
    '  esac',
    // A name that ends in = is not finished yet.
    '  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null',
    '  return 0',
    '}',
    'complete -F _flower_context flower-context',
    '',
  ].join('\n');
}

function bashCompletes(what: Completes): string {
  if (what === 'nothing') return ':';
  const how = {
    files: '-f',
    folders: '-d',
    app: `-d -W '${APPS.join(' ')}'`,
    words: typeof what === 'string' ? '' : `-W '${what.words.join(' ')}'`,
  }[typeof what === 'string' ? what : 'words'];
  return `COMPREPLY=($(compgen ${how} -- "$cur"))`;
}

function zsh(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const specs = [
      ...optionsOf(command).map(([name, option]) => zshOption(name, option)),
      ...command.args.map(
        (arg, index) =>
          `${index + 1}${arg.startsWith('[') ? '::' : ':'}${zshText(arg.replaceAll(/[[\]]/g, ''))}:${zshCompletes(completes(arg))}`,
      ),
    ];
    return `        ${command.name}) _arguments ${specs.map((spec) => quote(spec)).join(' ')} ;;`;
  });
  return [
    '#compdef flower-context',
    '# zsh completion of flower-context; generated from the command declarations',
    '_flower_context() {',
    '  local curcontext="$curcontext" state line',
    '  typeset -A opt_args',
    `  _arguments -C ${quote(zshOption('root', COMMON_OPTIONS['root']!))} '--help[what there is]' '1: :->command' '*:: :->arguments'`,
    '  case $state in',
    '    command)',
    '      local -a commands',
    '      commands=(',
    ...commands.map(({ name, summary }) => `        ${quote(`${name}:${summary}`)}`),
    '      )',
    '      _describe -t commands command commands',
    '      ;;',
    '    arguments)',
    '      case $words[1] in',
    ...cases,
    '      esac',
    '      ;;',
    '  esac',
    '}',
    '_flower_context "$@"',
    '',
  ].join('\n');
}

function zshOption(name: string, { description, value, choices, multiple }: Option): string {
  const spec = `${multiple === true ? '*' : ''}--${name}[${zshText(description)}]`;
  return value === undefined ? spec : `${spec}:${zshText(value)}:${zshCompletes(completes(value, choices))}`;
}

function zshCompletes(what: Completes): string {
  if (what === 'files') return '_files';
  if (what === 'folders') return '_files -/';
  if (what === 'app') return `{compadd ${APPS.join(' ')}; _files -/}`;
  return what === 'nothing' ? '' : `(${what.words.join(' ')})`;
}

/** Brackets and colons have a meaning in a specification. */
const zshText = (text: string): string => text.replaceAll(/[\\[\]:]/g, '\\$&');

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

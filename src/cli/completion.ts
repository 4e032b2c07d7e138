// The completion script for bash, made from the command declarations.
import { APPS } from '../config/release.ts';
import { ALL_NAMES, rowOf } from '../config/table.ts';
import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { COMMON_OPTIONS, type Command, defineCommand, type Option, UsageError } from './command.ts';

/** A function of the commands, because it is one of them. */
export const completion = (commands: () => readonly Command[]): Command =>
  defineCommand({
    name: 'completion',
    summary: 'Print the completion script for bash',
    args: ['bash'],
    options: {},
    text: 'Images and the Debian package install the script already.',
    examples: [['source <(flower-context completion bash)', 'Complete commands in this shell']],
    async run({ args: [shell] }) {
      if (shell !== 'bash') throw new UsageError(`there is no completion for '${shell}', only for bash`);
      print(renderCompletion(commands()));
      return EXIT.ok;
    },
  });

/** What completes a word: one of a list, files, folders, an app, or nothing. */
type Completes = { readonly words: readonly string[] } | 'files' | 'folders' | 'app' | 'nothing';

/** The placeholder of the help decides: FILE, APP, a|b|c, VAR=VALUE. */
function completes(placeholder: string, choices?: readonly string[]): Completes {
  const name = placeholder.replaceAll(/[[\]]/g, '');
  if (choices !== undefined) return { words: choices };
  if (name === 'VAR=VALUE') return { words: settable().map((variable) => `${variable}=`) };
  if (/^[a-z0-9-]+(\|[a-z0-9-]+)*$/.test(name)) return { words: name.split('|') };
  if (/FILE/.test(name)) return 'files';
  if (name === 'APP') return 'app';
  return /DIR$/.test(name) ? 'folders' : 'nothing';
}

const settable = (): readonly string[] => ALL_NAMES.filter((name) => rowOf(name).level !== 'infrastructure');

const optionsOf = (command: Command): [string, Option][] =>
  Object.entries({ ...command.options, ...COMMON_OPTIONS });

export function renderCompletion(commands: readonly Command[]): string {
  const values = commands.flatMap((command) =>
    optionsOf(command).flatMap(([name, { value, choices }]) =>
      value === undefined
        ? []
        : [`    '${command.name} --${name}') ${compgen(completes(value, choices))}; return ;;`],
    ),
  );
  const rest = commands.map((command) => {
    const words = optionsOf(command).map(([name]) => `--${name}`);
    const position = command.args.map((arg) => compgen(completes(arg)))[0] ?? ':';
    return `    ${command.name}) if [[ $cur == -* ]]; then ${compgen({ words })}; else ${position}; fi ;;`;
  });
  const names = [...commands.map(({ name }) => name), '--help', '--root'];
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
    `    if [[ $prev == --root ]]; then ${compgen('folders')}; else ${compgen({ words: names })}; fi`,
    '    return',
    '  fi',
    '  case "$command $prev" in',
    ...values,
    '  esac',
    '  case $command in',
    ...rest,
    '  esac',
    // After a name that ends in = the value follows without a space.
    '  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null',
    '  return 0',
    '}',
    'complete -F _flower_context flower-context',
    '',
  ].join('\n');
}

function compgen(what: Completes): string {
  if (what === 'nothing') return ':';
  const how = {
    files: '-f',
    folders: '-d',
    app: `-d -W '${APPS.join(' ')}'`,
    words: typeof what === 'string' ? '' : `-W '${what.words.join(' ')}'`,
  }[typeof what === 'string' ? what : 'words'];
  return `COMPREPLY=($(compgen ${how} -- "$cur"))`;
}

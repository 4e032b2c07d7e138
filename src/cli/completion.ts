// The completion script for bash, made from the command declarations.
import { APPS } from '../config/release.ts';
import { ALL_NAMES, rowOf } from '../config/table.ts';
import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { type Command, defineCommand, optionsOf, UsageError } from './command.ts';

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

/** The arguments of `compgen` that complete a word; undefined: nothing does. The placeholder of the help decides. */
function completes(placeholder: string, choices?: readonly string[]): string | undefined {
  const name = placeholder.replaceAll(/[[\]]/g, '');
  if (choices !== undefined) return words(choices);
  if (name === 'VAR=VALUE') return words(settable().map((variable) => `${variable}=`));
  if (/^[a-z0-9-]+(\|[a-z0-9-]+)*$/.test(name)) return words(name.split('|'));
  if (/FILE/.test(name)) return '-f';
  if (name === 'APP') return `-d ${words(APPS)}`;
  return /DIR$/.test(name) ? '-d' : undefined;
}

const words = (list: readonly string[]): string => `-W '${list.join(' ')}'`;

const settable = (): readonly string[] => ALL_NAMES.filter((name) => rowOf(name).level !== 'infrastructure');

export function renderCompletion(commands: readonly Command[]): string {
  const values = commands.flatMap((command) =>
    Object.entries(optionsOf(command)).flatMap(([name, { value, choices }]) =>
      value === undefined
        ? []
        : [`    '${command.name} --${name}') ${compgen(completes(value, choices))}; return ;;`],
    ),
  );
  const rest = commands.map((command) => {
    const options = Object.keys(optionsOf(command)).map((name) => `--${name}`);
    const position = command.args.map((arg) => compgen(completes(arg)))[0] ?? ':';
    return `    ${command.name}) if [[ $cur == -* ]]; then ${compgen(words(options))}; else ${position}; fi ;;`;
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
    `    if [[ $prev == --root ]]; then ${compgen('-d')}; else ${compgen(words(names))}; fi`,
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

const compgen = (how: string | undefined): string =>
  how === undefined ? ':' : `COMPREPLY=($(compgen ${how} -- "$cur"))`;

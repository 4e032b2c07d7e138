import { EXIT } from '../core/exit.ts';
import { print } from '../host/output.ts';
import { type Command, UsageError } from './command.ts';
import { renderCompletion, SHELLS } from './render-completion.ts';

/** A function of the commands, because it is one of them. */
export const completion = (commands: () => readonly Command[]): Command => ({
  name: 'completion',
  summary: 'prints the completion script of a shell',
  args: [SHELLS.join('|')],
  options: {},
  text: 'Images and the .deb have both scripts installed already.',
  examples: [
    ['source <(flower-context completion bash)', 'for this shell'],
    ['flower-context completion zsh > "${fpath[1]}/_flower-context"', 'for zsh, for good'],
  ],
  async run({ args }) {
    const shell = SHELLS.find((name) => name === args[0]);
    if (shell === undefined)
      throw new UsageError(`there is no completion for '${args[0]}': ${SHELLS.join(', ')}`);
    print(renderCompletion(shell, commands()));
    return EXIT.good;
  },
});

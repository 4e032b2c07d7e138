import { startAgent } from '../agent/start-agent.ts';
import { EXIT } from '../core/exit.ts';
import { type Command, UsageError } from './command.ts';

export const boot: Command = {
  name: 'boot',
  summary: 'goes through the steps of the boot once and ends',
  args: [],
  options: {
    resume: { description: 'take up at the first step that is not done (the default)' },
    fresh: { description: 'forget what was done; keys, certificates and the partition stay' },
  },
  text: 'Flower is started and goes on by itself; nothing watches it. On a VM `systemctl start flower-context` is what you\nwant: that boots and then keeps it true.',
  examples: [
    ['flower-context boot', 'go on where the last boot was cut off'],
    ['flower-context boot --fresh', 'check and do every step anew'],
  ],
  async run({ machine, flag }) {
    if (flag('resume') && flag('fresh')) throw new UsageError('--resume and --fresh exclude each other');
    const supervisor = await startAgent(machine, { fresh: flag('fresh') });
    const outcome = await supervisor.once();
    if (outcome?.result !== undefined) return EXIT.good;
    return outcome?.failure.contextAtFault ? EXIT.badContext : EXIT.failed;
  },
};

import { exitStatusOf } from '../agent/boot-and-watch.ts';
import { startAgent } from '../agent/start-agent.ts';
import { defineCommand, UsageError } from './command.ts';

export const boot = defineCommand({
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
    const agent = await startAgent(machine, { fresh: flag('fresh') });
    return exitStatusOf(await agent.boot());
  },
});

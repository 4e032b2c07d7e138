import { endWaitingFlower } from '../boot/steps/flower.ts';
import { notified, tellReady, tellStopping } from '../host/notify.ts';
import { keepWatch } from '../watch/watch.ts';
import { becomeAgent } from './agent.ts';
import { bootAndWatch } from './boot-and-watch.ts';
import type { Command } from './command.ts';

export const run: Command = {
  name: 'run',
  summary: 'boots this VM into its role, then stays and keeps it true',
  args: [],
  options: {},
  text: 'What flower-context.service runs. SIGHUP: look at the CONTEXT again. SIGTERM: end; Flower goes on.',
  examples: [['systemctl start flower-context', 'the way it is started on a VM']],
  async run({ machine }) {
    const agent = await becomeAgent(machine, { fresh: false });
    const watch = keepWatch(agent);
    try {
      return await bootAndWatch({
        ...agent,
        watch,
        tellReady,
        endWaitingFlower: ({ known }) => endWaitingFlower(known, machine.paths),
      });
    } finally {
      tellStopping();
      watch.end();
      await notified();
    }
  },
};

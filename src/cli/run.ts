import { bootAndWatch } from '../agent/boot-and-watch.ts';
import { startAgent } from '../agent/start-agent.ts';
import { keepWatch } from '../agent/watch.ts';
import { endWaitingFlower } from '../boot/steps/flower.ts';
import { notified, notifyReady, notifyStopping } from '../host/notify.ts';
import { defineCommand } from './command.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'boots this VM into its role, then stays and keeps it true',
  args: [],
  options: {},
  text: 'What flower-context.service runs. SIGHUP: look at the CONTEXT again. SIGTERM: end; Flower goes on.',
  examples: [['systemctl start flower-context', 'the way it is started on a VM']],
  async run({ machine }) {
    const agent = await startAgent(machine, { fresh: false });
    const watch = keepWatch(agent);
    try {
      return await bootAndWatch({
        ...agent,
        watch,
        tellReady: notifyReady,
        endWaitingFlower: ({ known }) => endWaitingFlower(known, machine.paths),
      });
    } finally {
      notifyStopping();
      watch.end();
      await notified();
    }
  },
});

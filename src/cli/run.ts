import { bootAndWatch } from '../agent/boot-and-watch.ts';
import { startAgent } from '../agent/start-agent.ts';
import { keepWatch } from '../agent/watch.ts';
import { endWaitingFlower } from '../boot/steps/flower.ts';
import { notified, notifyReady, notifyStopping } from '../host/notify.ts';
import { defineCommand } from './command.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'Run the agent as a service: boot, then supervise',
  args: [],
  options: {},
  text: 'flower-context.service runs this command. SIGHUP: reload the CONTEXT. SIGTERM: stop the agent; Flower keeps running.',
  examples: [['systemctl start flower-context', 'Start the service on a VM']],
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

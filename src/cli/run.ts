import { startAgent } from '../agent/start-agent.ts';
import { notified, notifyWatchdog, watchdogInterval } from '../host/notify.ts';
import { defineCommand } from './command.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'Run the agent as a service: boot, then supervise',
  args: [],
  options: {},
  text: 'flower-context.service runs this command. SIGHUP: reload the CONTEXT. SIGTERM: stop the agent; Flower keeps running.',
  examples: [['systemctl start flower-context', 'Start the service on a VM']],
  async run({ machine }) {
    const supervisor = await startAgent(machine, { fresh: false });
    const interval = watchdogInterval();
    const watchdog = interval === undefined ? undefined : setInterval(notifyWatchdog, interval).unref();
    try {
      return await supervisor.run();
    } finally {
      clearInterval(watchdog);
      await notified();
    }
  },
});

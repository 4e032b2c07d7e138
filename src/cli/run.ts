import { startAgent } from '../agent/start-agent.ts';
import { notified, notifyWatchdog, watchdogInterval } from '../host/notify.ts';
import type { Command } from './command.ts';

export const run: Command = {
  name: 'run',
  summary: 'boots this VM into its role, then stays and keeps it true',
  args: [],
  options: {},
  text: 'What flower-context.service runs. SIGHUP: look at the CONTEXT again. SIGTERM: end; Flower goes on.',
  examples: [['systemctl start flower-context', 'the way it is started on a VM']],
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
};

import { endWaitingFlower } from '../boot/steps/flower.ts';
import { notified, tellReady, tellStopping } from '../host/notify.ts';
import { keepWatch } from '../watch/watch.ts';
import { becomeAgent } from './agent.ts';
import { type Command, EXIT } from './command.ts';

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
    let everReady = false;
    try {
      for (;;) {
        const outcome = await agent.boot(watch.contextChanged());
        if (agent.signal.aborted) return EXIT.good;
        if (outcome.failure?.problem.code === 'interrupted') continue;
        if (outcome.failure === undefined && !everReady) {
          everReady = true;
          tellReady();
        }
        // A first boot that fails ends here: systemd starts us again, except for a wrong CONTEXT. Later ones do not
        // take down what serves.
        if (outcome.failure !== undefined && !agent.report.status.serving) {
          const status = agent.exitStatus(outcome);
          // Nobody tries again before the CONTEXT changes. Otherwise Flower may go on waiting for the next try's plan.
          if (status === EXIT.badContext) await endWaitingFlower(outcome.known, machine.paths);
          return status;
        }
        const reason = await watch.untilSomethingChanged(outcome);
        if (reason === undefined) return EXIT.good;
        agent.report.journal.info(`${reason}: looking at everything again`);
      }
    } finally {
      tellStopping();
      watch.end();
      await notified();
    }
  },
};

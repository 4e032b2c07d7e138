// The commands that run the agent.
import { journalOf, startAgent } from '../agent/start-agent.ts';
import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import { notified, notifyWatchdog, watchdogInterval } from '../host/notify.ts';
import { lacksSandbox, runInSandbox } from '../host/sandbox.ts';
import { defineCommand, UsageError } from './command.ts';

/** The program of the package: it sets what Node.js needs. */
const PROGRAM = '/usr/bin/flower-context';

/** The same command as a process with the sandbox of the agent's unit. */
const inUnit = async (...args: string[]): Promise<number> =>
  (await runInSandbox('flower-context.service', [PROGRAM, ...args])).status;

export const run = defineCommand({
  name: 'run',
  summary: 'Run the agent as a service: boot, then supervise',
  args: [],
  options: {},
  text: 'flower-context.service runs this command. SIGHUP: reload the CONTEXT. SIGTERM: stop the agent; Flower keeps running.',
  examples: [['systemctl start flower-context', 'Start the service on a VM']],
  async run({ machine }) {
    if (lacksSandbox(machine.paths.root)) return inUnit('run');
    const journal = journalOf(machine);
    let supervisor: Awaited<ReturnType<typeof startAgent>>;
    try {
      supervisor = await startAgent(machine, journal, { fresh: false });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      journal.problem(error);
      return EXIT.failed;
    }
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

export const boot = defineCommand({
  name: 'boot',
  summary: 'Run the boot steps once and exit',
  args: [],
  options: {
    resume: { description: 'resume at the first unfinished step (the default)' },
    fresh: {
      description: 'ignore the checkpoint and run every step; keys, certificates and partition are kept',
    },
  },
  text: 'Starts Flower and exits; Flower keeps running without supervision. On a VM use `systemctl start flower-context`. A boot that root starts there has the sandbox of that unit.',
  examples: [
    ['flower-context boot', 'Resume an interrupted boot'],
    ['flower-context boot --fresh', 'Run every step again'],
  ],
  async run({ machine, flag }) {
    if (flag('resume') && flag('fresh')) throw new UsageError('--resume and --fresh exclude each other');
    if (lacksSandbox(machine.paths.root)) return inUnit('boot', ...(flag('fresh') ? ['--fresh'] : []));
    const supervisor = await startAgent(machine, journalOf(machine), { fresh: flag('fresh') });
    const outcome = await supervisor.once();
    if (outcome?.result !== undefined) return EXIT.ok;
    return outcome?.failure.contextAtFault ? EXIT.badContext : EXIT.failed;
  },
});

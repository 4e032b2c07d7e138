import { print } from '../host/output.ts';
import { problemLines, type Status } from '../status/status-file.ts';
import { currentContext } from '../watch/context-watch.ts';
import { untilStatus } from './await-status.ts';
import { type Command, EXIT, UsageError } from './command.ts';

export const ready: Command = {
  name: 'ready',
  summary: 'succeeds once this VM serves (SuperLink) or was accepted (SuperNode) and has published it',
  args: [],
  options: {
    timeout: {
      description: 'give up after so many seconds (default: wait until it is decided)',
      value: 'SECONDS',
    },
  },
  text: 'What READY_SCRIPT_PATH runs before one-context reports READY=YES. It waits while the boot goes on, fails with\nthe reason when the boot failed, and with exit status 3 when the time is up.',
  examples: [
    ['flower-context ready', 'block until ready, or fail with the reason'],
    ['flower-context ready --timeout 0', 'is it ready now?'],
  ],
  async run(invocation) {
    const wanted = invocation.value('timeout');
    if (wanted !== undefined && !/^\d+$/.test(wanted))
      throw new UsageError(`--timeout takes whole seconds, not '${wanted}'`);
    const deadlineMs = wanted === undefined ? undefined : Number(wanted) * 1_000;
    // After a re-contextualization the agent may not have looked yet: an answer about the CONTEXT of before is none.
    const current = currentContext(invocation.machine);
    const decided = ({ serving, phase, facts }: Status): boolean =>
      (serving || phase === 'failed') && (current === undefined || facts['context'] === current);
    const status = await untilStatus(invocation.machine, decided, deadlineMs);
    if (status?.serving && decided(status)) {
      print(`ready: this ${status.role} serves\n`);
      return EXIT.good;
    }
    if (status?.phase === 'failed') {
      const [problem] = status.problems.filter(({ kind }) => kind === 'fatal');
      print(
        `not ready: ${problem === undefined ? 'the boot failed' : `${problemLines(problem).join('\n')}`}\n`,
      );
      return EXIT.failed;
    }
    print(
      `not ready yet: ${status === undefined ? 'the agent has not run since this VM started' : (status.waiting?.for ?? 'the boot goes on')}\n`,
    );
    return EXIT.notReady;
  },
};

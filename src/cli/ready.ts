import { currentContext } from '../agent/context-watch.ts';
import { EXIT } from '../core/exit.ts';
import { liveFlowerState } from '../flower/state-file.ts';
import type { Machine } from '../host/machine.ts';
import { print } from '../host/output.ts';
import { problemLines, type Status } from '../report/status.ts';
import { demandVm, untilStatus } from './await-status.ts';
import { type Command, UsageError } from './command.ts';

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
    demandVm(invocation.machine);
    const deadlineMs = wanted === undefined ? undefined : Number(wanted) * 1_000;
    const { status, answer } = await untilDecided(invocation.machine, deadlineMs);
    if (status !== undefined && answer === 'serves') {
      print(`ready: this ${status.role} serves\n`);
      return EXIT.good;
    }
    if (status !== undefined && answer === 'failed') {
      const [problem] = status.problems.filter(({ kind }) => kind === 'fatal');
      print(
        `not ready: ${problem === undefined ? 'the boot failed' : `${problemLines(problem).join('\n')}`}\n`,
      );
      return EXIT.failed;
    }
    print(`not ready yet: ${whyUndecided(invocation.machine, status)}\n`);
    return EXIT.notReady;
  },
};

function whyUndecided(machine: Machine, status: Status | undefined): string {
  if (status === undefined) return 'the agent has not run since this VM started';
  if (answerOf(machine, status) === 'serves') return "Flower's process is gone; systemd starts it again";
  if ((status.serving && !undecided(status)) || status.phase === 'failed')
    return 'the agent has not read the changed CONTEXT yet';
  return status.waiting?.for ?? 'the boot goes on';
}

/** The boot has not come to what it publishes: what served before it may be about to be started anew. */
const undecided = ({ phase, steps }: Status): boolean =>
  phase === 'booting' &&
  steps.some(({ id, state }) => id === 'publish' && (state === 'pending' || state === 'running'));

/** Whether this VM serves, or its boot failed, with the CONTEXT that is on the disk now; undefined: that goes on. */
export function answerOf(machine: Machine, status: Status): 'serves' | 'failed' | undefined {
  const { serving, phase, facts } = status;
  const [onDisk, seen] = [currentContext(machine), facts['context']];
  // After a re-contextualization the agent may not have looked yet: an answer about the CONTEXT of before is none. A boot
  // that failed before it read any (a broken image) will not read this one either.
  if (onDisk !== undefined && seen !== undefined && seen !== onDisk) return undefined;
  if (serving && undecided(status)) return undefined;
  return serving ? 'serves' : phase === 'failed' ? 'failed' : undefined;
}

/** Waits for the answer; undefined when the time was up first. */
export async function untilDecided(
  machine: Machine,
  deadlineMs?: number,
): Promise<{ status: Status | undefined; answer: ReturnType<typeof answerOf> }> {
  let answer: ReturnType<typeof answerOf>;
  const decided = (status: Status): boolean => {
    answer = answerOf(machine, status);
    // A Flower that was killed a moment ago has not been missed yet.
    if (answer === 'serves' && liveFlowerState(machine.paths)?.up !== true) answer = undefined;
    return answer !== undefined;
  };
  return { status: await untilStatus(machine, decided, deadlineMs), answer };
}

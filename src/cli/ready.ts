import { EXIT } from '../core/exit.ts';
import { liveFlowerState } from '../flower/state-file.ts';
import type { Machine } from '../host/machine.ts';
import { print } from '../host/output.ts';
import { type ReadyFile, readReady } from '../report/ready-file.ts';
import { readStatus } from '../report/status.ts';
import { currentContextSha256 } from '../vm/load.ts';
import { demandVm, untilFile } from './await-status.ts';
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
    const { file, verdict } = await untilDecided(invocation.machine, deadlineMs);
    if (verdict === 'serves') {
      print('ready: this VM serves\n');
      return EXIT.good;
    }
    if (verdict === 'failed') {
      print(`not ready: ${file?.reason ?? 'the boot failed'}\n`);
      return EXIT.failed;
    }
    print(`not ready yet: ${whyUndecided(invocation.machine, file)}\n`);
    return EXIT.notReady;
  },
};

function whyUndecided(machine: Machine, file: ReadyFile | undefined): string {
  if (file === undefined) return 'the agent has not run since this VM started';
  if (verdictNow(machine, file) === 'serves') return "Flower's process is gone; systemd starts it again";
  if (file.verdict !== null) return 'the agent has not read the changed CONTEXT yet';
  return readStatus(machine.paths.status)?.waiting?.for ?? 'the boot is not finished';
}

/**
 * Whether this VM serves, or its boot failed, with the CONTEXT that is on the disk now; undefined: that is being decided.
 * After a change of the CONTEXT the agent may not have read it yet. A boot that failed before it read any (a broken image)
 * will not read this one either.
 */
export function verdictNow(
  machine: Machine,
  { verdict, context }: Pick<ReadyFile, 'verdict' | 'context'>,
): 'serves' | 'failed' | undefined {
  const onDisk = currentContextSha256(machine);
  const changed = onDisk !== undefined && context !== null && context !== onDisk;
  return changed ? undefined : (verdict ?? undefined);
}

/** Waits for the verdict; undefined when the time was up first. */
export async function untilDecided(
  machine: Machine,
  deadlineMs?: number,
): Promise<{ file: ReadyFile | undefined; verdict: ReturnType<typeof verdictNow> }> {
  let verdict: ReturnType<typeof verdictNow>;
  const decided = (file: ReadyFile): boolean => {
    verdict = verdictNow(machine, file);
    // The agent may not have noticed yet that Flower was killed a moment ago.
    if (verdict === 'serves' && liveFlowerState(machine.paths)?.up !== true) verdict = undefined;
    return verdict !== undefined;
  };
  const file = await untilFile(
    machine,
    { path: machine.paths.ready, read: () => readReady(machine.paths) },
    decided,
    deadlineMs,
  );
  return { file, verdict };
}

import { EXIT } from '../core/exit.ts';
import { liveFlowerState } from '../flower/state-file.ts';
import type { Machine } from '../host/machine.ts';
import { type ReadyFile, readReady } from '../report/ready-file.ts';
import { readStatus } from '../report/status.ts';
import { currentContextSha256 } from '../vm/load.ts';
import { demandVm, untilFile } from './await-status.ts';
import { defineCommand, UsageError } from './command.ts';
import { printText } from './terminal.ts';

export const ready = defineCommand({
  name: 'ready',
  summary: 'Wait until this VM serves and has published it, or report why not',
  args: [],
  options: {
    timeout: { description: 'stop waiting after this time (default: no limit)', value: 'SECONDS' },
  },
  text: 'READY_SCRIPT_PATH runs this command before one-context reports READY=YES. A SuperLink serves when its Fleet API answers; a SuperNode serves when the SuperLink has accepted it. Exit status 1: the boot failed. Exit status 3: the time is up.',
  examples: [
    ['flower-context ready', 'Wait until ready, or fail with the reason'],
    ['flower-context ready --timeout 0', 'Check once'],
  ],
  async run({ machine, value }) {
    const seconds = value('timeout');
    if (seconds !== undefined && !/^\d+$/.test(seconds))
      throw new UsageError(`--timeout takes whole seconds, not '${seconds}'`);
    demandVm(machine);
    const { file, verdict } = await untilDecided(
      machine,
      seconds === undefined ? undefined : Number(seconds) * 1_000,
    );
    if (verdict === 'serves') {
      printText('ready: this VM serves');
      return EXIT.ok;
    }
    if (verdict === 'failed') {
      printText(`not ready: ${file?.reason ?? 'the boot failed'}`);
      return EXIT.failed;
    }
    printText(`not ready yet: ${whyUndecided(machine, file)}`);
    return EXIT.notReady;
  },
});

function whyUndecided(machine: Machine, file: ReadyFile | undefined): string {
  if (file === undefined) return 'the agent has not run since this VM started';
  if (verdictNow(machine, file) === 'serves') return 'Flower is not running; systemd restarts it';
  if (file.verdict !== null) return 'the agent has not read the changed CONTEXT yet';
  const status = readStatus(machine.paths.status);
  const rest =
    status?.phase === 'ready' ? 'serving, but not published to OneGate yet' : 'the boot is not finished';
  return status?.waiting?.for ?? rest;
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

/** Waits for the verdict; undefined when the time was up first. @internal */
export async function untilDecided(
  machine: Machine,
  deadlineMs?: number,
): Promise<{ file: ReadyFile | undefined; verdict: ReturnType<typeof verdictNow> }> {
  let verdict: ReturnType<typeof verdictNow>;
  const decided = async (file: ReadyFile): Promise<boolean> => {
    verdict = verdictNow(machine, file);
    // The agent may not have noticed yet that Flower was killed a moment ago.
    if (verdict === 'serves' && (await liveFlowerState(machine))?.up !== true) verdict = undefined;
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

import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import type { Machine } from '../host/machine.ts';
import { type Life, lifeLines, lifeOf, notServing } from '../report/life.ts';
import { type ReadyFile, readReady, readyOrProblem } from '../report/ready-file.ts';
import { problemLines, type Status, statusOrProblem, statusProblem } from '../report/status.ts';
import { currentContextSha256 } from '../vm/load.ts';
import { demandVm, untilFile, watchLife } from './await-status.ts';
import { defineCommand, UsageError } from './command.ts';
import { printText } from './terminal.ts';

export const ready = defineCommand({
  name: 'ready',
  summary: 'Wait until this VM serves and has published it, or report why not',
  args: [],
  options: {
    timeout: { description: 'stop waiting after this time (default: no limit)', value: 'SECONDS' },
  },
  text: 'READY_SCRIPT_PATH runs this command before one-context reports READY=YES. A SuperLink serves when its Fleet API answers; a SuperNode serves when the SuperLink has accepted it. The answer is about the CONTEXT on the disk, and asks systemd whether the agent runs and Flower serves at this moment. Exit status 1: the boot failed. Exit status 3: the time is up.',
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
    printText(`not ready yet: ${await whyUndecided(machine)}`);
    return EXIT.notReady;
  },
});

async function whyUndecided(machine: Machine): Promise<string> {
  const status = statusOrProblem(machine.paths.status);
  const life = await lifeOf(machine, status);
  if (!life.agent.running) return lifeLines(life, machine.clock.now()).join('\n');
  const file = readyOrProblem(machine.paths);
  if (file instanceof Problem) return problemLines(statusProblem(file)).join('\n');
  if (status instanceof Problem) return problemLines(statusProblem(status)).join('\n');
  const phase = status?.phase;
  if (file !== undefined && file.verdict !== null) {
    if (verdictNow(machine, file) === undefined) return 'the agent has not read the changed CONTEXT yet';
    return notServing(life.flower, machine.clock.now());
  }
  const rest = phase === 'ready' ? 'serving, but not published to OneGate yet' : 'the boot is not finished';
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

/**
 * Waits for the verdict; undefined when the time was up first. `serves`: whether agent and Flower work at this moment.
 * @internal
 */
export async function untilDecided(
  machine: Machine,
  deadlineMs?: number,
  serves = async (status: Status | Problem | undefined) => servesNow(await lifeOf(machine, status)),
): Promise<{ file: ReadyFile | undefined; verdict: ReturnType<typeof verdictNow> }> {
  const { paths } = machine;
  const awaited = deadlineMs === undefined ? watchLife(machine) : undefined;
  let verdict: ReturnType<typeof verdictNow>;
  const decided = async (file: ReadyFile | undefined): Promise<boolean> => {
    verdict = file && verdictNow(machine, file);
    if (verdict === 'failed') return true;
    const status = statusOrProblem(paths.status);
    // The agent may have ended, or not have noticed yet that Flower ended or hangs.
    if (verdict === 'serves' && (await serves(status))) return true;
    verdict = undefined;
    await awaited?.(status);
    return false;
  };
  const file = await untilFile(
    machine,
    { path: paths.ready, read: () => readReady(paths) },
    decided,
    deadlineMs,
  );
  return { file, verdict };
}

const servesNow = ({ agent, flower }: Life): boolean => agent.running && flower?.serving === true;

// One boot: the first, after a crash, after a re-contextualization, after the SuperLink was lost - all the same path.

import { dirname } from 'node:path';
import { asProblem, Problem } from '../core/problem.ts';
import { liveFlowerState } from '../flower/state-file.ts';
import { ensureFolder, readText, writeIfChanged } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { duration, type Report } from '../report/report.ts';
import { parseImage } from '../vm/image.ts';
import { failedAttributes } from './attributes.ts';
import type { Checkpoint } from './checkpoint.ts';
import { Knowledge } from './knowledge.ts';
import { BRIEF } from './onegate-policy.ts';
import { type Failure, runSteps } from './runner.ts';
import type { Step } from './step.ts';

export interface Boot {
  readonly machine: Machine;
  readonly report: Report;
  readonly checkpoint: Checkpoint;
  readonly signal: AbortSignal;
  /** The steps of a role. */
  readonly sequence: (role: 'superlink' | 'supernode') => readonly Step[];
}

export interface BootOutcome {
  readonly known: Knowledge;
  readonly failure: Failure | undefined;
}

/** Runs the role's steps; on failure tells OneGate, the journal and the status. Never throws. */
export async function boot({ machine, report, checkpoint, signal, sequence }: Boot): Promise<BootOutcome> {
  const known = new Knowledge();
  const began = machine.clock.monotonicMs();
  let failure: Failure | undefined;
  try {
    const appliance = readAppliance(machine);
    known.set('appliance', appliance);
    const steps = sequence(appliance.role);
    report.begin(appliance.role, steps);
    if (checkpoint.damage !== undefined) report.problem(checkpoint.damage);
    failure = await runSteps({ steps, known, machine, checkpoint, report, signal });
  } catch (error) {
    failure = { step: undefined, problem: asProblem(error, 'booting') };
  }
  const took = duration(machine.clock.monotonicMs() - began);
  if (failure === undefined) {
    const sentence = readySentence(known, took);
    report.phase('ready', sentence);
    if (known.get('config').role === 'superlink')
      report.journal.info(`run config for \`flwr run --run-config\`: ${machine.paths.runConfig}`);
    writeMotd(machine, sentence, known.get('config').role === 'superlink');
  } else if (failure.problem.code === 'interrupted') {
    report.phase(
      'stopped',
      `${reasonOf(signal)} before the boot was over; the next look goes on where it was`,
    );
  } else {
    await reportFailure({ machine, report, checkpoint }, known, failure, took);
  }
  return { known, failure };
}

/** What a person who logs in wants to know first. Not worth failing for. */
function writeMotd({ paths }: Machine, sentence: string, superlink: boolean): void {
  const lines = [
    `flower-context: ${sentence}`,
    '  flower-context status             every step, what is waited for, what is wrong',
    '  journalctl -u flower-context      the story of the boot',
    ...(superlink
      ? [
          '  flower-context submit quickstart  start a run, here of the example app, with the settings of the CONTEXT',
          `  ${paths.runConfig}   those settings, for \`flwr run --run-config\``,
        ]
      : []),
  ];
  try {
    ensureFolder(dirname(paths.motd), { mode: 0o755 });
    writeIfChanged(paths.motd, `${lines.join('\n')}\n`, { mode: 0o644, durable: false });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}

async function reportFailure(
  run: Pick<Boot, 'machine' | 'report' | 'checkpoint'>,
  known: Knowledge,
  { problem }: Failure,
  took: string,
): Promise<void> {
  run.report.problem(problem);
  writeMotd(run.machine, `the boot failed: ${problem.code}`, false);
  // Once there is a plan of this boot, what runs is this boot's own Flower, and that has not proven itself. And what was
  // never published (OneGate was away) must not let the ready script open the gate for nodes that find no address.
  const published = run.report.status.serving || run.checkpoint.finishedAt('publish') !== undefined;
  const stillServes =
    known.peek('planHash') === undefined && published && liveFlowerState(run.machine.paths)?.up === true;
  run.report.serving(stillServes);
  run.report.phase(
    'failed',
    `the boot failed after ${took}: ${problem.code}${stillServes ? '; Flower goes on with its earlier settings' : ''}`,
  );
  const role = known.peek('appliance')?.role;
  const oneGate = known.peek('oneGate');
  if (role === undefined || oneGate === undefined) return;
  const attributes = stillServes ? { FL_ERROR: problem.code } : failedAttributes(role, problem.code);
  try {
    await oneGate.update(attributes, { policy: BRIEF });
  } catch (error) {
    run.report.journal.warn(`OneGate was not told of the failure: ${(error as Error).message}`);
  }
}

function readySentence(known: Knowledge, took: string): string {
  const config = known.get('config');
  const what = config.role === 'superlink' ? 'SuperLink serves' : 'SuperNode takes part';
  const partition = known.peek('partition');
  const share = partition === undefined ? '' : `, partition ${partition.id} of ${partition.of}`;
  return `ready after ${took}: this ${what} with Flower ${known.get('flowerVersion')}${share}`;
}

function readAppliance({ paths }: Machine): ReturnType<typeof parseImage> {
  const text = readText(paths.appliance);
  if (text !== undefined) return parseImage(text);
  throw new Problem('image_incomplete', {
    doing: "reading the image's role",
    found: `${paths.appliance} does not exist`,
    expected: 'the file that the install script writes',
  });
}

const reasonOf = ({ reason }: AbortSignal): string => (reason instanceof Error ? reason.message : 'stopped');

import type { Clock } from '../../core/clock.ts';
import { Problem } from '../../core/problem.ts';
import { SUPEREXEC_UNIT } from '../../flower/superexec.ts';
import { removeSuperExec, superExecFiles } from '../../flower/superexec-files.ts';
import { superExecServes } from '../../flower/superexec-process.ts';
import { exists } from '../../host/files.ts';
import { lastLines, queueJob, stopAndWait, type UnitState, unitState } from '../../host/systemd.ts';
import { type CommonOutputs, type StepResult, stepOf } from '../step.ts';

/** The API opens before a SuperNode has found its SuperLink. A slow disk needs most of this time. */
const READY_WITHIN_MS = 180_000;
const READ_UNIT_EVERY_MS = 250;

/**
 * FL_ISOLATION=process: starts SuperExec, which starts the apps, and waits until Flower's API has accepted it. Otherwise
 * stops one that an earlier CONTEXT started.
 */
export const startSuperExec = stepOf<CommonOutputs>()({
  id: 'start_superexec',
  title: 'start SuperExec',
  needs: ['validate', 'start_flower'],
  // A changed plan has stopped SuperExec together with Flower, maybe not yet at this moment: it is started again.
  inputs: ({ validate, start_flower }, { machine }) => ({
    boot: machine.host.bootId(),
    isolation: validate.FL_ISOLATION,
    plan: start_flower.hash,
  }),
  async run({ validate: { FL_ISOLATION: isolation, role } }, tools): Promise<StepResult<undefined>> {
    const { paths, clock } = tools.machine;
    if (isolation !== 'process') {
      const note = 'Flower starts the apps itself';
      if (!exists(superExecFiles(paths).plan)) return { output: undefined, skipped: true, note };
      await queueJob('stop', SUPEREXEC_UNIT);
      removeSuperExec(paths);
      return { output: undefined, note: `stopped; ${note}` };
    }
    if (tools.unchanged && (await superExecServes(tools.machine)))
      return { output: undefined, kept: true, note: `${SUPEREXEC_UNIT} runs already` };
    // Stopped first: what the unit does afterwards is of the new process, also when that has ended already.
    await stopAndWait(SUPEREXEC_UNIT);
    const before = await unitState(SUPEREXEC_UNIT);
    const refused = await queueJob('start', SUPEREXEC_UNIT);
    if (refused !== undefined) throw failure(refused);
    tools.wait({
      for: `${SUPEREXEC_UNIT} to be accepted by the ${role === 'superlink' ? 'SuperLink' : 'SuperNode'} of this VM`,
      until: new Date(clock.now().getTime() + READY_WITHIN_MS),
      check: `journalctl -u ${SUPEREXEC_UNIT}`,
    });
    await untilReady(before, clock, tools.signal);
    return { output: undefined, note: 'accepted by Flower; the apps run as its user' };
  },
});

async function untilReady(before: UnitState, clock: Clock, signal: AbortSignal): Promise<void> {
  const limit = clock.monotonicMs() + READY_WITHIN_MS;
  for (;;) {
    await clock.sleep(READ_UNIT_EVERY_MS, signal);
    const state = await unitState(SUPEREXEC_UNIT);
    if (state.active === 'active') return;
    // In the state of before (inactive or failed), systemd has not begun yet.
    const begun = state.active !== before.active;
    const ended = begun && (state.active === 'failed' || state.sub === 'auto-restart');
    if (!ended && clock.monotonicMs() < limit) continue;
    const how = ended
      ? `it ended (${state.result}, exit status ${state.exitStatus})`
      : `Flower has not accepted it within ${READY_WITHIN_MS / 1_000} s`;
    const lines = (await lastLines(SUPEREXEC_UNIT, 10)).map((line) => `\n    ${line}`);
    throw failure(`${how}; its last lines:${lines.join('')}`);
  }
}

const failure = (found: string): Problem =>
  new Problem('flower_start_failed', {
    doing: `starting SuperExec (${SUPEREXEC_UNIT}), which starts the apps of runs`,
    found,
    remedy: `read \`journalctl -u ${SUPEREXEC_UNIT}\`; with FL_ISOLATION=subprocess Flower starts the apps itself`,
  });

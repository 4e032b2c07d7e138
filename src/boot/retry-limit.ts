// FL_MAX_RETRIES and FL_MAX_WAIT_TIME: Flower of this SuperNode has ended for good, and systemd does not start it again.
import { Problem } from '../core/problem.ts';
import { EXIT_LIMIT, readFlowerState, unitOf } from '../flower/state-file.ts';
import type { Machine } from '../host/machine.ts';
import { type UnitState, unitState } from '../host/systemd.ts';

/** The problem, where Flower's unit has ended with the status of a reached limit. `state`: of that unit, where it was just read. */
export async function retryLimitReached(machine: Machine, state?: UnitState): Promise<Problem | undefined> {
  const { active, exitStatus } = state ?? (await unitState(unitOf('supernode')));
  if (active !== 'failed' || exitStatus !== EXIT_LIMIT) return undefined;
  const detail = (await readFlowerState(machine))?.detail;
  return new Problem('retry_limit_reached', {
    doing: 'connecting to the SuperLink',
    found: detail ?? `Flower ended with status ${EXIT_LIMIT}: FL_MAX_RETRIES or FL_MAX_WAIT_TIME was reached`,
    expected: 'a SuperLink that answers before',
    variable: detail?.includes('FL_MAX_RETRIES') ? 'FL_MAX_RETRIES' : 'FL_MAX_WAIT_TIME',
  });
}

// Whether apps can start: only with FL_ISOLATION=process is that a question.
import { exists } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { processFacts } from '../host/process.ts';
import { unitState } from '../host/systemd.ts';
import { SUPEREXEC_UNIT } from './superexec.ts';
import { superExecFiles } from './superexec-files.ts';

/** The process that systemd has named as the main process of the unit when that was active, per machine. */
const confirmed = new WeakMap<object, { readonly pid: number; readonly started: number }>();

/**
 * Whether Flower has accepted the SuperExec that runs. systemd is asked once for each process, also for one that it has
 * started itself. A process that a signal has stopped starts no apps.
 */
export async function superExecServes({ host }: Pick<Machine, 'host'>): Promise<boolean> {
  const last = confirmed.get(host);
  const now = last && processFacts(last.pid);
  if (now !== undefined && now.started === last?.started) return !now.stopped;
  confirmed.delete(host);
  const [pid = 0] = await host.mainPids([SUPEREXEC_UNIT]);
  const facts = pid === 0 ? undefined : processFacts(pid);
  if (facts === undefined || facts.stopped) return false;
  // Read after its facts: an active unit with this process was active with the process of these facts.
  const { active, pid: main } = await unitState(SUPEREXEC_UNIT);
  if (active !== 'active' || main !== pid) return false;
  confirmed.set(host, { pid, started: facts.started });
  return true;
}

/** Whether the apps of runs can start: Flower starts them itself, or its SuperExec serves. */
export const appsCanStart = async (machine: Machine): Promise<boolean> =>
  !exists(superExecFiles(machine.paths).plan) || (await superExecServes(machine));

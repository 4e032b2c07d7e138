// What `run` and `boot` share: one agent per machine, its journal and its checkpoint.
import { boot } from '../boot/boot.ts';
import { Checkpoint } from '../boot/checkpoint.ts';
import { journalSettings } from '../config/journal-settings.ts';
import { Problem } from '../core/problem.ts';
import { ensureFolder, remove, removeLeftovers } from '../host/files.ts';
import { takeLock } from '../host/lock.ts';
import type { Machine } from '../host/machine.ts';
import { notifyReady, notifyStopping, onHangup } from '../host/notify.ts';
import { type Journal, openJournal } from '../report/journal.ts';
import { Report } from '../report/report.ts';
import { loadVm } from '../vm/load.ts';
import { Supervisor } from './supervisor.ts';

/** The journal in the form that the CONTEXT asks for, from the first line on. Each boot reads the CONTEXT again. */
export function journalOf(machine: Machine): Journal {
  const journal = openJournal();
  const { context } = loadVm(machine);
  if (!(context instanceof Problem)) journal.configure(journalSettings(context.variables));
  return journal;
}

/** Takes the machine's agent lock and opens the checkpoint. Throws Problem agent_running. */
export async function startAgent(
  machine: Machine,
  journal: Journal,
  options: { fresh: boolean },
): Promise<Supervisor> {
  ensureFolder(machine.paths.run, { mode: 0o755 });
  if (!takeLock(machine.paths.lock)) {
    throw new Problem('agent_running', {
      doing: 'starting the agent',
      found: 'another flower-context runs on this machine',
      expected: 'one at a time',
    });
  }
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => stop.abort(new Error(`asked to stop by ${name}`)));
  for (const folder of [machine.paths.state, machine.paths.tls]) removeLeftovers(folder);
  const checkpoint = new Checkpoint(machine.paths.checkpoint, machine.clock.now());
  if (options.fresh) {
    checkpoint.forget();
    remove(machine.paths.failedInstallations);
  }
  const { paths, clock } = machine;
  const report = new Report({ path: paths.status, journal, clock, resumed: !checkpoint.empty });
  return new Supervisor({
    machine,
    report,
    signal: stop.signal,
    boot: (run) => boot({ machine, report, checkpoint, ...run }),
    withdrawn: () => checkpoint.forgetStep('publish'),
    notify: { ready: notifyReady, stopping: notifyStopping },
    onReload: onHangup,
  });
}

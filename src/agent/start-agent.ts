// What `run` and `boot` share: one agent per machine, its journal, its memory.
import { type BootOutcome, boot as bootOnce } from '../boot/boot.ts';
import { Checkpoint } from '../boot/checkpoint.ts';
import { sequenceFor } from '../boot/sequence.ts';
import { Problem } from '../core/problem.ts';
import { ensureFolder, remove, removeLeftovers } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { takeLock } from '../host/net.ts';
import { openJournal } from '../report/journal.ts';
import { Report } from '../report/report.ts';

export interface Agent {
  readonly machine: Machine;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** `interrupt` ends the boot without ending the agent. */
  boot(interrupt?: AbortSignal): Promise<BootOutcome>;
}

/** Takes the machine's agent lock and opens its memory. Throws Problem when another agent is at work. */
export async function startAgent(machine: Machine, options: { fresh: boolean }): Promise<Agent> {
  if ((await takeLock(machine.paths.root)) === undefined) {
    throw new Problem('agent_running', {
      doing: 'starting the agent',
      found: 'another flower-context is at work on this machine',
      expected: 'one at a time',
    });
  }
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => stop.abort(new Error(`asked to stop by ${name}`)));
  const journal = openJournal();
  ensureFolder(machine.paths.run, { mode: 0o755 });
  for (const folder of [machine.paths.state, machine.paths.tls]) removeLeftovers(folder);
  const checkpoint = new Checkpoint(machine.paths.checkpoint, machine.clock.now());
  if (options.fresh) {
    checkpoint.forget();
    remove(machine.paths.failedInstallations);
  }
  const report = new Report({
    path: machine.paths.status,
    journal,
    clock: machine.clock,
    resumed: !checkpoint.empty,
  });
  return {
    machine,
    report,
    signal: stop.signal,
    boot: (interrupt) =>
      bootOnce({
        machine,
        report,
        checkpoint,
        signal: interrupt === undefined ? stop.signal : AbortSignal.any([stop.signal, interrupt]),
        sequence: sequenceFor,
      }),
  };
}

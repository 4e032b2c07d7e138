// How a state of the agent is shown: in the ready file, the status, the journal and the message of the day.
import { dirname } from 'node:path';
import type { BootOutcome, BootResult } from '../boot/boot.ts';
import { Problem } from '../core/problem.ts';
import { ROLE_TITLE } from '../core/role.ts';
import { plainLines } from '../core/text.ts';
import { ensureFolder, remove, writeIfChanged } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import type { Journal } from '../report/journal.ts';
import { writeReady } from '../report/ready-file.ts';
import { duration, type Report } from '../report/report.ts';
import { problemLines, statusProblem } from '../report/status.ts';
import { type AgentState, type Cause, type Moment, verdictOf } from './state.ts';

/** Why a boot runs again, as the journal says it. */
const CAUSES: Readonly<Record<Exclude<Cause, 'start'>, string>> = {
  context: 'the CONTEXT changed',
  reload: 'reload requested (SIGHUP)',
  retry_failed: 'retry: the last boot failed',
  retry_publish: 'retry: attributes not published to OneGate',
  renewal: 'the server certificate is due for renewal',
  clock: 'the clock of this VM was set',
  partition: 'the partition of this node changed',
  superlink: 'the SuperLink has another address, TLS mode or CA',
  link: 'Flower link down for 15 s or longer',
};

interface Rendered {
  readonly outcome: BootOutcome | undefined;
  readonly moment: Moment;
  /** Why the agent is asked to stop. */
  readonly stopReason: string;
}

/** Shows a state that the agent has just entered. */
export function render(
  paths: Paths,
  report: Report,
  before: AgentState | undefined,
  state: AgentState,
  rendered: Rendered,
): void {
  const verdict = verdictOf(state) ?? null;
  const same =
    before !== undefined && (verdictOf(before) ?? null) === verdict && before.context === state.context;
  if (!same) renderReadyFile(paths, report.journal, state, rendered.outcome);
  renderState(report, before, state, rendered);
  if (before?.stage === 'booting' && (state.stage === 'ready' || state.stage === 'failed'))
    renderMotd(paths, report.journal, rendered.outcome);
}

/** A ready file that cannot be written is removed: an old one must not open the ready gate. */
function renderReadyFile(
  paths: Paths,
  journal: Journal,
  state: AgentState,
  outcome: BootOutcome | undefined,
): void {
  const verdict = verdictOf(state) ?? null;
  const problem = verdict === 'failed' ? outcome?.failure?.problem : undefined;
  const reason = problem === undefined ? null : problemLines(statusProblem(problem)).join('\n');
  try {
    writeReady(paths, { version: 1, verdict, context: state.context ?? null, reason });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    journal.warn(
      `the ready file cannot be written, and without it the ready script does not succeed: ${error.message}; what to do: ${error.remedy}`,
    );
    try {
      remove(paths.ready);
    } catch {
      // Its folder cannot be written either: the warning says so.
    }
  }
}

/** The status, the journal and systemd's STATUS line. */
function renderState(
  report: Report,
  before: AgentState | undefined,
  state: AgentState,
  { outcome, moment, stopReason }: Rendered,
): void {
  if (before?.stage === 'disconnected') report.waiting('agent', undefined);
  const booted = before?.stage === 'booting';
  switch (state.stage) {
    case 'booting':
      // A boot that was cancelled starts again for its new cause.
      if (
        before !== undefined &&
        state.cause !== 'start' &&
        (!booted || before.restart !== undefined) &&
        !state.restart
      )
        report.journal.info(`reconciling: ${CAUSES[state.cause]}`);
      report.state('booting', state.ready);
      break;
    case 'ready': {
      if (before?.stage === 'disconnected')
        report.journal.info(`Flower is back after ${duration(moment.monotonicMs - before.since)}`);
      const { result, tookMs = 0 } = outcome ?? {};
      report.state('ready', state.ready, booted && result ? readySentence(result, tookMs) : undefined);
      break;
    }
    case 'disconnected': {
      const role = outcome?.result?.role ?? 'superlink';
      const what = role === 'superlink' ? 'serving' : 'connected';
      report.journal.warn(`Flower is not ${what}: ${state.reason}`);
      report.waiting('agent', {
        for: `Flower to come back (${state.reason})`,
        check: `journalctl -u flower-${role}`,
      });
      report.state('ready', false);
      break;
    }
    case 'failed':
      if (before?.stage === 'failed' && before.ready !== state.ready)
        report.journal.warn(
          state.ready ? 'Flower is back' : 'Flower is lost; it served with its previous configuration',
        );
      report.state('failed', state.ready, booted ? failureSentence(state.ready, outcome) : undefined);
      break;
    case 'stopped':
      if (booted) report.state('stopped', state.ready, `boot interrupted: ${stopReason}; ${RESUMES}`);
  }
}

const RESUMES = 'the next start resumes at the first unfinished step';

/** The message of the day after a boot, and where the settings for runs are. */
function renderMotd(paths: Paths, journal: Journal, outcome: BootOutcome | undefined): void {
  const { result, failure, tookMs = 0 } = outcome ?? {};
  const submits = result?.role === 'superlink';
  if (submits) journal.info(`run config for \`flwr run --run-config\`: ${paths.runConfig}`);
  const sentence = result && readySentence(result, tookMs);
  const lines = [
    `flower-context: ${sentence ?? `the boot failed: ${failure?.problem.code ?? 'unknown'}`}`,
    '  flower-context status             boot steps, current wait and open problems',
    '  journalctl -u flower-context      boot log',
    ...(submits
      ? [
          '  flower-context submit quickstart  start a run, here of the example app, with the settings of the CONTEXT',
          `  ${paths.runConfig}   those settings, for \`flwr run --run-config\``,
        ]
      : []),
  ];
  try {
    ensureFolder(dirname(paths.motd), { mode: 0o755 });
    writeIfChanged(paths.motd, `${plainLines(lines.join('\n'))}\n`, { mode: 0o644, durable: false });
  } catch (error) {
    // A message that cannot be written is not worth a failure.
    if (!(error instanceof Problem)) throw error;
  }
}

function readySentence({ role, flowerVersion, partition }: BootResult, tookMs: number): string {
  const what = role === 'superlink' ? 'serves' : 'takes part';
  const share = partition === undefined ? '' : `, partition ${partition.choice.id} of ${partition.choice.of}`;
  return `ready after ${duration(tookMs)}: this ${ROLE_TITLE[role]} ${what} with Flower ${flowerVersion}${share}`;
}

function failureSentence(serves: boolean, outcome: BootOutcome | undefined): string {
  const { failure, tookMs = 0 } = outcome ?? {};
  const rest = serves ? '; Flower keeps running with its previous configuration' : '';
  return `the boot failed after ${duration(tookMs)}: ${failure?.problem.code ?? 'unknown'}${rest}`;
}

// How a state of the agent is shown: in the ready file, the status, the journal and the message of the day.
import { dirname } from 'node:path';
import type { BootOutcome, BootResult } from '../boot/boot.ts';
import { EXIT } from '../core/exit.ts';
import { Problem } from '../core/problem.ts';
import { ROLE_TITLE } from '../core/role.ts';
import { plainLines } from '../core/text.ts';
import { ensureFolder, remove, writeIfChanged } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import type { Journal } from '../report/journal.ts';
import { writeReady } from '../report/ready-file.ts';
import { duration, type Report } from '../report/report.ts';
import { problemLines, statusProblem } from '../report/status.ts';
import type { AgentState, Cause, Moment } from './life.ts';
import { verdictOf } from './state.ts';
import { problemOf } from './troubles.ts';

/** Why a boot runs again, as the journal says it. */
const CAUSES: Readonly<Record<Exclude<Cause, 'start'>, string>> = {
  context: 'the CONTEXT changed',
  reload: 'reload requested (SIGHUP)',
  retry_failed: 'retry: the last boot failed',
  retry_publish: 'retry: attributes not published to OneGate',
  renewal: 'the server certificate is due for renewal',
  clock: 'the clock of this VM was set',
  partition: 'the partition of this node changed',
  pending: 'a change is pending: checking again whether it can be applied',
  superlink: 'the SuperLink has another address, TLS mode or CA',
  link: 'Flower link down for 15 s or longer',
  flower: 'Flower is back after a failure for which READY was withdrawn',
  recovered: 'Flower has served for ten minutes without another failure',
  attributes: 'OneGate shows other attributes of this VM than it has published',
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
  const booted = before?.stage === 'booting' && (state.stage === 'ready' || state.stage === 'failed');
  if (booted && rendered.outcome?.result?.role === 'superlink')
    report.journal.info(`run config for \`flwr run --run-config\`: ${paths.runConfig}`);
  if (booted || (before !== undefined && state.stage !== 'booting')) renderMotd(paths, state, rendered);
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
  if (before?.troubles !== state.troubles) report.lasting(state.troubles.map(problemOf));
  if (before?.stage === 'disconnected' || before?.stage === 'failed') report.waiting('agent', undefined);
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
      report.pending(state.pending);
      report.state('ready', state.ready, booted && result ? readySentence(state, result, tookMs) : undefined);
      break;
    }
    case 'disconnected': {
      if (before?.stage === 'disconnected' && before.reason === state.reason) break;
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
      if (before?.stage === 'failed' && !state.ready)
        report.waiting('agent', {
          for: 'Flower to come back',
          check: `journalctl -u flower-${outcome?.failure?.role ?? 'superlink'}`,
        });
      report.state('failed', state.ready, booted ? failureSentence(state.ready, outcome) : undefined);
      break;
    case 'stopped':
      if (booted) report.state('stopped', state.ready, `boot interrupted: ${stopReason}; ${RESUMES}`);
      else if (state.exit === EXIT.ok)
        report.journal.info(
          `stopped: ${stopReason}; Flower keeps running without supervision: ${UNATTENDED}`,
        );
  }
}

const UNATTENDED = 'READY on OneGate stays as it is, also if Flower fails, until the agent starts again';
const RESUMES = 'the next start resumes at the first unfinished step';

/** The message of the day. Its reader may come long after it was written, so it has a time. */
function renderMotd(paths: Paths, state: AgentState, { outcome, moment }: Rendered): void {
  const lines = [
    `flower-context at ${moment.now.toISOString().slice(0, 16)}Z: ${motdSentence(state, outcome)}`,
    '  flower-context status             whether that is still so, boot steps, open problems',
    '  journalctl -u flower-context      boot log',
    ...(outcome?.result?.role === 'superlink'
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

function motdSentence(state: AgentState, outcome: BootOutcome | undefined): string {
  const { result, failure, tookMs = 0 } = outcome ?? {};
  if (state.stage === 'disconnected') return `Flower does not serve: ${state.reason}`;
  if (state.stage === 'stopped') return 'the agent was stopped; Flower is not supervised';
  if (result !== undefined) return readySentence(state, result, tookMs);
  return `the boot failed: ${failure?.problem.code ?? 'unknown'}${state.ready ? STILL_RUNS : ''}`;
}

function readySentence(
  { ready }: AgentState,
  { role, flowerVersion, runs }: BootResult,
  tookMs: number,
): string {
  const what = role === 'superlink' ? 'serves' : 'takes part';
  const share = runs === undefined ? '' : `, partition ${runs.id} of ${runs.of}`;
  return `ready after ${duration(tookMs)}: this ${ROLE_TITLE[role]} ${what} with Flower ${flowerVersion}${share}${ready ? '' : '; it is not published on OneGate yet'}`;
}

const STILL_RUNS = '; Flower keeps running with its previous configuration';

function failureSentence(serves: boolean, outcome: BootOutcome | undefined): string {
  const { failure, tookMs = 0 } = outcome ?? {};
  const rest = serves ? STILL_RUNS : '';
  return `the boot failed after ${duration(tookMs)}: ${failure?.problem.code ?? 'unknown'}${rest}`;
}

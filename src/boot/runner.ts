// The runner: takes a list of steps, runs each as soon as what it needs has succeeded, and owns everything around
// them - order, timing, the journal, checkpoints, the status and errors.

import { asProblem, joinProblems, Problem } from '../core/problem.ts';
import type { Machine } from '../host/machine.ts';
import type { Report } from '../report/report.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Knowledge } from './knowledge.ts';
import type { Step, StepId, StepResult } from './step.ts';

export interface Run {
  readonly steps: readonly Step[];
  readonly known: Knowledge;
  readonly machine: Machine;
  readonly checkpoint: Checkpoint;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Why a boot did not succeed, and at which step. */
export interface Failure {
  readonly step: StepId | undefined;
  readonly problem: Problem;
}

/** Whether only another CONTEXT can help: then there is nothing to try again. */
export const contextIsWrong = ({ step, problem }: Failure): boolean =>
  (step === 'read_context' || step === 'validate') &&
  problem.code !== 'state_unwritable' &&
  problem.code !== 'internal_error';

/** Runs the steps to their end. Resolves with undefined when all succeeded, else with everything that went wrong. */
export async function runSteps(run: Run): Promise<Failure | undefined> {
  const stop = new AbortController();
  const signal = AbortSignal.any([run.signal, stop.signal]);
  const failures: Failure[] = [];
  const ends = new Map<StepId, Promise<boolean>>();

  for (const step of run.steps) {
    const needs = step.needs.map((id) => {
      const end = ends.get(id);
      if (end === undefined) throw new Error(`${step.id} needs ${id}, which does not come before it`);
      return end;
    });
    ends.set(
      step.id,
      Promise.all(needs).then(async (met) => {
        if (!met.every(Boolean) || signal.aborted) return false;
        try {
          await runStep(step, run, signal);
          return true;
        } catch (error) {
          if (signal.aborted && !(error instanceof Problem)) return false;
          failures.push({ step: step.id, problem: asProblem(error, step.title) });
          stop.abort();
          return false;
        }
      }),
    );
  }

  const succeeded = await Promise.all(ends.values());
  try {
    run.checkpoint.keep();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    failures.push({ step: undefined, problem: error });
  }
  const [first, ...others] = failures;
  if (first !== undefined) {
    return {
      step: first.step,
      problem: joinProblems([first.problem, ...others.map((failure) => failure.problem)]),
    };
  }
  if (succeeded.every(Boolean)) return undefined;
  const found = 'the agent was asked to stop before all steps were done';
  return { step: undefined, problem: new Problem('interrupted', { doing: 'booting', found }) };
}

async function runStep(step: Step, run: Run, signal: AbortSignal): Promise<void> {
  const { known, machine, checkpoint, report } = run;
  const inputs = step.inputs?.(known, machine);
  const unchanged = inputs !== undefined && checkpoint.has(step.id, inputs);
  if (inputs !== undefined && !unchanged) checkpoint.forgetStep(step.id);

  const began = machine.clock.monotonicMs();
  const spent = (): number => machine.clock.monotonicMs() - began;
  let degraded = false;
  report.started(step.id);
  try {
    const result: StepResult = await step.run(known, {
      machine,
      journal: report.journal,
      checkpoint,
      signal,
      unchanged,
      openGate: () => report.serving(true),
      closeGate: () => report.serving(false),
      tell: (facts) => report.facts(facts),
      warn: (problem) => report.problem(problem),
      solved: (code) => report.solved(code),
      wait: (wait) => report.waiting(step.id, wait),
      degrade: (problem) => {
        degraded = true;
        report.problem(problem);
      },
    });
    if (inputs !== undefined && !unchanged && !degraded)
      checkpoint.record(step.id, inputs, machine.clock.now());
    if (step.keeps) checkpoint.keep();
    const state = degraded ? 'degraded' : result.skipped ? 'skipped' : result.kept ? 'kept' : 'done';
    report.finished(step.id, state, spent(), result.note);
  } catch (error) {
    if (signal.aborted && !(error instanceof Problem))
      report.finished(step.id, 'skipped', spent(), 'interrupted');
    else report.finished(step.id, 'failed', spent(), asProblem(error, step.title).code);
    throw error;
  } finally {
    report.waiting(step.id, undefined);
  }
}

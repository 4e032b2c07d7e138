// The runner: starts each step as soon as what it needs has succeeded, and owns everything around the steps - order,
// timing, the journal, checkpoints, the status and errors.
import { asProblem, joinProblems, Problem } from '../core/problem.ts';
import type { Report } from '../report/report.ts';
import type { FromAgent, IdOf, Step, StepTools } from './step.ts';

interface Run<Outputs> extends FromAgent, Pick<StepTools, 'machine' | 'image' | 'checkpoint' | 'signal'> {
  readonly steps: readonly Step<Outputs>[];
  readonly report: Report;
}

/** `outputs` holds those of the steps that succeeded: all of them when there is no problem. */
type RunResult<Outputs> = (
  | { readonly outputs: Outputs; readonly problem: undefined }
  | { readonly outputs: Partial<Outputs>; readonly problem: Problem }
) & {
  /** What the boot continued without. */
  readonly degradations: readonly Problem[];
};

/** Runs the steps to their end. Never throws: everything that went wrong is one Problem, `interrupted` when it was cancelled. */
export async function runSteps<Outputs>(run: Run<Outputs>): Promise<RunResult<Outputs>> {
  const stop = new AbortController();
  const signal = AbortSignal.any([run.signal, stop.signal]);
  const outputs: Partial<Outputs> = {};
  const problems: Problem[] = [];
  const degradations: Problem[] = [];
  const passing: Problem[] = [];
  const ends = new Map<string, Promise<boolean>>();

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
          outputs[step.id] = await runStep(
            step,
            pick(outputs, step.needs),
            { ...run, signal },
            { degradations, passing },
          );
          if (step.provesServing) for (const problem of passing.splice(0)) run.report.passed(problem);
          return true;
        } catch (error) {
          if (signal.aborted && !(error instanceof Problem)) return false;
          problems.push(asProblem(error, step.title));
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
    problems.push(asProblem(error, 'writing the checkpoint'));
  }
  const [first, ...others] = problems;
  if (first !== undefined) return { outputs, degradations, problem: joinProblems([first, ...others]) };
  // Every step has put its output there: the map is whole.
  if (succeeded.every(Boolean)) return { outputs: outputs as Outputs, degradations, problem: undefined };
  const found = 'it was cancelled before all steps were done';
  return { outputs, degradations, problem: new Problem('interrupted', { doing: 'booting', found }) };
}

/** The outputs of the needs: they have succeeded, so each is there. */
const pick = <Outputs>(outputs: Partial<Outputs>, needs: readonly IdOf<Outputs>[]): Outputs =>
  Object.fromEntries(needs.map((id) => [id, outputs[id]])) as Outputs;

async function runStep<Outputs>(
  step: Step<Outputs>,
  needed: Outputs,
  { steps: _, report, ...given }: Run<Outputs>,
  { degradations, passing }: { readonly degradations: Problem[]; readonly passing: Problem[] },
): Promise<Outputs[IdOf<Outputs>]> {
  const { machine, checkpoint, signal } = given;
  const inputs = step.inputs?.(needed, given);
  const unchanged = inputs !== undefined && checkpoint.has(step.id, inputs);
  if (inputs !== undefined && !unchanged) checkpoint.forgetStep(step.id);

  const began = machine.clock.monotonicMs();
  const spent = (): number => machine.clock.monotonicMs() - began;
  let degraded = false;
  report.started(step.id);
  try {
    const { output, kept, skipped, note } = await step.run(needed, {
      ...given,
      journal: report.journal,
      unchanged,
      setFacts: (facts) => report.facts(facts),
      setPending: (change) => report.pending(change),
      warn: (problem, until) => {
        if (until !== undefined) passing.push(problem);
        report.problem(problem);
      },
      solved: (code) => {
        report.solved(code);
        degradations.splice(0, Infinity, ...degradations.filter((problem) => problem.code !== code));
      },
      wait: (wait) => {
        report.waiting(step.id, wait);
        if (wait !== undefined && wait.until === undefined) given.waitsWithoutEnd();
      },
      degrade: (problem) => {
        degraded = true;
        degradations.push(problem);
        report.problem(problem);
      },
    });
    if (inputs !== undefined && !unchanged && !degraded)
      checkpoint.record(step.id, inputs, machine.clock.now());
    if (step.keeps) checkpoint.keep();
    const state = degraded ? 'degraded' : skipped ? 'skipped' : kept ? 'kept' : 'done';
    report.finished(step.id, state, spent(), note);
    return output;
  } catch (error) {
    const cancelled = signal.aborted && !(error instanceof Problem);
    const note = cancelled ? 'cancelled' : asProblem(error, step.title).code;
    report.finished(step.id, cancelled ? 'skipped' : 'failed', spent(), note);
    throw error;
  } finally {
    report.waiting(step.id, undefined);
  }
}

// A step is data: what it is called, what it needs, and how it is done. Order, timing, logging, checkpoints and errors
// are the runner's.

import type { Problem } from '../core/problem.ts';
import type { Machine } from '../host/machine.ts';
import type { Journal } from '../report/journal.ts';
import type { Wait } from '../report/report.ts';
import type { StatusFacts } from '../report/status.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Knowledge } from './knowledge.ts';

export type StepId =
  | 'read_context'
  | 'validate'
  | 'announce_booting'
  | 'prepare_directories'
  | 'certificates'
  | 'discover_superlink'
  | 'trust'
  | 'partition'
  | 'launch_plan'
  | 'start_flower'
  | 'await_fleet_api'
  | 'await_registration'
  | 'publish';

/** How a step ended well. `kept`: what was there already is right, and nothing was changed. */
export interface StepResult {
  readonly kept?: boolean;
  readonly skipped?: boolean;
  /** What a person wants to know of it, one clause. */
  readonly note?: string;
}

export interface StepTools {
  readonly machine: Machine;
  readonly journal: Journal;
  readonly checkpoint: Checkpoint;
  /** Flower serves and OneGate was told: from now on the ready script may succeed. */
  openGate(): void;
  /** It does not serve (any more). */
  closeGate(): void;
  /** Adds to the facts that `status` shows. */
  tell(facts: StatusFacts): void;
  /** Ends the step's waits when another step failed or the agent is asked to stop. */
  readonly signal: AbortSignal;
  /** This step succeeded before with the same inputs: verify, do not redo. */
  readonly unchanged: boolean;
  /** Says what is waited for, until `undefined` ends the wait. */
  wait(wait: Wait | undefined): void;
  /** Worth telling, changes nothing. */
  warn(problem: Problem): void;
  /** What was told is not so any more. */
  solved(code: Problem['code']): void;
  /** The boot goes on without something. */
  degrade(problem: Problem): void;
}

export interface Step {
  readonly id: StepId;
  readonly title: string;
  /** Steps that must have succeeded; those that need nothing of each other run side by side. */
  readonly needs: readonly StepId[];
  /** Everything the result depends on, as JSON; a step without it is done at each boot. */
  inputs?(known: Knowledge, machine: Machine): unknown;
  /** What is finished up to here is kept on the disk with this step, and not only at the end of the boot. */
  readonly keeps?: true;
  /** Throws Problem; anything else that escapes is reported as internal_error. */
  run(known: Knowledge, tools: StepTools): Promise<StepResult>;
}

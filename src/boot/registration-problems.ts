// What a SuperNode reports once while it waits for its SuperLink, and takes back: Flower itself only tries again.
import { Problem } from '../core/problem.ts';
import type { StepTools } from './step.ts';

/** Reports once that the SuperLink is of another generation, and that it is so no more: Flower itself only retries. */
export function generationReporter({ warn, solved }: StepTools): (problem: Problem | undefined) => void {
  let reported: string | undefined;
  return (problem) => {
    if (problem?.message === reported) return;
    if (reported !== undefined) solved('flower_generation_differs');
    if (problem !== undefined) warn(problem, 'Flower serves');
    reported = problem?.message;
  };
}

/** Reports once that the clock is off, and that it is right again: Flower itself only retries. */
export function clockChecker({ warn, solved }: StepTools): (detail: string | undefined) => void {
  let reported = false;
  return (detail) => {
    const off = detail !== undefined && /\btimestamps\b/.test(detail);
    if (off && !reported) {
      const doing = 'waiting for the SuperLink to accept this node';
      warn(new Problem('clock_off', { doing, found: detail, expected: 'clocks that agree to within 5 s' }));
    } else if (reported && !off) solved('clock_off');
    reported = off;
  };
}

// A check is data: its name, what it needs, and what it finds on this VM. It changes nothing and prints no secret.

import type { ProblemCode } from '../core/catalogue.ts';
import type { Finding } from '../core/finding.ts';
import { Problem } from '../core/problem.ts';
import { plain } from '../core/text.ts';
import type { VmSnapshot } from './snapshot.ts';

/** `none`: the check does not apply to this VM. */
export type CheckSeverity = 'ok' | 'warning' | 'problem' | 'none';
export type CheckFinding = Finding<CheckSeverity>;

interface Condition {
  readonly after?: Need;
  holds(vm: VmSnapshot): boolean;
  /** The reason not to run a check, for a person. */
  readonly otherwise: string;
}
type Need = 'image' | 'context' | 'boot' | 'plan' | 'onegate';

const CONDITIONS: Readonly<Record<Need, Condition>> = {
  image: { holds: ({ image }) => !(image instanceof Problem), otherwise: 'no image' },
  context: { after: 'image', holds: ({ context }) => !(context instanceof Problem), otherwise: 'no CONTEXT' },
  boot: { after: 'context', holds: ({ status }) => status !== undefined, otherwise: 'no boot yet' },
  plan: { after: 'boot', holds: ({ endpoints }) => endpoints !== undefined, otherwise: 'no launch plan yet' },
  onegate: {
    after: 'context',
    holds: ({ oneGate }) => oneGate !== undefined,
    otherwise: 'no access to OneGate',
  },
};

export interface Check {
  readonly id: string;
  /** Default: the id. */
  readonly title?: string;
  /** Without it the check is skipped. */
  readonly needs?: Need;
  /** Several findings when several things are wrong. Throws Problem: then that is the finding. */
  run(vm: VmSnapshot): Promise<readonly CheckFinding[]> | readonly CheckFinding[];
}

export interface Result {
  readonly id: string;
  readonly title: string;
  /** The worst of its findings. */
  readonly verdict: CheckSeverity;
  /** All warnings and problems, or one finding if there are none. */
  readonly findings: readonly CheckFinding[];
  /** Why the check did not run. */
  readonly skipped?: string;
}

export const ok = (found: string): CheckFinding => ({ severity: 'ok', found });
export const none = (found: string): CheckFinding => ({ severity: 'none', found });
export const warning = (found: string, remedy: string, code?: ProblemCode): CheckFinding => ({
  severity: 'warning',
  found,
  remedy,
  ...(code === undefined ? {} : { code }),
});
export const problem = (found: string, remedy: string, code?: ProblemCode): CheckFinding => ({
  ...warning(found, remedy, code),
  severity: 'problem',
});

/** A Problem, and each found with it. Only a warning stays one. */
export const fromProblem = (thrown: Problem): CheckFinding[] =>
  thrown.all.map(({ code, severity, facts, remedy }) => ({
    ...problem(`${facts.doing}: ${facts.found}`, remedy, code),
    ...(severity === 'warning' ? { severity } : {}),
  }));

const WITHIN_MS = 5_000;

/** Runs all checks at the same time. A check that hangs or throws does not affect the others. */
export const examine = (checks: readonly Check[], vm: VmSnapshot): Promise<Result[]> =>
  Promise.all(
    checks.map(async ({ id, title = id, needs, run }): Promise<Result> => {
      const skipped = needs && unmet(needs, vm);
      if (skipped !== undefined)
        return { id, title, verdict: 'none', findings: [none(`not checked: ${skipped}`)], skipped };
      const findings = await withinTime(run, vm);
      const failures = findings.filter(({ severity }) => severity === 'problem' || severity === 'warning');
      if (failures.length > 0) {
        const verdict = failures.some(({ severity }) => severity === 'problem') ? 'problem' : 'warning';
        return { id, title, verdict, findings: failures };
      }
      const verdict = findings.some(({ severity }) => severity === 'ok') ? 'ok' : 'none';
      const found = findings.filter(({ severity }) => severity === verdict).map((one) => one.found);
      return { id, title, verdict, findings: [{ severity: verdict, found: found.join('; ') }] };
    }),
  );

function unmet(need: Need, vm: VmSnapshot): string | undefined {
  const { after, holds, otherwise } = CONDITIONS[need];
  return (after && unmet(after, vm)) ?? (holds(vm) ? undefined : otherwise);
}

async function withinTime(run: Check['run'], vm: VmSnapshot): Promise<readonly CheckFinding[]> {
  const over = new AbortController();
  const late = vm.machine.clock
    .sleep(WITHIN_MS, over.signal)
    .then(() => [warning(`no answer within ${WITHIN_MS / 1_000} s`, 'try again; the machine may be busy')]);
  try {
    return await Promise.race([Promise.resolve().then(() => run(vm)), late]);
  } catch (error) {
    if (error instanceof Problem) return fromProblem(error);
    return [
      problem(`the check failed: ${plain((error as Error).message)}`, 'report this defect', 'internal_error'),
    ];
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}

// A check is data: what it is called, and how it looks at the machine. It changes nothing and never shows a secret.
import type { ProblemCode } from '../core/catalogue.ts';
import { Problem } from '../core/problem.ts';
import type { VmSnapshot } from './snapshot.ts';

/** `none`: there is nothing to look at here, and that is as it should be. */
export type Verdict = 'ok' | 'warning' | 'problem' | 'none';

export interface Finding {
  readonly verdict: Verdict;
  /** One clause for a person. */
  readonly found: string;
  readonly remedy?: string;
  /** For `flower-context explain`. */
  readonly code?: ProblemCode;
}

export interface Check {
  readonly id: string;
  readonly title: string;
  /** Several findings when several things are wrong. Throws Problem: then that is what is wrong. */
  run(scene: VmSnapshot): Promise<readonly Finding[]> | readonly Finding[];
}

export interface Result {
  readonly id: string;
  readonly title: string;
  /** The worst of its findings. */
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}

export const ok = (found: string): Finding => ({ verdict: 'ok', found });
export const none = (found: string): Finding => ({ verdict: 'none', found });
export const warning = (found: string, remedy: string, code?: ProblemCode): Finding => ({
  verdict: 'warning',
  found,
  remedy,
  ...(code === undefined ? {} : { code }),
});
export const wrong = (found: string, remedy: string, code?: ProblemCode): Finding => ({
  ...warning(found, remedy, code),
  verdict: 'problem',
});

/** Each problem that was thrown together as a finding; kinds that do not end a boot are warnings. */
export const fromProblem = (problem: Problem): Finding[] =>
  problem.all.map(({ code, severity, facts, remedy }) => ({
    verdict: severity === 'warning' ? 'warning' : 'problem',
    found: `${facts.doing}: ${facts.found}`,
    remedy,
    code,
  }));

const WITHIN_MS = 5_000;
const WORST: readonly Verdict[] = ['problem', 'warning', 'ok', 'none'];

/** Runs all checks side by side; none can hold the others up, or end them. */
export const examine = (checks: readonly Check[], scene: VmSnapshot): Promise<Result[]> =>
  Promise.all(
    checks.map(async (check) => {
      const findings = await withinTime(check, scene);
      const verdict = WORST.find((one) => findings.some((finding) => finding.verdict === one)) ?? 'none';
      return { id: check.id, title: check.title, verdict, findings };
    }),
  );

async function withinTime(check: Check, scene: VmSnapshot): Promise<readonly Finding[]> {
  const over = new AbortController();
  const late = scene.machine.clock
    .sleep(WITHIN_MS, over.signal)
    .then(() => [
      warning(`not known: no answer within ${WITHIN_MS / 1_000} s`, 'try again; the machine may be busy'),
    ]);
  try {
    return await Promise.race([Promise.resolve().then(() => check.run(scene)), late]);
  } catch (error) {
    if (error instanceof Problem) return fromProblem(error);
    return [wrong(`the check itself failed: ${(error as Error).message}`, 'report it', 'internal_error')];
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}

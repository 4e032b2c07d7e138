// The summary of a long run: seconds and counts by part, the slowest test files, and tests that passed only on a retry.
import type { PartResult } from './part.ts';
import { type Count, plain } from './report.ts';

/** With more tests that pass only on a retry the run has failed: a suite that needs retries proves little. */
const RETRIES_ALLOWED = 3;
const SLOWEST = 10;

const row = (cells: readonly (string | number)[]): string =>
  cells
    .map((cell, index) => (index === 0 ? String(cell).padEnd(24) : String(cell).padStart(9)))
    .join(' ')
    .trimEnd();

export interface Summary {
  readonly lines: readonly string[];
  readonly count: Count;
}

export function summary(parts: readonly PartResult[], seconds: number): Summary {
  const files = parts.flatMap((part) => part.files);
  const retried = files.flatMap((file) => file.retried.map((name) => `${file.file}: ${name}`));
  const failures = files.flatMap(({ file, failures, done }) => [
    ...failures.map((name) => `${file}: ${name}`),
    ...(done ? [] : [`${file}: not finished`]),
  ]);
  const tooMany = retried.length > RETRIES_ALLOWED;
  const sum = (of: keyof Count): number => parts.reduce((all, { count }) => all + count[of], 0);
  const count = { passed: sum('passed'), failed: sum('failed') + Number(tooMany), skipped: sum('skipped') };
  const slowest = files.toSorted((one, other) => other.seconds - one.seconds).slice(0, SLOWEST);
  const lines = [
    '',
    row(['part', 'seconds', 'passed', 'failed', 'skipped']),
    ...parts.map(({ name, seconds, count }) =>
      row([name, seconds, count.passed, count.failed, count.skipped]),
    ),
    row(['all', Math.round(seconds), count.passed, count.failed, count.skipped]),
    '',
    'slowest test files',
    ...slowest.map(({ file, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${file}`),
    '',
    `passed only on a retry: ${retried.length}${tooMany ? `, more than ${RETRIES_ALLOWED}: the run has failed` : ''}`,
    ...retried.map((name) => `  ${name}`),
    ...parts.flatMap(({ name, fault }) => (fault === undefined ? [] : [`${name}: ${fault}`])),
    ...(failures.length > 0 ? ['', 'failed', ...failures.map((name) => `  ${name}`)] : []),
    '',
  ];
  return { lines, count };
}

/** Prints a summary, the plain count last. @returns the exit status */
export function conclude({ lines, count }: Summary): number {
  console.log(`${lines.join('\n')}\n${plain(count)}`);
  return count.failed === 0 ? 0 : 1;
}

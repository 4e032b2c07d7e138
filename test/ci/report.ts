// The report of one run of vitest, written during the run: a run that is killed still reports which tests are missing.
import { existsSync, readFileSync } from 'node:fs';

export interface FileReport {
  readonly file: string;
  readonly project: string;
  seconds: number;
  passed: number;
  failed: number;
  skipped: number;
  /** Number of tests in the file; 0 until it is loaded. */
  tests: number;
  done: boolean;
  /** Full names of tests that passed only on a retry. */
  readonly retried: string[];
  readonly failures: string[];
}

export interface RunReport {
  readonly load: number;
  /** Errors outside of any test. */
  errors: number;
  readonly files: FileReport[];
}

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** An unfinished file counts as failed with each test without a result, and with one failure at least. */
const missing = ({ done, tests, passed, failed, skipped }: FileReport): number =>
  done ? 0 : Math.max(1, tests - passed - failed - skipped);

export function countOf({ errors, files }: RunReport): Count {
  const sum = (of: (file: FileReport) => number): number => files.reduce((all, file) => all + of(file), 0);
  return {
    passed: sum(({ passed }) => passed),
    failed: errors + sum((file) => file.failed + missing(file)),
    skipped: sum(({ skipped }) => skipped),
  };
}

/** `12 passed, 0 failed`, and `, 1 skipped` if tests were skipped. */
export const plain = ({ passed, failed, skipped }: Count): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** @returns undefined if the run ended before it wrote one */
export const readReport = (path: string): RunReport | undefined =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RunReport) : undefined;

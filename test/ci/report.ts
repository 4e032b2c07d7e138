// The report of one run of vitest, written during the run: a run that is killed still reports which tests are missing.
import { existsSync, readFileSync } from 'node:fs';

export interface FileReport {
  readonly file: string;
  readonly project: string;
  seconds: number;
  passed: number;
  failed: number;
  skipped: number;
  /** Tests that the file has; 0 until it was loaded. */
  tests: number;
  done: boolean;
  /** Full names of tests that failed at first and then passed. */
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

/** A file that never came to its end counts as failed with every test that is not known to have passed, or as one. */
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

/** `12 passed, 0 failed`, with `, 1 skipped` when some were. */
export const plain = ({ passed, failed, skipped }: Count): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** @returns undefined when the run did not get as far as writing one */
export const readReport = (path: string): RunReport | undefined =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RunReport) : undefined;

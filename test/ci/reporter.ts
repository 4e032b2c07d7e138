// vitest's reporter for CI and `make test-all`: the last line is `12 passed, 0 failed`, and the file $REPORT has the same by test
// file, also during the run.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { Reporter, TestCase, TestModule, TestSpecification } from 'vitest/node';
import { measuredLoad } from '../support/load.ts';
import { countOf, type FileReport, plain, type RunReport } from './report.ts';

const WRITE_AFTER_MS = 300;

export default class CiReporter implements Reporter {
  readonly #report: RunReport = { load: measuredLoad(), errors: 0, files: [] };
  readonly #path = process.env.REPORT;
  #later: NodeJS.Timeout | undefined;

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    for (const { moduleId, project } of specifications) this.#file(moduleId, project.name);
    this.#write();
  }

  onTestModuleCollected(module: TestModule): void {
    this.#of(module).tests = [...module.children.allTests()].length;
    this.#write();
  }

  onTestCaseResult(test: TestCase): void {
    const file = this.#of(test.module);
    const { state } = test.result();
    if (state === 'passed') file.passed++;
    if (state === 'failed') {
      file.failed++;
      file.failures.push(test.fullName);
    }
    if (state === 'skipped') file.skipped++;
    if (state === 'passed' && (test.diagnostic()?.retryCount ?? 0) > 0) file.retried.push(test.fullName);
    // Whoever ends this run in the middle of a file finds what was known a moment before.
    this.#later ??= setTimeout(() => this.#write(), WRITE_AFTER_MS).unref();
  }

  onTestModuleEnd(module: TestModule): void {
    const file = this.#of(module);
    const { duration, collectDuration, setupDuration } = module.diagnostic();
    file.seconds = Math.round((duration + collectDuration + setupDuration) / 100) / 10;
    file.done = true;
    file.skipped = Math.max(file.skipped, file.tests - file.passed - file.failed);
    // A file that could not be loaded, or whose hooks failed, is a failure although no test of it says so.
    if (module.state() === 'failed' && file.failed === 0) {
      file.failed = 1;
      file.failures.push('the file itself');
    }
    this.#write();
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    this.#report.errors = unhandled.length;
    this.#write();
    // After every other reporter's summary, which the default one prints in the same event.
    process.once('exit', () => process.stdout.write(`${plain(countOf(this.#report))}\n`));
  }

  #of(module: TestModule): FileReport {
    return this.#file(module.moduleId, module.project.name);
  }

  #file(moduleId: string, project: string): FileReport {
    const file = relative(process.cwd(), moduleId);
    const known = this.#report.files.find((one) => one.file === file && one.project === project);
    if (known !== undefined) return known;
    const made: FileReport = {
      file,
      project,
      seconds: 0,
      passed: 0,
      failed: 0,
      skipped: 0,
      tests: 0,
      done: false,
      retried: [],
      failures: [],
    };
    this.#report.files.push(made);
    return made;
  }

  #write(): void {
    if (this.#path === undefined) return;
    clearTimeout(this.#later);
    this.#later = undefined;
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(`${this.#path}.new`, JSON.stringify(this.#report));
    renameSync(`${this.#path}.new`, this.#path);
  }
}

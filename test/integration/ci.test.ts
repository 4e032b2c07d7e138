// What CI counts: runs of vitest that fail, that need retries, that never end, and commands that are no tests at all.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type PartResult, runPart } from '../ci/part.ts';
import type { FileReport } from '../ci/report.ts';
import { summary } from '../ci/table.ts';
import { patience } from '../support/load.ts';
import { temporaryFolder } from '../support/zone/test-zone.ts';
import { NODE, REPOSITORY } from '../support/zone/vm.ts';

const VITEST = join(REPOSITORY, 'node_modules/vitest/vitest.mjs');
const part = (command: string) => ({ name: 'tried', what: '', command, minutes: 1 });

/** Runs a suite of these test files with CI's reporter. */
async function suite(files: Readonly<Record<string, string>>, deadlineMs?: number): Promise<PartResult> {
  // Below the repository, or its `vitest` would not be found.
  const folder = join(REPOSITORY, '.cache/ci-test', `${process.pid}-${Object.keys(files).join('-')}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, name), `import { expect, test } from 'vitest';\n${text}\n`);
  const config = join(folder, 'vitest.config.mjs');
  const reporter = join(REPOSITORY, 'test/ci/reporter.ts');
  writeFileSync(
    config,
    `export default { test: { root: ${JSON.stringify(folder)}, include: ['*.test.ts'], retry: 1, testTimeout: 600_000, reporters: [${JSON.stringify(reporter)}] } };`,
  );
  return runPart(part(`cd ${folder} && exec ${NODE} ${VITEST} run --config ${config}`), {
    folder: temporaryFolder(),
    shown: false,
    ...(deadlineMs !== undefined && { deadline: Date.now() + deadlineMs }),
  });
}

const PASSES = "test('passes', () => {});";
const ONCE = "let tries = 0;\ntest('passes the second time', () => expect(tries++).toBe(1));";

describe('a part of CI', () => {
  test('counts its tests, and names those that failed and those that needed a retry', async () => {
    const result = await suite({
      'good.test.ts': `${PASSES}\n${ONCE}\ntest.skip('later', () => {});`,
      'bad.test.ts': "test('fails', () => expect(1).toBe(2));",
      'broken.test.ts': "throw new Error('cannot be loaded');",
    });
    expect(result.count).toEqual({ passed: 2, failed: 2, skipped: 1 });
    const named = (pick: (file: FileReport) => readonly string[]) => result.files.flatMap(pick).toSorted();
    expect(named(({ failures }) => failures)).toEqual(['fails', 'the file itself']);
    expect(named(({ retried }) => retried)).toEqual(['passes the second time']);
  });

  test('that its deadline ends counts unfinished tests as failed', async () => {
    const result = await suite(
      { 'hangs.test.ts': `${PASSES}\ntest('one', () => new Promise(() => {}));\ntest('two', () => {});` },
      patience(6_000),
    );
    expect(result.fault).toBe('not finished in time');
    expect(result.count.failed).toBe(2);
    expect(result.count.passed).toBe(1);
  });

  test('that is not a test has passed with status 0, and has failed otherwise', async () => {
    const run = (command: string) => runPart(part(command), { folder: temporaryFolder(), shown: false });
    expect((await run('echo done')).count).toEqual({ passed: 1, failed: 0, skipped: 0 });
    expect((await run('exit 3')).count).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect((await run("echo '7 passed, 0 failed'; exit 1")).count).toEqual({
      passed: 7,
      failed: 1,
      skipped: 0,
    });
    expect((await run("echo '7 passed, 2 failed, 1 skipped'; exit 1")).count).toEqual({
      passed: 7,
      failed: 2,
      skipped: 1,
    });
  });

  test('that begins after the deadline is not run, and counts as failed', async () => {
    const late = { folder: temporaryFolder(), shown: false, deadline: Date.now() - 1 };
    expect((await runPart(part('true'), late)).count.failed).toBe(1);
  });
});

describe('the summary', () => {
  const file = (retried: readonly string[]): FileReport => ({
    file: 'a.test.ts',
    project: 'unit',
    seconds: 1,
    passed: 5,
    failed: 0,
    skipped: 0,
    tests: 5,
    done: true,
    retried: [...retried],
    failures: [],
  });
  const of = (retried: readonly string[]) =>
    summary(
      [{ name: 'test', seconds: 3, count: { passed: 5, failed: 0, skipped: 0 }, files: [file(retried)] }],
      3,
    );

  test('names tests that passed only on a retry; more than three of them are a failure', () => {
    const three = of(['one', 'two', 'three']);
    expect(three.count.failed).toBe(0);
    expect(three.lines).toContain('  a.test.ts: two');
    const four = of(['one', 'two', 'three', 'four']);
    expect(four.count.failed).toBe(1);
    expect(four.lines.join('\n')).toContain('more than 3: the run has failed');
  });

  test('has the seconds of each part and the slowest files', () => {
    const { lines } = of([]);
    expect(lines.join('\n')).toMatch(/^test +3 +5 +0 +0$/m);
    expect(lines.join('\n')).toMatch(/1\.0 s {2}a\.test\.ts/);
  });
});

// `make test-faults`: in a copy of the working tree each fault of faults.ts is put into the code, and the tests named beside it
// are run. ONLY=text: only faults whose name holds it.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { plain } from '../ci/report.ts';
import { FAULTS, type Fault } from './faults.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'faults-'));

function copyTree(): void {
  const args = ['-C', REPOSITORY, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  for (const name of execFileSync('git', args, { encoding: 'utf8' }).split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(join(REPOSITORY, name), join(folder, name), { verbatimSymlinks: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, '.cache'));
  symlinkSync(join(REPOSITORY, '.cache/envs'), join(folder, '.cache/envs'));
}

const node = (...args: string[]) =>
  spawnSync(join(REPOSITORY, 'node_modules/.bin/node'), args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, CI: '', REPORT: '' },
  });

/** @returns why the fault was not caught; undefined when a test failed because of it */
function missed({ file, find, put, tests }: Fault): string | undefined {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(find).length !== 2)
    return `its text is ${text.includes(find) ? 'more than once' : 'not'} in ${file}`;
  writeFileSync(
    path,
    text.replace(find, () => put),
  );
  try {
    for (const args of [[], ['test']]) {
      const built = node('build.mjs', ...args);
      if (built.status !== 0) return `the agent cannot be built with it: ${built.stderr}`;
    }
    const ran = node('node_modules/vitest/vitest.mjs', 'run', '--bail', '1', ...tests);
    if (ran.status === 0) return `all tests of ${tests.join(', ')} passed`;
    const failed = / FAIL .*/.exec(ran.stdout + ran.stderr)?.[0];
    return failed === undefined ? `no test ran: ${(ran.stdout + ran.stderr).slice(-500)}` : undefined;
  } finally {
    writeFileSync(path, text);
  }
}

const count = { passed: 0, failed: 0, skipped: 0 };
try {
  copyTree();
  for (const fault of FAULTS.filter(({ name }) => name.includes(process.env.ONLY ?? ''))) {
    const began = performance.now();
    const why = missed(fault);
    count[why === undefined ? 'passed' : 'failed']++;
    const seconds = Math.round((performance.now() - began) / 1000);
    console.log(
      `${why === undefined ? 'caught' : 'MISSED'}  ${String(seconds).padStart(3)} s  ${fault.name}`,
    );
    if (why !== undefined) console.log(`        ${why}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
console.log(plain(count));
process.exitCode = count.failed === 0 ? 0 : 1;

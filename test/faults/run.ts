// `make test-faults`: in a copy of the working tree each fault of faults.ts is put into the code, and the tests named beside it
// are run. ONLY=text: only faults whose name holds it.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { plain } from '../ci/report.ts';
import { patience } from '../support/load.ts';
import { FAULTS, type Fault } from './faults.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
/** On a quiet machine; a test that hangs because of a fault is no proof, and ends here. */
const LIMIT_MS = 300_000;
const folder = mkdtempSync(join(tmpdir(), 'faults-'));

function copyTree(): void {
  const copy = 'git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$1"';
  execFileSync('sh', ['-c', copy, 'copy', folder], { cwd: REPOSITORY });
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, '.cache'));
  symlinkSync(join(REPOSITORY, '.cache/envs'), join(folder, '.cache/envs'));
}

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program of Node.js in the copy. To a file: a pipe would stay open as long as anything that a failed test left does. */
function node(...args: string[]): Ended {
  const log = join(folder, 'output.log');
  const to = openSync(log, 'w');
  const { status } = spawnSync(join(REPOSITORY, 'node_modules/.bin/node'), args, {
    cwd: folder,
    stdio: ['ignore', to, to],
    env: { ...process.env, CI: '', REPORT: '' },
    timeout: patience(LIMIT_MS),
    killSignal: 'SIGKILL',
  });
  closeSync(to);
  return { status, output: readFileSync(log, 'utf8') };
}

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
      if (built.status !== 0) return `the agent cannot be built with it: ${built.output.slice(-500)}`;
    }
    const ran = node('node_modules/vitest/vitest.mjs', 'run', ...tests);
    if (ran.status === 0) return `all tests of ${tests.join(', ')} passed`;
    return / FAIL /.test(ran.output) ? undefined : `no test failed: ${ran.output.slice(-500)}`;
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

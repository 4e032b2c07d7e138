// `make test-all`: all that takes too long for CI, in parts. A part that has passed with the same content of the working tree is
// not run again, so an interrupted run resumes.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PartResult, runPart } from './part.ts';
import { ALL_PARTS } from './parts.ts';
import { conclude, summary } from './table.ts';

const FOLDER = '.cache/test-all';

/** Git's hash of the content of the working tree, committed or not. */
function stateOfTree(): string {
  const index = join(FOLDER, 'index');
  rmSync(index, { force: true });
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', env: { ...process.env, GIT_INDEX_FILE: index } }).trim();
  git('add', '--all');
  return git('write-tree');
}

interface Remembered {
  readonly tree: string;
  readonly result: PartResult;
}

const memory = (name: string): string => join(FOLDER, `${name}.result.json`);

function remembered(name: string, tree: string): PartResult | undefined {
  if (!existsSync(memory(name))) return undefined;
  const { tree: then, result } = JSON.parse(readFileSync(memory(name), 'utf8')) as Remembered;
  return then === tree && result.count.failed === 0 ? result : undefined;
}

const { PARTS = '', LIST, FRESH } = process.env;
const names = PARTS.split(/[\s,]+/).filter(Boolean);
const unknown = names.filter((name) => !ALL_PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(
    `test-all: no part ${unknown.join(', ')}; the parts are ${ALL_PARTS.map(({ name }) => name).join(', ')}`,
  );
  process.exit(64);
}
const wanted = ALL_PARTS.filter(({ name }) => names.length === 0 || names.includes(name));

if (LIST !== undefined) {
  for (const { name, what, minutes } of wanted)
    console.log(`${name.padEnd(16)} ${String(minutes).padStart(4)} min  ${what}`);
  console.log(
    `${'all'.padEnd(16)} ${String(wanted.reduce((sum, { minutes }) => sum + minutes, 0)).padStart(4)} min`,
  );
  process.exit(0);
}

mkdirSync(FOLDER, { recursive: true });
const tree = stateOfTree();
const results: PartResult[] = [];
for (const part of wanted) {
  const before = FRESH === undefined ? remembered(part.name, tree) : undefined;
  if (before !== undefined) {
    console.log(`${part.name}: has already passed with this working tree`);
    results.push(before);
    continue;
  }
  console.log(`\n=== ${part.name} (about ${part.minutes} min): ${part.what}\n`);
  const result = await runPart(part, { folder: FOLDER });
  writeFileSync(memory(part.name), JSON.stringify({ tree, result } satisfies Remembered));
  results.push(result);
}
process.exitCode = conclude(
  summary(
    results,
    results.reduce((sum, { seconds }) => sum + seconds, 0),
  ),
);

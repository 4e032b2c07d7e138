// What comes from outside the process besides replies and certificates - files of any kind, the output of programs, what a
// server says - and the exits by which texts leave.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { Checkpoint } from '../../src/boot/checkpoint.ts';
import { runIdIn, runStateIn } from '../../src/cli/submission.ts';
import { terminalText } from '../../src/cli/terminal.ts';
import { formatGuarded, formatJson } from '../../src/core/json.ts';
import { Problem } from '../../src/core/problem.ts';
import { textLines } from '../../src/core/text.ts';
import { judge } from '../../src/flower/probe.ts';
import { realMachine, userIds } from '../../src/host/machine.ts';
import { statusLine } from '../../src/host/notify.ts';
import { type Expected, readBytes, UnfitFile } from '../../src/host/read.ts';
import { readUnitState } from '../../src/host/systemd.ts';
import { openJournal } from '../../src/report/journal.ts';
import { problemLines, statusProblem } from '../../src/report/status.ts';
import { arePlainLines, foreignText, isPlain } from '../support/foreign-texts.ts';
import { must, type Target, target } from './target.ts';
import { damaged, noise, reshaped } from './texts.ts';

/** A folder of this run; a case removes what it has made. */
const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'etc'));
const linked = join(folder, 'linked');
writeFileSync(linked, 'x', { mode: 0o600 });

const exits = target('the exits', 1, fc.tuple(foreignText, foreignText), ([one, two]) => {
  const status = statusLine(one);
  must(isPlain(status) && [...status].length <= 500, 'a status of systemd is one assignment');
  const cause = new Error(two);
  const problem = new Problem('flower_start_failed', {
    doing: one,
    found: `${one}\n${two}`,
    example: two,
    cause,
  });
  const shown = problemLines(statusProblem(problem)).join('\n');
  for (const format of ['text', 'json'] as const) {
    let all = '';
    const journal = openJournal((line) => (all += line), true);
    journal.configure({ level: 'DEBUG', format });
    journal.warn(one, { two });
    journal.problem(problem);
    const lines = all.split('\n').slice(0, -1);
    must(
      lines.every((line) => /^<[34]>/.test(line) && isPlain(line)),
      'each line of the journal has our priority',
    );
  }
  for (const text of [one, shown]) must(arePlainLines(terminalText(text, 'stdout')), 'a terminal gets text');
  const value = { one, list: [two] };
  must(arePlainLines(formatGuarded(value, 1)), 'a file for people has plain texts');
  must(JSON.stringify(JSON.parse(formatJson(value))) === JSON.stringify(value), 'JSON keeps its value');
  must(isPlain(formatJson(value)), 'JSON shows nothing invisible');
});

const probes = target(
  'what a Fleet API says',
  6,
  fc.tuple(
    fc.integer({ min: -1, max: 20 }),
    fc.oneof(
      foreignText,
      damaged(
        ['No connection established. Last error: read ECONNRESET. Resolution note: x'],
        ['\n', 'Last error: ', ' Resolution note'],
      ),
    ),
    fc.boolean(),
  ),
  ([code, details, plaintext]) => {
    const answer = judge({ code, details, ms: 1.5 }, plaintext);
    must(answer.ok || (isPlain(answer.reason) && answer.reason.length < 700), 'its reason is a short clause');
    must(!answer.ok || code === 16, 'only a refusal without credentials is an answer of a Fleet API');
  },
);

const SHOWN =
  'ActiveState=active\nSubState=running\nResult=success\nExecMainStatus=0\nMainPID=71\nNRestarts=0\nExecMainCode=2\nExecMainExitTimestampMonotonic=9000000\nWatchdogTimestampMonotonic=1\nWatchdogUSec=2min\n';
const programs = target(
  'the output of programs',
  6,
  fc.oneof(damaged([SHOWN], ['=', '\n', '-1', '1e9', 'NaN', ' ', '\u001b[2J']), foreignText),
  (output) => {
    const { active, sub, result, ending, exitStatus, pid, restarts, startedAt, endedAt } =
      readUnitState(output);
    must(isPlain(ending), 'an ending is plain');
    for (const date of [startedAt, endedAt]) date?.toISOString();
    for (const word of [active, sub, result])
      must(isPlain(word) && word !== '' && word.length <= 80, 'a state is a word');
    for (const number of [exitStatus, pid, restarts])
      must(Number.isSafeInteger(number) && number >= 0, 'a number is a natural one');
    must(
      textLines(output).every((line) => isPlain(line) && line !== '' && [...line].length <= 300),
      'a last line is plain',
    );
    must(/^\d*$/.test(runIdIn(output) ?? ''), 'the id of a run is a number');
    const run = runStateIn(output, '7');
    must(run === undefined || isPlain(run.status + run['status-details']), 'the state of a run is plain');
  },
);

const RUNS = { runs: [{ 'run-id': '7', status: 'finished:failed', 'status-details': 'x', elapsed: 1.5 }] };
const runs = target('a list of runs', 4, reshaped([RUNS]), (document) => {
  const run = runStateIn(`note\n${JSON.stringify(document)}`, '7');
  must(run === undefined || isPlain(run.status + run['status-details']), 'the state of a run is plain');
});

const machine = realMachine(folder);
const PASSWD =
  'root:x:0:0:root:/root:/bin/bash\nwww:x:33:33::/:/bin/false\nflower:x:989:988:Flower:/nonexistent:/bin/false\n';
const passwd = target(
  'passwd files',
  1,
  fc.oneof(damaged([PASSWD], [':', '\n', '0', 'flower', 'x', '4294967295', '-']), noise),
  (text) => {
    writeFileSync(machine.paths.passwd, text);
    const { uid, gid } = userIds(machine, 'flower');
    must(uid > 0 && gid > 0 && uid < 4_294_967_295 && gid < 4_294_967_295, 'Flower never runs as root');
    const owners = text
      .split('\n')
      .map((line) => line.split(':'))
      .filter(([, , id]) => id !== '' && Number(id) === uid);
    must(owners.length === 1, 'its uid belongs to nobody else');
  },
);

const CHECKPOINT = {
  version: 1,
  steps: { validate: { fingerprint: 'ab', at: '2026-11-21T06:00:00.000Z' } },
  partition: { id: 0, of: 2, vmId: 3, members: '2 3', byRank: true },
};
const checkpoints = target(
  'checkpoints',
  1,
  fc.oneof(
    reshaped([CHECKPOINT]).map((document) => JSON.stringify(document) ?? ''),
    damaged([JSON.stringify(CHECKPOINT)], ['{', '}', '"__proto__"', ',', '1e999', '\\u0000']),
    noise,
  ),
  (text) => {
    const path = join(folder, 'checkpoint.json');
    writeFileSync(path, text, { mode: 0o600 });
    const checkpoint = new Checkpoint(path, new Date(0));
    if (checkpoint.damage !== undefined) rmSync(`${path}.damaged-1970-01-01T000000.000Z`);
    const { partition } = checkpoint;
    must(partition === undefined || (partition.id >= 0 && partition.of >= 1), 'a partition has numbers');
    must(
      typeof checkpoint.has('validate', 1) === 'boolean' && !checkpoint.has('constructor', 1),
      'a step is done or not',
    );
  },
);

type Made =
  | { readonly kind: 'file' | 'sparse'; readonly size: number; readonly mode: number }
  | { readonly kind: 'directory' | 'link' | 'nothing' };
const made: fc.Arbitrary<Made> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('file' as const, 'sparse' as const),
    size: fc.nat(5_000),
    mode: fc.constantFrom(0o600, 0o644, 0o664, 0o666, 0o602),
  }),
  fc.record({ kind: fc.constantFrom('directory' as const, 'link' as const, 'nothing' as const) }),
);
const expectations: fc.Arbitrary<Expected> = fc.record(
  { most: fc.nat(5_000), owner: fc.constantFrom('own' as const, process.getuid!(), 61_234) },
  { requiredKeys: ['most'] },
);

const files = target('kinds of files', 1, fc.tuple(made, expectations), ([what, expected]) => {
  const path = join(folder, 'read');
  rmSync(path, { recursive: true, force: true });
  if (what.kind === 'directory') mkdirSync(path);
  else if (what.kind === 'link') symlinkSync(linked, path);
  else if ('size' in what) {
    writeFileSync(path, what.kind === 'file' ? 'x'.repeat(what.size) : '');
    truncateSync(path, what.size);
    chmodSync(path, what.mode);
  }
  const fits =
    'size' in what &&
    what.size <= expected.most! &&
    expected.owner !== 61_234 &&
    (expected.owner !== 'own' || (what.mode & 0o022) === 0);
  try {
    const bytes = readBytes(path, expected);
    must(
      what.kind === 'nothing' ? bytes === undefined : fits && bytes?.length === what.size,
      'only what fits is read',
    );
  } catch (error) {
    // A Problem of the operating system would count as a refusal.
    if (!(error instanceof UnfitFile)) throw new Error('not refused by its kind', { cause: error });
    must(!fits && what.kind !== 'nothing', 'what fits is read');
  }
});

export const outside: readonly Target[] = [exits, probes, programs, runs, passwd, checkpoints, files];

// The answer to the ready script counts only for the CONTEXT that is on the disk.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answerOf } from '../../../src/cli/ready.ts';
import { type Machine, realMachine, sha256 } from '../../../src/host/machine.ts';
import type { Status } from '../../../src/report/status.ts';

const CONTEXT = "A='1'\n";
let folder: string;
let machine: Machine;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ready-'));
  machine = realMachine(folder);
  const [path] = machine.paths.contextFiles;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, CONTEXT);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const status = (phase: Status['phase'], serving: boolean, context?: string): Status => ({
  version: 1,
  role: 'superlink',
  phase,
  serving,
  boot: 'first',
  pid: 1,
  started_at: '',
  updated_at: '',
  waiting: null,
  steps: [],
  problems: [],
  facts: context === undefined ? {} : { context: sha256(context) },
});

test.each([
  ['serves', status('ready', true, CONTEXT)],
  ['serves', status('booting', true, CONTEXT)],
  ['serves', status('failed', true, CONTEXT)],
  ['failed', status('failed', false, CONTEXT)],
  [undefined, status('booting', false, CONTEXT)],
  [undefined, status('ready', false, CONTEXT)],
])('%s: %j', (answer, one) => expect(answerOf(machine, one)).toBe(answer));

test.each([
  ['pending', undefined],
  ['running', undefined],
  ['kept', 'serves'],
  ['done', 'serves'],
  ['degraded', 'serves'],
] as const)('during a boot in which publishing is %s: %s', (state, answer) => {
  const step = { id: 'publish', title: '', state, at: null, ms: null, note: null };
  expect(answerOf(machine, { ...status('booting', true, CONTEXT), steps: [step] })).toBe(answer);
  expect(answerOf(machine, { ...status('failed', true, CONTEXT), steps: [step] })).toBe('serves');
});

test('a result of another CONTEXT is no answer', () => {
  expect(answerOf(machine, status('ready', true, 'B'))).toBeUndefined();
  expect(answerOf(machine, status('failed', false, 'B'))).toBeUndefined();
});

test('a boot that failed before it read any CONTEXT has failed', () =>
  expect(answerOf(machine, status('failed', false))).toBe('failed'));

test('any answer counts without a CONTEXT', () => {
  rmSync(machine.paths.contextFiles[0]);
  expect(answerOf(machine, status('ready', true, CONTEXT))).toBe('serves');
});

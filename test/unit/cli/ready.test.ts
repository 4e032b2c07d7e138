// The answer to the ready script counts only for the CONTEXT that is on the disk.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verdictNow } from '../../../src/cli/ready.ts';
import { type Machine, realMachine, sha256 } from '../../../src/host/machine.ts';

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

const context = sha256(CONTEXT);

test.each(['serves', 'failed'] as const)('%s is the answer about the CONTEXT on the disk', (verdict) => {
  expect(verdictNow(machine, { verdict, context })).toBe(verdict);
});

test('there is no answer while the agent has none', () => {
  expect(verdictNow(machine, { verdict: null, context })).toBeUndefined();
});

test.each(['serves', 'failed'] as const)('%s is no answer about another CONTEXT', (verdict) => {
  expect(verdictNow(machine, { verdict, context: sha256('B') })).toBeUndefined();
});

test('a boot that failed before it read any CONTEXT has failed', () => {
  expect(verdictNow(machine, { verdict: 'failed', context: null })).toBe('failed');
});

test('any answer counts without a CONTEXT', () => {
  rmSync(machine.paths.contextFiles[0]);
  expect(verdictNow(machine, { verdict: 'serves', context })).toBe('serves');
});

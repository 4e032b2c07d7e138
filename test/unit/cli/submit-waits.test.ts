// What `submit` prints while a run waits, on a clock that the test advances; the answers are Flower's.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Waits } from '../../../src/cli/submit-waits.ts';
import { realHost } from '../../../src/host/host.ts';
import { pathsUnder } from '../../../src/host/paths.ts';
import type { RunResult } from '../../../src/host/process.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const INFO = '\u001b[92mINFO \u001b[0m:      ';
const waiting = (online: number): string =>
  `${INFO}Waiting for nodes to connect: ${online} connected (minimum required: 2).`;

let root: string;
let clock: FakeClock;
let calls: string[];
let runs: { 'run-id': string; status: string }[];
let nodes: { 'node-id': string; status: string }[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'waits-'));
  clock = new FakeClock();
  calls = [];
  runs = [{ 'run-id': '7', status: 'running' }];
  nodes = [{ 'node-id': '1', status: 'online' }];
});
afterEach(() => rmSync(root, { recursive: true }));

function waits(settings: readonly (readonly [string, string])[] = []): Waits {
  const flwr = async (args: readonly string[]): Promise<RunResult> => {
    calls.push(args[0]!);
    const stdout = JSON.stringify(args[0] === 'list' ? { success: true, runs } : { success: true, nodes });
    return { code: 0, signal: null, stdout, stderr: '', timedOut: false };
  };
  return new Waits({ paths: pathsUnder(root), clock, random: () => 0.5, host: realHost }, flwr, settings);
}

test('a wait is printed when it begins, when the number changes, and each minute', async () => {
  const one = waits();
  expect(one.sees(waiting(0), '7')).toBe(true);
  expect(await one.findings()).toEqual(['waiting for SuperNodes: 0 of 2 online']);
  for (let second = 0; second < 59; second++) {
    await clock.advance(1_000);
    expect(one.sees(waiting(0), '7')).toBe(false);
    expect(await one.findings()).toEqual([]);
  }
  await clock.advance(1_000);
  expect(await one.findings()).toEqual(['waiting for SuperNodes: 0 of 2 online']);
  expect(one.sees(waiting(1), '7')).toBe(true);
  expect(await one.findings()).toEqual(['waiting for SuperNodes: 1 of 2 online']);
  expect(one.sees(`${INFO}configure_train: Sampled 2 nodes (out of 2)`, '7')).toBe(true);
  await clock.advance(300_000);
  expect(await one.findings()).toEqual([]);
  expect(calls).toEqual(['supernode', 'supernode', 'supernode']);
});

test('a run that its SuperLink does not start: its state, and the other runs, each minute', async () => {
  runs = [
    { 'run-id': '7', status: 'pending' },
    { 'run-id': '6', status: 'running' },
    { 'run-id': '5', status: 'finished:completed' },
  ];
  const one = waits();
  one.sees('Successfully started run 7', '7');
  await clock.advance(19_000);
  expect(await one.findings()).toEqual([]);
  await clock.advance(1_000);
  expect(await one.findings()).toEqual([
    'run 7 is pending: the SuperLink has not started its ServerApp yet',
    'other active runs: 6',
  ]);
  await clock.advance(59_000);
  expect(await one.findings()).toEqual([]);
  runs.splice(1);
  await clock.advance(1_000);
  expect(await one.findings()).toEqual([
    'run 7 is pending: the SuperLink has not started its ServerApp yet',
    'no other run is active: check `flower-context doctor`',
  ]);
});

test('a run whose log shows no strategy: the SuperNodes that its settings ask for', async () => {
  const one = waits([
    ['min-fit-clients', '2'],
    ['min-available-clients', '3'],
    ['num-server-rounds', '90'],
  ]);
  one.sees(`${INFO}Start \`flwr-serverapp\` process`, '7');
  await clock.advance(20_000);
  expect(await one.findings()).toEqual(['SuperNodes that the settings of the run ask for: 1 of 3 online']);
  await clock.advance(59_000);
  expect(await one.findings()).toEqual([]);
  nodes = [1, 2, 3].map((id) => ({ 'node-id': String(id), status: 'online' }));
  await clock.advance(1_000);
  expect(await one.findings()).toEqual([]);
  expect(calls.length).toBe(4);
});

test('Flower that does not answer: only what its log says', async () => {
  runs = [];
  nodes = [];
  const one = waits([['min-fit-clients', '2']]);
  one.sees('Successfully started run 7', '7');
  await clock.advance(20_000);
  expect(await one.findings()).toEqual([]);
  one.sees(waiting(1), '7');
  expect(await one.findings()).toEqual(['waiting for SuperNodes: 1 of 2 online']);
});

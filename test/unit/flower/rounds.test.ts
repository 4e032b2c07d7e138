// The rounds of a run, read from logs that were recorded on Flower 1.31.0, 1.34.0 and 1.39.0 (test/support/flower-logs).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asksNodes, countsOf, judged, logText, RoundLog, waitingIn } from '../../../src/flower/rounds.ts';

const LOGS = join(import.meta.dirname, '../../support/flower-logs');

function logOf(...lines: readonly string[]): RoundLog {
  const log = new RoundLog();
  for (const line of lines) log.add(line);
  return log;
}

const INFO = '\u001b[92mINFO \u001b[0m:      ';
const info = (...texts: readonly string[]): string[] => texts.map((text) => INFO + text);

describe.each(['1.31.0', '1.34.0', '1.39.0'])('Flower %s', (version) => {
  const lines = (name: string): string[] =>
    readFileSync(join(LOGS, `${version}-${name}.txt`), 'utf8').split('\n');

  test('no node trains', () => {
    const log = logOf(...lines('all-raise'));
    expect(countsOf(log)).toBe('rounds 2: results 0 of 4; evaluation: results 4 of 4');
    expect(judged(log)).toMatchObject({ rounds: 2, asked: 4, results: 0 });
    expect(judged(log)?.firstError).toMatch(/^node \d+: <class 'ValueError'>:<'no data in \/srv\/b'>$/);
  });

  test('one of two nodes trains, and none evaluates', () => {
    const log = logOf(...lines('one-raises'));
    expect(countsOf(log)).toBe('rounds 1: results 1 of 2; evaluation: results 0 of 2');
    expect(log.tally('evaluate')?.firstError).toMatch(/^node \d+: <class 'ValueError'>/);
  });

  test('the strategies of flwr.server', () => {
    const log = logOf(...lines('legacy'));
    expect(countsOf(log)).toBe('rounds 1: results 0 of 2; evaluation: results 2 of 2');
    expect(judged(log)?.firstError).toBeUndefined();
  });

  test('no strategy: no rounds', () => {
    const log = logOf(...lines('no-rounds'));
    expect([countsOf(log), judged(log)]).toEqual([undefined, undefined]);
  });

  test('it waits for nodes', () => {
    const waits = lines('waits').map((line) => waitingIn(logText(line)));
    expect(waits.filter((one) => one !== undefined)).toEqual(Array(2).fill({ online: 2, needed: 3 }));
  });
});

test('a node without a reply is neither a result nor a failure, and is missing', () => {
  const log = logOf(
    ...info(
      '[ROUND 1/2]',
      'configure_train: Sampled 3 nodes (out of 3)',
      'aggregate_train: Received 2 results and 0 failures',
      '[ROUND 2/2]',
      'configure_train: Sampled 3 nodes (out of 3)',
    ),
  );
  expect(countsOf(log)).toBe('rounds 2: results 2 of 6');
  expect(asksNodes(logText(`${INFO}configure_train: Sampled 3 nodes (out of 3)`))).toBe(true);
});

test('a wrapper for differential privacy counts twice, and logs errors before it counts', () => {
  const twice = info(
    'configure_train: Sampled 2 nodes (out of 2)',
    'aggregate_train: Received 2 results and 0 failures',
    'aggregate_train: Received 2 results and 0 failures',
  );
  const errors = info(
    'configure_train: Sampled 2 nodes (out of 2)',
    'Received error in reply from node 7: no data',
    'aggregate_train: Some clients reported errors. Skipping aggregation.',
  );
  const log = logOf(...twice, ...info('[ROUND 2/2]'), ...errors);
  expect(countsOf(log)).toBe('rounds 2: results 2 of 4');
  expect(judged(log)?.firstError).toBe('node 7: no data');
});

test('a strategy that asks the nodes in its own way has one step in each round', () => {
  const round = info('[ROUND 1/2]', 'aggregate_train: Received 2 results and 1 failures');
  expect(countsOf(logOf(...round, ...round))).toBe('rounds 2: results 4 of 6');
});

test('a run that only evaluates is judged by its evaluation', () => {
  const log = logOf(
    ...info(
      'configure_evaluate: Sampled 2 nodes (out of 2)',
      'aggregate_evaluate: Received 0 results and 2 failures',
    ),
  );
  expect(countsOf(log)).toBe('evaluation: results 0 of 2');
  expect(judged(log)?.results).toBe(0);
});

test('lines with a time (FLWR_LOG_LEVEL=DEBUG), and behind a text without a newline', () => {
  const debug = '\u001b[92mINFO 2026-11-30 17:30:44,123\u001b[0m:      ';
  const log = logOf(
    `${debug}configure_train: Sampled 2 nodes (out of 2)`,
    `\r 50%|#####     |${INFO}aggregate_train: Received 1 results and 1 failures`,
    `${debug}\t> Received error in reply from node 7: no data`,
  );
  expect(countsOf(log)).toBe('rounds 1: results 1 of 2');
  expect(judged(log)?.firstError).toBe('node 7: no data');
});

test.each([
  ['a text of the app', 'aggregate_train: Received 5 results and 0 failures'],
  ['a level below', 'print: INFO aggregate_train: Received 5 results and 0 failures'],
  ['a longer line', `${INFO}aggregate_train: Received 5 results and 0 failures, says the app`],
  ['a number of many digits', `${INFO}aggregate_train: Received ${'9'.repeat(40)} results and 0 failures`],
])('%s is no line of a strategy', (_, line) => {
  expect(countsOf(logOf(line))).toBeUndefined();
});

test('an error has no control characters, no secret, and an end', () => {
  const errorOf = (...lines: readonly string[]): string | undefined =>
    judged(logOf(`${INFO}configure_train: Sampled 1 nodes (out of 1)`, ...lines))?.firstError;
  const prefix = `${INFO}\t> Received error in reply from node 7: `;
  expect(errorOf(`${prefix}a\u001b[2Jb\u202ec\u0007`)).toBe('node 7: ab c');
  expect(errorOf(`${prefix}refused by https://me:pw@host/`)).toMatch(/^a value of \d+ characters$/);
  expect(errorOf(`${prefix}one`, 'two', `${INFO}three`, 'four')).toBe('node 7: one two');
  expect(errorOf(`${prefix}one`, ...Array<string>(5_000).fill('two'))!.length).toBeLessThanOrEqual(300);
});

test('a line without an end takes no time', () => {
  const began = performance.now();
  for (const part of [
    'INFO ',
    ' ',
    'INFO :  ',
    '\u001b[',
    `${INFO}\t> Received error in reply from node 7: x`,
  ])
    logOf(`${INFO}configure_train: Sampled 1 nodes (out of 1)`, part.repeat(1_000_000 / part.length));
  expect(performance.now() - began).toBeLessThan(20_000);
});

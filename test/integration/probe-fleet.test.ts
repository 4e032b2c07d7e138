// What a boot learns from the process that calls the Fleet API, with real processes.
import { expect, it } from 'vitest';
import { runProbe } from '../../src/boot/probe-fleet.ts';
import { NO_ANSWER_YET } from '../../src/flower/probe.ts';
import { until } from '../support/zone/process.ts';

const probe = (script: string, limitMs = 60_000, signal = new AbortController().signal) => {
  const reasons: string[] = [];
  const found = runProbe(['sh', '-c', script], { limitMs, signal, onReason: (why) => reasons.push(why) });
  return { found, reasons };
};

const say = (why: string): string => `echo '192.0.2.1:9092${NO_ANSWER_YET}${why}' >&2`;

it('gives each reason while it waits, and nothing when there is an answer', async () => {
  const { found, reasons } = probe(`${say('refused')}; ${say('silent')}; exit 0`);
  expect(await found).toBeUndefined();
  expect(reasons).toEqual(['refused', 'silent']);
});

it('gives the last reason also of a probe that does not end by itself', async () => {
  const { found } = probe(`${say('refused')}; ${say('silent')}; exec sleep 60`, 500);
  expect(await found).toBe('it does not answer as a Fleet API: silent');
});

it.each([
  ['printed something else', 'echo "no such CA" >&2; exit 64', 'no such CA'],
  ['printed nothing', 'exit 3', 'the probe ended without a reason (3)'],
  ['was killed', 'kill -9 $$', 'the probe ended without a reason (SIGKILL)'],
])('says what is known of a probe that %s', async (_, script, expected) => {
  expect(await probe(script).found).toBe(expected);
});

it('throws when it is aborted: an aborted probe says nothing about the Fleet API', async () => {
  const stop = new AbortController();
  const { found, reasons } = probe(`${say('refused')}; exec sleep 60`, 60_000, stop.signal);
  await until('the first reason', () => reasons.length > 0);
  stop.abort(new Error('another CONTEXT'));
  await expect(found).rejects.toThrow('another CONTEXT');
});

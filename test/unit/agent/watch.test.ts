import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keepWatch, type Watch } from '../../../src/agent/watch.ts';
import type { BootOutcome } from '../../../src/boot/boot.ts';
import { Knowledge } from '../../../src/boot/knowledge.ts';
import type { StepId } from '../../../src/boot/step.ts';
import { parseVariables } from '../../../src/config/parse.ts';
import type { ProblemCode } from '../../../src/core/catalogue.ts';
import { Problem } from '../../../src/core/problem.ts';
import { realHost } from '../../../src/host/host.ts';
import { pathsUnder } from '../../../src/host/paths.ts';
import { openJournal } from '../../../src/report/journal.ts';
import { Report } from '../../../src/report/report.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const PLAN = 'a'.repeat(64);
let folder: string;
let clock: FakeClock;
let stop: AbortController;
let watch: Watch;
let report: Report;
let lines: string[];
let chance: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'watch-'));
  clock = new FakeClock();
  stop = new AbortController();
  lines = [];
  chance = 0.5;
  const paths = pathsUnder(folder);
  mkdirSync(paths.run, { recursive: true });
  report = new Report({
    path: paths.status,
    journal: openJournal((line) => lines.push(line), false),
    clock,
    resumed: false,
  });
  const machine = { paths, clock, random: () => chance, host: { ...realHost, collectGarbage: () => {} } };
  watch = keepWatch({ machine, report, signal: stop.signal });
});
afterEach(() => {
  stop.abort();
  watch.end();
  rmSync(folder, { recursive: true, force: true });
});

function linkIs(phase: string, detail = 'all is well', pid = process.pid, plan = PLAN): void {
  const path = pathsUnder(folder).flowerLink;
  mkdirSync(dirname(path), { recursive: true });
  const link = {
    version: 1,
    pid,
    plan,
    phase,
    since: clock.now().toISOString(),
    node_id: '1',
    detail,
  };
  writeFileSync(path, JSON.stringify({ ...link, grpc: { server: [], client: [] } }));
}

function outcome(options: { renewAt?: Date; failure?: [step: StepId, code: ProblemCode] } = {}): BootOutcome {
  const known = new Knowledge();
  const parsed = parseVariables({}, { role: 'supernode', flowerVersion: '1.39.0', framework: 'none' });
  if (!parsed.ok) throw new Error('defaults are good');
  known.set('config', parsed.config);
  known.set('planHash', PLAN);
  known.set('published', true);
  if (options.renewAt !== undefined) known.set('renewAt', options.renewAt);
  const [step, code] = options.failure ?? [];
  const problem = code === undefined ? undefined : new Problem(code, { doing: 'x', found: 'y' });
  return { known, failure: problem === undefined ? undefined : { step, problem } };
}

/** One wait of the watch: lets time pass and tells what has come of it. */
function waitingAfter(last: BootOutcome): (ms: number) => Promise<string | undefined> {
  let result: string | undefined = 'still watching';
  void watch.untilSomethingChanged(last).then((reason) => {
    result = reason;
  });
  return async (ms) => {
    await clock.advance(ms);
    return result;
  };
}

describe('the watch', () => {
  test('asks for nothing while Flower is connected', async () => {
    linkIs('accepted');
    expect(await waitingAfter(outcome())(600_000)).toBe('still watching');
  });

  test('asks for another boot when the link has been lost for 15 seconds, and gives the reason of the loss', async () => {
    linkIs('accepted');
    const pass = waitingAfter(outcome());
    await pass(1_000);
    linkIs('lost', 'the SuperLink shows another certificate');
    expect(await pass(40_000)).toMatch(/^Flower has been away for \d+/);
    expect(lines.join('')).toContain('the SuperLink shows another certificate');
    expect(report.status.serving).toBe(false);
  });

  test('leaves a short loss alone, and says when the link is back', async () => {
    linkIs('lost', 'no answer');
    const pass = waitingAfter(outcome());
    await pass(6_000);
    linkIs('accepted');
    expect(await pass(60_000)).toBe('still watching');
    expect(lines.join('')).toContain('Flower is back after');
    expect(report.status.serving).toBe(true);
  });

  test('takes the last words of a process that is gone for no link', async () => {
    // The largest process id there can be belongs to nobody.
    linkIs('accepted', 'all is well', 4_194_304);
    expect(await waitingAfter(outcome())(40_000)).toMatch(/^Flower has been away/);
  });

  test('takes the link of a Flower with another plan for none', async () => {
    linkIs('accepted', 'all is well', process.pid, 'b'.repeat(64));
    expect(await waitingAfter(outcome())(40_000)).toMatch(/^Flower has been away/);
  });

  test('asks for another boot when the server certificate is due, not before', async () => {
    linkIs('accepted');
    const pass = waitingAfter(outcome({ renewAt: new Date(clock.now().getTime() + 60_000) }));
    expect(await pass(50_000)).toBe('still watching');
    expect(await pass(20_000)).toBe('the server certificate has reached two thirds of its life');
  });

  test('tries again after a failure that may pass, later each time', async () => {
    const failed = outcome({ failure: ['trust', 'ca_mismatch'] });
    expect(await waitingAfter(failed)(16_000)).toBe('the last look failed');
    const pass = waitingAfter(failed);
    expect(await pass(16_000)).toBe('still watching');
    expect(await pass(16_000)).toBe('the last look failed');
  });

  test('tries again somewhere between half of the pause and all of it: nodes that failed together drift apart', async () => {
    const failed = outcome({ failure: ['trust', 'ca_mismatch'] });
    chance = 0;
    expect(await waitingAfter(failed)(10_500)).toBe('the last look failed');
    chance = 0.99;
    const pass = waitingAfter(failed);
    expect(await pass(25_500)).toBe('still watching');
    expect(await pass(5_000)).toBe('the last look failed');
  });

  test('publishes again what OneGate did not store', async () => {
    linkIs('accepted');
    report.problem(new Problem('onegate_unreachable', { doing: 'publishing', found: 'connection refused' }));
    expect(await waitingAfter(outcome())(16_000)).toBe('OneGate has not been told everything yet');
  });

  test('does not try a wrong CONTEXT again before SIGHUP', async () => {
    const pass = waitingAfter(outcome({ failure: ['validate', 'config_validation_failed'] }));
    expect(await pass(600_000)).toBe('still watching');
    process.emit('SIGHUP');
    expect(await pass(10_000)).toBe('told to look at the CONTEXT again');
  });

  test('stops reporting that it serves when Flower dies after a failed boot', async () => {
    linkIs('accepted');
    report.serving(true);
    const pass = waitingAfter(outcome({ failure: ['validate', 'config_validation_failed'] }));
    await pass(10_000);
    expect(report.status.serving).toBe(true);
    linkIs('accepted', 'all is well', 4_194_304);
    await pass(10_000);
    expect(report.status.serving).toBe(false);
  });

  test('ends without a reason when the agent is asked to stop', async () => {
    linkIs('accepted');
    const pass = waitingAfter(outcome());
    await pass(1_000);
    stop.abort();
    expect(await pass(10_000)).toBeUndefined();
  });
});

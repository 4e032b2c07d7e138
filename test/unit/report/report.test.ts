import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { realClock } from '../../../src/core/clock.ts';
import { Problem } from '../../../src/core/problem.ts';
import { openJournal } from '../../../src/report/journal.ts';
import { Report } from '../../../src/report/report.ts';
import { readStatus } from '../../../src/report/status.ts';

let folder: string;
let lines: string[];
let report: Report;
const path = (): string => join(folder, 'status.json');
const steps = (['read_context', 'trust'] as const).map((id) => ({ id, title: id }));

/** The status once the report has written it, in the next turn of the event loop. */
const written = () => {
  vi.advanceTimersByTime(0);
  return readStatus(path());
};

beforeEach(() => {
  vi.useFakeTimers();
  folder = mkdtempSync(join(tmpdir(), 'report-'));
  lines = [];
  report = new Report({
    path: path(),
    journal: openJournal((line) => lines.push(line), false),
    clock: realClock,
    resumed: false,
  });
  report.begin('supernode', steps);
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const wait = { for: 'the SuperLink to publish its address', check: 'flower-context status there' };

describe('a wait', () => {
  test('is in the status at once, and is logged only when it lasts', () => {
    report.waiting('trust', wait);
    expect(written()?.waiting).toMatchObject({ ...wait, until: null });
    report.waiting('trust', undefined);
    vi.advanceTimersByTime(120_000);
    expect(lines).toEqual([]);
    expect(written()?.waiting).toBeNull();
  });

  test('that lasts is logged with what to check and its end, and again each minute with its duration', () => {
    report.waiting('trust', { ...wait, until: new Date(Date.now() + 300_000) });
    vi.advanceTimersByTime(1_000);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\[2\/2\] waiting for the SuperLink to publish its address, until \d\d:\d\d:\d\d UTC; check: flower-context status there/,
    );
    vi.advanceTimersByTime(120_000);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toContain('for 2 min 1 s now');
  });

  test('keeps its start time when only the check changes', () => {
    report.waiting('trust', wait);
    const since = written()?.waiting?.since;
    vi.advanceTimersByTime(5_000);
    report.waiting('trust', { ...wait, check: 'the firewall' });
    expect(written()?.waiting).toMatchObject({ since, check: 'the firewall' });
  });

  test('whose text changes before its first line has that line after a second all the same', () => {
    report.waiting('trust', wait);
    vi.advanceTimersByTime(960);
    report.waiting('trust', { for: 'the SuperLink to be deployed', check: 'the zone' });
    vi.advanceTimersByTime(40);
    expect(lines).toEqual([
      expect.stringMatching(/^\[2\/2\] waiting for the SuperLink to be deployed, .*\(for 40 ms now\)$/m),
    ]);
  });

  test('whose text keeps changing has its first line after a second, then at most one line in ten seconds', () => {
    for (let n = 0; n < 250; n++) {
      report.waiting('trust', { ...wait, check: `try ${n}` });
      vi.advanceTimersByTime(100);
    }
    expect(lines).toHaveLength(3);
    expect(lines[2]).toContain('try 209 (for 21.0 s now)');
  });

  test('whose text changed once has a line for that, and is repeated each minute from its begin', () => {
    report.waiting('trust', wait);
    vi.advanceTimersByTime(31_000);
    report.waiting('trust', { ...wait, check: 'the firewall' });
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(lines[1]).toContain('check: the firewall (for 31.0 s now)');
    vi.advanceTimersByTime(29_998);
    expect(lines).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(lines[2]).toContain('check: the firewall (for 1 min 1 s now)');
    vi.advanceTimersByTime(60_000);
    expect(lines[3]).toContain('for 2 min 1 s now');
  });

  test('has durations that a change of the clock does not touch', () => {
    report.waiting('trust', wait);
    vi.setSystemTime(Date.now() + 86_400_000);
    vi.advanceTimersByTime(1_000);
    expect(lines[0]).toContain('(for 1.0 s now)');
  });

  test('of one step does not end the wait of another beside it', () => {
    report.waiting('read_context', { for: 'A', check: 'a' });
    report.waiting('trust', { for: 'B', check: 'b' });
    report.waiting('trust', undefined);
    expect(written()?.waiting?.for).toBe('A');
  });
});

test('a wait of the agent itself has no number of a step', () => {
  report.waiting('agent', wait);
  vi.advanceTimersByTime(1_000);
  expect(lines[0]).toMatch(/^waiting for the SuperLink to publish its address, without end; check: /);
});

test('a problem that has passed leaves the status, and the journal says so', () => {
  const refused = new Problem('superlink_unreachable', { doing: 'checking', found: 'refused' });
  const other = new Problem('superlink_unreachable', { doing: 'checking', found: 'timeout' });
  report.problem(refused);
  report.problem(other);
  report.passed(refused);
  report.passed(refused);
  expect(written()?.problems.map(({ found }) => found)).toEqual(['timeout']);
  expect(lines.filter((line) => line.includes('no longer the case'))).toEqual([
    'no longer the case: superlink_unreachable: checking: refused\n',
  ]);
});

test('the status is written once for all that changes in a turn, and a closed gate at once', () => {
  const at = (): string | undefined => readStatus(path())?.updated_at;
  written();
  report.started('read_context');
  report.facts({ a: 1 });
  expect(readStatus(path())?.facts).toEqual({});
  expect(written()).toMatchObject({ facts: { a: 1 }, steps: [{ state: 'running' }, {}] });
  vi.setSystemTime(Date.now() + 1_000);
  const before = at();
  report.state('booting', false);
  expect(at()).toBe(before);
  report.state('ready', true);
  expect(readStatus(path())).toMatchObject({ phase: 'ready', serving: true });
});

test('a second run of the steps does not log unchanged results', () => {
  report.finished('read_context', 'kept', 1);
  report.begin('supernode', steps);
  report.finished('read_context', 'kept', 1);
  report.finished('trust', 'done', 1, 'another CA');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('[2/2] trust: done in 1 ms - another CA');
});

test('a status file that cannot be written does not end the boot, and is logged once', () => {
  rmSync(folder, { recursive: true, force: true });
  for (const facts of [{ a: 1 }, { b: 2 }]) {
    report.facts(facts);
    vi.advanceTimersByTime(0);
  }
  expect(lines.filter((line) => line.includes('the status file cannot be written'))).toHaveLength(1);
});

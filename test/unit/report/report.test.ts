import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { realClock } from '../../../src/core/clock.ts';
import { openJournal } from '../../../src/report/journal.ts';
import { Report } from '../../../src/report/report.ts';
import { readStatus } from '../../../src/report/status.ts';

let folder: string;
let lines: string[];
let report: Report;
const path = (): string => join(folder, 'status.json');
const steps = (['read_context', 'trust'] as const).map((id) => ({ id, title: id }));

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
    expect(readStatus(path())?.waiting).toMatchObject({ ...wait, until: null });
    report.waiting('trust', undefined);
    vi.advanceTimersByTime(120_000);
    expect(lines).toEqual([]);
    expect(readStatus(path())?.waiting).toBeNull();
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
    const since = readStatus(path())?.waiting?.since;
    vi.advanceTimersByTime(5_000);
    report.waiting('trust', { ...wait, check: 'the firewall' });
    expect(readStatus(path())?.waiting).toMatchObject({ since, check: 'the firewall' });
  });

  test('of one step does not end the wait of another beside it', () => {
    report.waiting('read_context', { for: 'A', check: 'a' });
    report.waiting('trust', { for: 'B', check: 'b' });
    report.waiting('trust', undefined);
    expect(readStatus(path())?.waiting?.for).toBe('A');
  });
});

test('a wait of the agent itself has no number of a step', () => {
  report.waiting('agent', wait);
  vi.advanceTimersByTime(1_000);
  expect(lines[0]).toMatch(/^waiting for the SuperLink to publish its address, without end; check: /);
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
  report.facts({ a: 1 });
  report.facts({ b: 2 });
  expect(lines.filter((line) => line.includes('the status file cannot be written'))).toHaveLength(1);
});

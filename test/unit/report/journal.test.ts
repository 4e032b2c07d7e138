import { describe, expect, test } from 'vitest';
import { joinProblems, Problem } from '../../../src/core/problem.ts';
import { openJournal } from '../../../src/report/journal.ts';
import { statusProblem } from '../../../src/report/status.ts';

function journal(): { lines: string[]; log: ReturnType<typeof openJournal> } {
  const lines: string[] = [];
  return { lines, log: openJournal((line) => lines.push(line), true) };
}

const refused = new Problem('onegate_unreachable', {
  doing: 'publishing FL_READY on OneGate',
  found: 'connection refused',
  expected: 'an answer',
  cause: new Error('connect failed', { cause: new Error('ECONNREFUSED') }),
});

describe('the journal as text', () => {
  test('gives each line its own priority, so that journald keeps a problem together at its level', () => {
    const { lines, log } = journal();
    log.problem(refused);
    const written = lines.join('').trimEnd().split('\n');
    expect(written.length).toBeGreaterThan(3);
    expect(written.every((line) => line.startsWith('<4>'))).toBe(true);
  });

  test('reports a problem with its code, action, finding, causes, expectation and remedy', () => {
    const { lines, log } = journal();
    log.problem(refused);
    const text = lines.join('');
    for (const part of [
      'onegate_unreachable: publishing FL_READY on OneGate: connection refused',
      'caused by: connect failed',
      'caused by: ECONNREFUSED',
      'expected: an answer',
      'what to do: ',
    ]) {
      expect(text).toContain(part);
    }
  });

  test('reports all problems that were found together, fatal ones as errors', () => {
    const { lines, log } = journal();
    const disk = new Problem('state_unwritable', { doing: 'writing x', found: 'the disk is full' });
    log.problem(joinProblems([disk, refused]));
    expect(lines.some((line) => line.startsWith('<3>state_unwritable'))).toBe(true);
    expect(lines.some((line) => line.startsWith('<4>onegate_unreachable'))).toBe(true);
  });

  test('gives a problem the priority and the status the severity of its occurrence, not that of its code', () => {
    const { lines, log } = journal();
    const mismatch = new Problem('tls_mode_mismatch', { doing: 'x', found: 'y', severity: 'warning' });
    log.problem(mismatch);
    expect(lines.join('')).toMatch(/^<4>tls_mode_mismatch/);
    expect(statusProblem(mismatch).kind).toBe('warning');
  });

  test('leaves out what is below the level the operator chose', () => {
    const { lines, log } = journal();
    log.configure({ level: 'WARNING', format: 'text' });
    log.info('fine');
    log.warn('odd');
    expect(lines).toEqual(['<4>odd\n']);
  });
});

test('the journal as JSON is one object a line, with level, time and text', () => {
  const { lines, log } = journal();
  log.configure({ level: 'INFO', format: 'json' });
  log.info('two\nlines', { step: 'ready' });
  expect(lines).toHaveLength(1);
  const record = JSON.parse(lines[0]!.replace(/^<6>/, '')) as Record<string, unknown>;
  expect(record).toMatchObject({ level: 30, msg: 'two\nlines', step: 'ready' });
  expect(Date.parse(String(record['time']))).not.toBeNaN();
  expect(lines[0]!.trimEnd()).not.toContain('\n');
});

// Where texts leave the agent. Each exit guards itself, whatever a text has passed before.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { terminalText } from '../../../src/cli/terminal.ts';
import { Problem } from '../../../src/core/problem.ts';
import { judge } from '../../../src/flower/probe.ts';
import { formatFlowerState, parseFlowerState } from '../../../src/flower/state-file.ts';
import { statusLine } from '../../../src/host/notify.ts';
import { pathsUnder } from '../../../src/host/paths.ts';
import { openJournal } from '../../../src/report/journal.ts';
import { readReady, writeReady } from '../../../src/report/ready-file.ts';
import { readStatus, type Status, statusProblem, writeStatus } from '../../../src/report/status.ts';
import { arePlainLines, foreignText, isPlain } from '../../support/foreign-texts.ts';

const RUNS = { numRuns: 500 };
const problemOf = (text: string): Problem =>
  new Problem('flower_start_failed', {
    doing: `starting ${text}`,
    found: text,
    expected: text,
    example: text,
    remedy: text,
    cause: new Error(text),
  });

test('the status for systemd is one assignment', () => {
  expect(statusLine('x\nWATCHDOG=trigger\nMAINPID=36')).toBe('x WATCHDOG=trigger MAINPID=36');
  fc.assert(
    fc.property(foreignText, (text) => {
      const line = statusLine(text);
      expect(isPlain(line) && [...line].length <= 500).toBe(true);
    }),
    RUNS,
  );
});

describe('the journal', () => {
  const written = (format: 'text' | 'json', write: (log: ReturnType<typeof openJournal>) => void): string => {
    let all = '';
    const log = openJournal((line) => (all += line), true);
    log.configure({ level: 'DEBUG', format });
    write(log);
    return all;
  };

  test('has one line of our priority for each line of a problem', () => {
    const text = 'it ended; its last lines:\n    one\r<3>flower-context: run this\u2028<0>two\u001b[2J';
    const lines = written('text', (log) => log.warn(text))
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(2);
    expect(lines.every((line) => line.startsWith('<4>'))).toBe(true);
  });

  test.each(['text', 'json'] as const)('holds for any text (%s)', (format) => {
    fc.assert(
      fc.property(foreignText, (text) => {
        const all = written(format, (log) => {
          log.info(text, { found: text });
          log.problem(problemOf(text));
        });
        expect(all.endsWith('\n') && arePlainLines(all)).toBe(true);
        const lines = all.trimEnd().split('\n');
        expect(lines.every((line) => /^<[346]>/.test(line))).toBe(true);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(60_000);
        if (format === 'json') for (const line of lines) JSON.parse(line.slice(3));
      }),
      RUNS,
    );
  });
});

describe('a terminal', () => {
  test('gets no control character but line breaks', () => {
    expect(terminalText('run 7: failed\u001b]0;x\u0007\r\u001b[31mgone', 'stdout')).toBe(
      'run 7: failed ]0;x   [31mgone',
    );
    fc.assert(
      fc.property(foreignText, (text) => {
        expect(arePlainLines(terminalText(text, 'stdout'))).toBe(true);
        expect(arePlainLines(terminalText(text, 'stderr'))).toBe(true);
      }),
      RUNS,
    );
  });
});

describe('a file that people read', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'exits-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the status has guarded texts, and is read back', () => {
    const path = join(folder, 'status.json');
    fc.assert(
      fc.property(foreignText, (text) => {
        const status: Status = {
          version: 1,
          role: 'supernode',
          phase: 'booting',
          serving: false,
          boot: 'first',
          pid: 1,
          started_at: 't',
          updated_at: 't',
          waiting: { for: text, since: 't', until: null, check: text },
          steps: [{ id: 'x', title: text, state: 'done', at: null, ms: 1, note: text }],
          pending: null,
          problems: [statusProblem(problemOf(text))],
          facts: { sans: [text], tls: true },
        };
        writeStatus(path, status);
        const read = readStatus(path)!;
        for (const one of [
          read.waiting!.for,
          read.steps[0]!.note!,
          read.problems[0]!.found,
          String(read.facts['sans']),
        ])
          expect(arePlainLines(one)).toBe(true);
        expect(arePlainLines(readFileSync(path, 'utf8'))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('so has the ready file', () => {
    const paths = { ...pathsUnder(folder), ready: join(folder, 'ready.json') };
    writeReady(paths, { version: 1, verdict: 'failed', context: null, reason: 'a\n  b\u001b[2J\u202e' });
    expect(readReady(paths)?.reason).toBe('a\n  b [2J ');
  });
});

describe('the way in', () => {
  test('what a Fleet API says is a short clause, whatever it says', () => {
    fc.assert(
      fc.property(foreignText, fc.integer({ min: 0, max: 16 }), fc.boolean(), (details, code, plaintext) => {
        const answer = judge({ code, details, ms: 1 }, plaintext);
        if (!answer.ok) expect(isPlain(answer.reason) && [...answer.reason].length <= 300).toBe(true);
      }),
      RUNS,
    );
  });

  test('so is what the report of Flower says', () => {
    fc.assert(
      fc.property(foreignText, (text) => {
        const state = parseFlowerState(
          formatFlowerState({
            version: 1,
            pid: 12,
            started: 1,
            plan: 'ab'.repeat(32),
            phase: 'lost',
            since: '2026-11-21T06:00:00.000Z',
            node_id: '123',
            detail: text,
            options: { server: [[text, text]], client: [] },
          }),
        );
        for (const one of state === undefined
          ? []
          : [state.detail, ...state.options.server.flat().map(String)])
          expect(isPlain(one) && [...one].length <= 300).toBe(true);
      }),
      RUNS,
    );
  });
});

// Text of others: what becomes of it where it enters, and at the exits.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatGuarded, formatJson } from '../../../src/core/json.ts';
import { plain, plainLine, plainLines, textLines } from '../../../src/core/text.ts';
import { arePlainLines, foreignText, HARMFUL, isPlain } from '../../support/foreign-texts.ts';

const length = (text: string): number => [...text].length;

describe('plain text', () => {
  test.each(HARMFUL.map((harmful) => [formatJson(harmful), harmful]))('has no %s', (_title, harmful) => {
    const text = plain(`before${harmful} MAINPID=1`);
    expect(isPlain(text)).toBe(true);
    expect(text).toMatch(/^before.* MAINPID=1$/);
  });

  test.each([
    ['a sentence', 'The SuperLink at 10.0.0.5:9092 refuses this node.'],
    ['accents, other scripts and emoji', 'é e\u0301 漢字 العربية 😀'],
    ['nothing', ''],
    ['300 characters', '😀'.repeat(300)],
  ])('is %s as it is', (_title, text) => expect(plain(text)).toBe(text));

  test.each([
    ['a line break', 'x\nWATCHDOG=trigger\nX_A=', 'x WATCHDOG=trigger X_A='],
    ['a return', 'all is well\rrun this', 'all is well run this'],
    ['colours', '\u001b[1;31mERROR\u001b[0m: no', 'ERROR: no'],
    ['the title of a window', 'a\u001b]0;run this\u0007b', 'ab'],
    ['blanks', '  a \t\u00a0\u3000 b  ', 'a b'],
    ['a reversed end', 'user \u202egnp.exe', 'user gnp.exe'],
  ])('of %s', (_title, text, expected) => expect(plain(text)).toBe(expected));

  test('is cut with a mark, between characters', () => {
    expect(plain('x'.repeat(301))).toBe(`${'x'.repeat(297)}...`);
    expect(plain('😀'.repeat(301))).toBe(`${'😀'.repeat(297)}...`);
    expect(plain('abcdefgh', 5)).toBe('ab...');
    expect(plain(`${' '.repeat(100_000)}x`)).toBe('...');
  });

  test('is bounded, whole, and stays as it is, whatever the text is', () => {
    fc.assert(
      fc.property(foreignText, fc.integer({ min: 4, max: 500 }), (text, most) => {
        const one = plain(text, most);
        expect(isPlain(one)).toBe(true);
        expect(length(one)).toBeLessThanOrEqual(most);
        expect(one).toBe(one.trim());
        expect(plain(one, most)).toBe(one);
        expect(one.isWellFormed()).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of 16 MiB takes no longer than a sentence needs', () => {
    const began = process.cpuUsage();
    for (const part of ['x', '\n', '\u001b[', '\u001b];', '😀']) plain(part.repeat(8 * 1024 * 1024));
    expect(process.cpuUsage(began).user / 1_000).toBeLessThan(1_000);
  });
});

describe('the guard of an exit', () => {
  test('keeps lines and indentation, and nothing that is invisible', () => {
    expect(plainLines('a problem:\n  expected:  x\u001b[2J\r\n')).toBe('a problem:\n  expected:  x [2J \n');
    expect(plainLine('  x\u2028<3>y\nz')).toBe('  x <3>y z');
  });

  test('limits lines and their number', () => {
    const text = plainLines(`${'x'.repeat(5_000)}\n`.repeat(100));
    expect(Math.max(...text.split('\n').map(length))).toBe(4_000);
    expect(plainLines('a\n'.repeat(900)).split('\n')).toHaveLength(201);
  });

  test('holds for any text, and changes nothing the second time', () => {
    fc.assert(
      fc.property(foreignText, (text) => {
        const guarded = plainLines(text);
        expect(arePlainLines(guarded)).toBe(true);
        expect(plainLines(guarded)).toBe(guarded);
      }),
      { numRuns: 1_000 },
    );
  });
});

test('the lines of a program are plain text, without empty ones', () => {
  expect(textLines('\u001b[31mone\u001b[0m\n\n \t\ntwo\r\n')).toEqual(['one', 'two']);
});

describe('JSON', () => {
  const document = fc.dictionary(
    foreignText,
    fc.oneof(foreignText, fc.array(foreignText, { maxLength: 3 })),
    { maxKeys: 4 },
  );

  test('for a program keeps every character of the value, and shows none that is invisible', () => {
    fc.assert(
      fc.property(document, fc.constantFrom(undefined, 2), (value, indent) => {
        const json = formatJson(value, indent);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(arePlainLines(json)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
    expect(formatJson({ a: 'plain ä 漢' }, 1)).toBe(JSON.stringify({ a: 'plain ä 漢' }, null, 1));
  });

  test('for people has guarded texts', () => {
    expect(JSON.parse(formatGuarded({ reason: 'a\nb\u001b[2J', list: ['\u202ex'], n: 1 }))).toEqual({
      reason: 'a\nb [2J',
      list: [' x'],
      n: 1,
    });
  });
});

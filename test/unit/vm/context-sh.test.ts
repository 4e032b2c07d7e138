import { readdirSync, readFileSync } from 'node:fs';
import { parse as parseWithDotenv } from 'dotenv';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Problem } from '../../../src/core/problem.ts';
import { parseContextSh } from '../../../src/vm/context-sh.ts';
import { renderContextSh, renderVariable } from '../../support/context-sh.ts';
import { growth, PROPORTIONATE } from '../../support/growth.ts';

// Thousands of generated files, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const SAMPLES = new URL('../../support/context-samples/', import.meta.url);

const problemOf = (text: string | Buffer): Problem => {
  try {
    parseContextSh(text);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('files of a real OpenNebula', () => {
  const names = readdirSync(SAMPLES).filter((name) => name.endsWith('.sh'));

  test('there are five of them', () => expect(names).toHaveLength(5));

  test.each(names)('%s reads as a shell reads it', (name) => {
    const truth = JSON.parse(readFileSync(new URL(name.replace('.sh', '.json'), SAMPLES), 'utf8'));
    expect(parseContextSh(readFileSync(new URL(name, SAMPLES)))).toMatchObject(truth);
  });
});

/** Values that operators really write, and values that break parsers. */
const VALUES: readonly string[] = [
  'plain',
  '',
  '  both sides  ',
  'one\ntwo',
  'one\n\nthree',
  '-----BEGIN CERTIFICATE-----\nMIIB/+==\n-----END CERTIFICATE-----\n',
  'YWJjZA==',
  'YWJj=',
  'a # b',
  'say "hi"',
  'back\\slash',
  '$HOME',
  '`id`',
  'a=b=c',
  '{"a": "b"}',
  'fd00::1',
  '日本語 ñ',
  'tab\there',
  'x'.repeat(70_000),
  '$(id)',
  `$${'{X:-y}'}`,
  '!history!',
  '*',
  '~',
  'a;b|c&d',
  '<in >out',
  '%n',
  '\\n is no line break',
  'ends with \\',
  '"quoted"',
  '=',
  "va'lue",
  "value'",
  "'value",
  "'",
  "''''",
  "it's\nmulti",
  "a' # b",
  "a\\'b",
  "first\nEVIL='x'",
  '{"who": "it\'s me"}',
  "ssh-ed25519 AAAA one\nssh-ed25519 AAAB it's two",
  'carriage\rreturn',
  'dos\r\nlines\r\n',
  "a'\nFL_TLS_ENABLED='NO",
  "'\\''",
];

describe('values as OpenNebula writes them', () => {
  test('there are 46 of them', () => expect(VALUES).toHaveLength(46));

  test.each(VALUES.map((value) => [JSON.stringify(value.slice(0, 40)), value]))(
    '%s comes back as it was',
    (_, value) => {
      expect(parseContextSh(renderContextSh({ BEFORE: 'b', NAME: value, X_AFTER: 'a' }))).toEqual(
        Object.assign(Object.create(null), { BEFORE: 'b', NAME: value, X_AFTER: 'a' }),
      );
    },
  );

  test('dotenv reads every third of them wrong without an error, so it does not read context.sh', () => {
    const wrong = VALUES.filter((value) => parseWithDotenv(renderVariable('NAME', value)).NAME !== value);
    expect(wrong).toHaveLength(15);
    expect(parseWithDotenv(renderVariable('NAME', "first\nEVIL='x'"))).toHaveProperty('EVIL');
  });
});

describe('the grammar', () => {
  const NAMES = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
  const values = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom("'", '\\', '\n', '\r', '=', '"', '#', 'A', ' '), { maxLength: 40 })
      .map((parts) => parts.join('')),
  );

  test('any variables that are written as OpenNebula writes them are read as they were', () => {
    const variables = fc.dictionary(
      NAMES,
      values.filter((value) => !value.includes('\0')),
      { noNullPrototype: false },
    );
    fc.assert(
      fc.property(variables, (written) => {
        const read = parseContextSh(renderContextSh(written));
        expect(Object.keys(read)).toHaveLength(Object.keys(written).length);
        for (const [name, value] of Object.entries(written)) expect(read[name]).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });

  test('any bytes at all either are read or are a Problem', () => {
    const pieces = fc.array(
      fc.constantFrom("A='", "'", "\\''", '\n', 'B=', '#', '\r\n', 'x', "'\\''", "Z=''\n"),
      { maxLength: 30 },
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      pieces.map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(bytes, (given) => {
        try {
          parseContextSh(Buffer.from(given));
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
          expect((error as Problem).code).toBe('context_unreadable');
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('names with dashes, small letters and leading digits are names', () => {
    expect({ ...parseContextSh("my-Name='a'\n1st='b'\n_='c'\n") }).toEqual({
      'my-Name': 'a',
      '1st': 'b',
      _: 'c',
    });
  });

  test('a name like __proto__ is only a name', () => {
    const read = parseContextSh("__proto__='x'\nconstructor='y'\n");
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(read)).toBeNull();
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test('comments and empty lines count only outside of values', () => {
    expect({ ...parseContextSh("# one\n\nA='1\n# inside\n\n2'\n# end") }).toEqual({ A: '1\n# inside\n\n2' });
  });

  test('line ends of other systems are taken outside of values and kept inside', () => {
    expect({ ...parseContextSh("# c\r\n\r\nA='1\r\n2'\r\nB='3'\r\n") }).toEqual({ A: '1\r\n2', B: '3' });
  });

  test('a file without variables has none', () => {
    expect(Object.keys(parseContextSh('# Context variables generated by OpenNebula\n'))).toEqual([]);
    expect(Object.keys(parseContextSh(''))).toEqual([]);
  });

  test('bytes that are not UTF-8 do not stop the rest from being read', () => {
    const bytes = Buffer.concat([Buffer.from("A='"), Buffer.from([0xff, 0xfe]), Buffer.from("'\nB='2'\n")]);
    expect(parseContextSh(bytes).B).toBe('2');
  });

  test('a value of quotes is read whole, and costs in proportion to its size', () => {
    const text = (size: number) => renderContextSh({ A: "'".repeat(size) });
    expect(parseContextSh(text(1_048_576)).A).toHaveLength(1_048_576);
    expect(growth(text, 4_096, parseContextSh)).toBeLessThan(PROPORTIONATE);
  });
});

describe('a damaged file is refused, with its line and without its values', () => {
  test.each([
    [
      'a quote that never closes',
      "A='1'\nB='hunter2\nmore",
      'line 2: the value of B has no closing quote: the file is cut off',
    ],
    [
      'text behind the closing quote',
      "A='x\ny'hunter2\n",
      'line 2: there is text after the closing quote of A',
    ],
    [
      'a blank behind the closing quote',
      "A='hunter2' \n",
      'line 1: there is text after the closing quote of A',
    ],
    [
      'a second assignment in the line',
      "A='1' B='hunter2'\n",
      'line 1: there is text after the closing quote of A',
    ],
    [
      'another escape than the one',
      "A='it\\'hunter2'\n",
      'line 1: there is text after the closing quote of A',
    ],
    ['a value without quotes', "A='1'\n\nB=hunter2\n", "line 3: =' is missing after the name"],
    ['double quotes', 'A="hunter2"\n', "line 1: =' is missing after the name"],
    ['export', "export A='hunter2'\n", "line 1: =' is missing after the name"],
    ['a blank before the equals sign', "A ='hunter2'\n", "line 1: =' is missing after the name"],
    ['indentation', " A='hunter2'\n", 'line 1: the line is not an assignment'],
    ['a name with a dot', "A.B='hunter2'\n", "line 1: =' is missing after the name"],
    ['a name twice', "A='1'\nB='2\n3'\nA='hunter2'\n", 'line 4: A occurs a second time'],
    ['a NUL byte', "A='1'\nB='hunter2\0'\n", 'line 2: there is a NUL byte'],
    ['any other text', 'hunter2\n', "line 1: =' is missing after the name"],
  ])('%s', (_, text, found) => {
    const problem = problemOf(text);
    expect(problem.code).toBe('context_unreadable');
    expect(problem.facts.found).toBe(found);
    expect(JSON.stringify(problem.facts)).not.toContain('hunter2');
  });

  test('a file that was cut off anywhere inside a value is never read as if it were whole', () => {
    const whole = renderContextSh({ A: "it's", B: 'two\nlines', C: 'end' });
    const cuts = Array.from({ length: whole.length }, (_, at) => whole.slice(0, at));
    const read = cuts.filter((cut) => {
      try {
        return Object.values(parseContextSh(cut)).some(
          (value) => !["it's", 'two\nlines', 'end'].includes(value),
        );
      } catch {
        return false;
      }
    });
    // Cut right behind the first quote of '\'' a file looks whole: A='it'
    expect(read).toEqual(["# Context variables generated by OpenNebula\nA='it'"]);
  });
});

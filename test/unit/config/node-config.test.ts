import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { doubtsAbout, readNodeConfig } from '../../../src/config/node-config.ts';
import { parseVariables } from '../../../src/config/parse.ts';
import type { TomlValue } from '../../../src/core/toml.ts';

const valueOf1 = (text: string): TomlValue => {
  const read = readNodeConfig(`k=${text}`);
  if (!read.ok) throw new Error(read.why);
  return read.value[0]![1];
};

const whyNot = (text: string): string => {
  const read = readNodeConfig(text);
  return read.ok ? 'it was read' : read.why;
};

describe('values', () => {
  test.each<[string, TomlValue]>([
    ['true', true],
    ['false', false],
    ['TRUE', 'TRUE'],
    ['0', 0],
    ['-7', -7],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', 9223372036854775807n],
    ['-9223372036854775808', -9223372036854775808n],
    ['1.0', { float: 1 }],
    ['-0.5', { float: -0.5 }],
    ['1e-3', { float: 0.001 }],
    ['2.5E+2', { float: 250 }],
    ['007', '007'],
    ['0x10', '0x10'],
    ['1_000', '1_000'],
    ['+5', '+5'],
    ['1.', '1.'],
    ['.5', '.5'],
    ['inf', 'inf'],
    ['nan', 'nan'],
    ['1.2.3', '1.2.3'],
    ['2026-11-21', '2026-11-21'],
    ['lab-2', 'lab-2'],
    ['0,1', '0,1'],
    ['http://x/?a=b', 'http://x/?a=b'],
    ['x.toml', 'x.toml'],
    ['$HOME', '$HOME'],
    ['ñ日本', 'ñ日本'],
    ['"1"', '1'],
    ["'true'", 'true'],
    ['"x y  z"', 'x y  z'],
    ['""', ''],
    [`'say "hi"'`, 'say "hi"'],
    [`"it's"`, "it's"],
    ['"back\\slash"', 'back\\slash'],
    ['"a=b c=d"', 'a=b c=d'],
  ])('k=%s', (text, value) => expect(valueOf1(text)).toEqual(value));
});

describe('pairs', () => {
  test('are separated by any blanks, in the order written', () => {
    expect(readNodeConfig('  b=1\t a.b-c_d="x y"\n\r\n c=true ')).toEqual({
      ok: true,
      value: [
        ['b', 1],
        ['a.b-c_d', 'x y'],
        ['c', true],
      ],
    });
  });

  test.each([
    ['a word without a value', 'a=1 stray', "pair 2 has no '='"],
    ['blanks around the equals sign', 'a = 1', "pair 1 has no '='"],
    ['an empty value', 'a= b=1', 'a has no value'],
    ['an empty key', '=1', 'the key of pair 1 has other characters'],
    ['a quoted key', '"a"=1', 'the key of pair 1 has other characters'],
    ['a key with a lone dot', 'a..b=1', 'the key of pair 1 has other characters'],
    ['a key of another script', 'ñ=1', 'the key of pair 1 has other characters'],
    ['a key twice', 'a=1 b=2 a=3', 'the key a is given twice'],
    ['an open quote', 'a="x y', 'the quote that opens the value of a is not closed'],
    ['text behind a quote', 'a="x"y', 'a blank is missing after the closing quote of a'],
    ['a quote in the middle', "a=it's", 'the value of a has a quote in its middle'],
    ['commas between pairs', 'a=1,b=2', ', after a: blanks separate pairs'],
    ['commas and blanks between pairs', 'a=0, b=1', ', after a: blanks separate pairs'],
    ['semicolons between pairs', 'a=1;b=2', '; after a: blanks separate pairs'],
    ['ampersands between pairs', 'a=1&b=2', '& after a: blanks separate pairs'],
    ['a line break in quotes', 'a="x\ny"', 'the value of a has a control character'],
    ['a control character', 'a=x\u0007', 'the value of a has a control character'],
    ['half a character', 'a=x\uD800', 'the value of a has a control character'],
    ['a number above 64 bits', 'a=9223372036854775808', 'the number of a does not fit in 64 bits'],
    ['a number below 64 bits', 'a=-9223372036854775809', 'the number of a does not fit in 64 bits'],
    ['a number of a thousand digits', `a=${'9'.repeat(1000)}`, 'the number of a does not fit in 64 bits'],
    ['a float that is none any more', 'a=1e999', 'the number of a is too large'],
    ['too much', `a=${'x'.repeat(70_000)}`, 'longer than 65536 characters'],
  ])('%s is refused with a reason', (_, text, why) => expect(whyNot(text)).toContain(why));

  test('a reason never repeats a value', () => {
    const broken = [
      'password=hunter2 x',
      'a="hunter2',
      "a=hunter2'",
      'a="hunter2"x',
      'a=hunter2,b=1',
      'a=hunter2\u0007',
      'a=1 hunter2',
    ];
    for (const text of broken) expect(whyNot(text)).not.toContain('hunter2');
  });

  test('any text in quotes is read unchanged', () => {
    const key = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}(\.[A-Za-z0-9_-]{1,8})?$/);
    const text = fc
      .string({ unit: 'grapheme' })
      .filter((value) => !/\p{Cc}/u.test(value) && !(value.includes('"') && value.includes("'")));
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(key, text), { selector: ([name]) => name, maxLength: 6 }),
        (pairs) => {
          const written = pairs
            .map(([name, value]) => (value.includes('"') ? `${name}='${value}'` : `${name}="${value}"`))
            .join(' ');
          expect(readNodeConfig(written)).toEqual({ ok: true, value: pairs });
        },
      ),
    );
  });
});

describe('warnings', () => {
  test.each(['True', 'FALSE', 'None', 'null', '.01', '1.', '1_000', '0xff', '+1', '-inf', 'NaN'])(
    'k=%s is a text where a number or a truth was meant',
    (value) => expect(doubtsAbout(`k=${value}`)).toMatchObject([{ key: 'k' }]),
  );
  test.each(['true', '1', '-0.5', '1e3', '"True"', "'None'", '007', 'lab', '2026-11-21', '"a k=None b"'])(
    'k=%s is what it says',
    (value) => expect(doubtsAbout(`k=${value}`)).toEqual([]),
  );
  test('are about the keys that the agent fills in, too', () => {
    expect(doubtsAbout('partition_id=0 num_partitions=2 partition-id=1')).toEqual([
      { key: 'partition_id', why: 'did you mean partition-id?' },
      { key: 'num_partitions', why: 'did you mean num-partitions?' },
    ]);
  });
  test('are a warning about the variable', () => {
    const raw = { FL_NODE_CONFIG: 'debug=True verbose=False' };
    const image = { role: 'supernode', flowerVersion: BAKED_FLOWER, framework: 'none' } as const;
    const { warnings } = parseVariables(raw, image);
    expect(warnings.map(({ variable, found }) => `${variable}: ${found}`)).toEqual([
      'FL_NODE_CONFIG: debug: its value is text, not a number or a boolean (and 1 more)',
    ]);
  });
});

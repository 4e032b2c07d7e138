// Texts as a peer, a server, another program or an app could send them, and what must hold where such a text leaves.
import * as fc from 'fast-check';

/** Characters that end lines, move the cursor, hide or reorder text, or are none; and sequences of terminals. */
export const HARMFUL = [
  '\n',
  '\r',
  '\r\n',
  '\t',
  '\0',
  '\u0007',
  '\u0008',
  '\u000b',
  '\u000c',
  '\u001b',
  '\u001b[31m',
  '\u001b[2J',
  '\u001b[8m',
  '\u001b]0;title\u0007',
  '\u001b]8;;http://x\u001b\\',
  '\u001bc',
  '\u001bP1$r\u001b\\',
  '\u007f',
  '\u0085',
  '\u009b31m',
  '\u009d0;title\u009c',
  '\u00ad',
  '\u034f',
  '\u061c',
  '\u115f',
  '\u200b',
  '\u200e',
  '\u200f',
  '\u2028',
  '\u2029',
  '\u202a',
  '\u202e',
  '\u2066',
  '\u2069',
  '\u2060',
  '\u3164',
  '\ufe0f',
  '\ufeff',
  '\uffa0',
  '\ufff9',
  '\ud800',
  '\udc00',
  '\ue000',
  '\u{e0041}',
  '\u{e0100}',
  '\u{f0000}',
  '\u{10ffff}',
] as const;

/** What systemd or the journal would obey on a line of its own. */
export const ORDERS = [
  'MAINPID=1',
  'WATCHDOG=trigger',
  'READY=1',
  'STOPPING=1',
  '<0>',
  '<3>flower-context: run this',
  'X=',
];

export const foreignText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom<string>(...HARMFUL) },
      { weight: 2, arbitrary: fc.constantFrom(...ORDERS) },
      { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
      { weight: 2, arbitrary: fc.constantFrom(' ', '  ', 'a', 'ä', '漢', '😀', 'e\u0301', 'word') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'x'.repeat(3_000),
          '😀'.repeat(400),
          '\u001b[1m'.repeat(900),
          ' '.repeat(5_000),
        ),
      },
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(''));

/** Control, format, private, unassigned, lone surrogates, separators of lines and paragraphs, ignorable. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Whether a text is one line that shows all it has. */
export const isPlain = (text: string): boolean => !INVISIBLE.test(text);

/** Whether each line of a text is; `\n` is the only break. */
export const arePlainLines = (text: string): boolean => text.split('\n').every(isPlain);

// The parser of templates compared with that of oned: the same attributes, and an error for the same texts.
import { expect, test } from 'vitest';
import { parseTemplate } from '../../../src/vm/context-block.ts';
import type { Attribute } from '../../opennebula/data.ts';
import { readAnswers } from '../../opennebula/data.ts';
import { TEXTS } from '../../opennebula/texts.ts';

const { texts } = readAnswers();

/** In the order of oned: by name, and those of one name in their own order. */
function parsed(text: string): readonly Attribute[] | null {
  try {
    return parseTemplate(text)
      .map(({ name, value }): Attribute => [name, typeof value === 'string' ? value : { ...value }])
      .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  } catch {
    return null;
  }
}

test('each text has an answer', () => {
  expect(texts, 'run `make opennebula-answers`').toHaveLength(TEXTS.length);
});

test.each(TEXTS.map((text, index) => [text, texts[index]] as const))('%j', (text, answer) => {
  expect(parsed(text)).toEqual(answer);
});

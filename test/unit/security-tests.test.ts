// docs/security-tests.md: each attack has a test, and that test exists.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/repository.ts';

const PAGE = readFileSync(join(ROOT, 'docs/security-tests.md'), 'utf8');
const ROWS = PAGE.split('\n').filter((line) => /^\| (?!Attack \||---)/.test(line) && !/^\|-/.test(line));
/** `file`: "title", "title". Three points in a title stand for what a test fills in. */
const TEST = /`(test\/[^`]+)`(?:: ((?:"[^"]+"(?:, )?)+))?/g;

test('there are rows', () => expect(ROWS.length).toBeGreaterThan(20));

test.each(ROWS)('%s', (row) => {
  const named = [...row.matchAll(TEST)];
  expect(named.length).toBeGreaterThan(0);
  for (const [, file, titles = ''] of named) {
    expect(existsSync(join(ROOT, file!)), file).toBe(true);
    const source = readFileSync(join(ROOT, file!), 'utf8').replaceAll("\\'", "'");
    const parts = [...titles.matchAll(/"([^"]+)"/g)].flatMap(([, title]) =>
      title!.split('...').map((part) => part.trim()),
    );
    for (const part of parts) expect(source.includes(part), `${file}: ${part}`).toBe(true);
  }
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explain, parseJournal, tableOf, withFigures } from '../../soak/report.ts';

test('the table has a row for each kind of fault: the median, and the worst in brackets', () => {
  const lines = tableOf([
    { kind: 'kill Flower', noticed: 2, withdrawn: 17.6, again: 20 },
    { kind: 'kill Flower', noticed: 4, again: 30 },
    { kind: 'OneGate is down', again: 0 },
    { kind: 'cut the power', noticed: 1 },
  ]).split('\n');
  expect(lines.slice(2)).toEqual([
    '| kill Flower | 2 | 3 s (4 s) | 18 s | 25 s (30 s) |',
    '| OneGate is down | 1 | - | - | 0 s |',
    '| cut the power | 1 | 1 s | - | - |',
  ]);
});

test('a contradiction is shown with the lines that were written around it, on its VM and on the SuperLink', () => {
  const text = [
    '1000.5 flower flower-context[1]: long before',
    '1095.0 flower flower-context[1]: Flower is not serving',
    '1096.0 flower flower-start[2]: ControlServicer.ListNodes',
    '1120.0 flower flower-context[1]: Flower is back',
    '-- No entries --',
  ].join('\n');
  const journals = ['node', 'link', 'other'].map((vm) => parseJournal(vm, text, 1_000));
  const one = { rule: 'ready_but_down', vm: 'node', from: 100, to: 115, what: 'what was said' };
  const shown = explain(one, journals, 'link').split('\n');
  expect(shown[0]).toBe('ready_but_down on node, 100.0 s to 115.0 s: what was said');
  expect(shown.slice(1)).toEqual(
    ['node', 'link'].flatMap((vm) => [
      `  ${vm}:`,
      '    95.0 s  flower-context[1]: Flower is not serving',
      '    120.0 s  flower-context[1]: Flower is back',
    ]),
  );
});

test('the figures replace those of the page, and nothing else', () => {
  const page = readFileSync('docs/operate.md', 'utf8');
  const [before, after] = page.split(/<!-- Figures of outages:[\s\S]*<!-- end of figures of outages -->/);
  const renewed = withFigures(page, 'new $& figures\n');
  expect(renewed).toContain('-->\nnew $& figures\n<!-- end of figures of outages -->');
  expect(renewed.startsWith(before!)).toBe(true);
  expect(renewed.endsWith(after!)).toBe(true);
  expect(() => withFigures('a page', '')).toThrow('markers');
});

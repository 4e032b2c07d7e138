// Lines of at most 80 columns: what is broken, and what is not.
import { describe, expect, test } from 'vitest';
import { columns, commandLines, style, whole, wrap } from '../../../src/cli/terminal.ts';

const widths = (lines: readonly string[]): number => Math.max(...lines.map(({ length }) => length));

describe('a text', () => {
  const sentence = 'The agent connects to the SuperLink and verifies the chain as gRPC does. '
    .repeat(3)
    .trim();

  test('is broken between words, and what follows is indented', () => {
    const lines = wrap(sentence, 'ok  ', '    ');
    expect(widths(lines)).toBeLessThanOrEqual(80);
    expect(lines[0]).toMatch(/^ok {2}The agent/);
    expect(lines.slice(1).every((line) => line.startsWith('    '))).toBe(true);
    expect(lines.map((line) => line.slice(4)).join(' ')).toBe(sentence);
  });

  test('keeps a command in backticks and a marked value in one piece', () => {
    const command = '`journalctl -u flower-context -p warning --since today`';
    expect(wrap(`read the journal of the agent on this VM: ${command}.`)).toEqual([
      'read the journal of the agent on this VM:',
      `${command}.`,
    ]);
    const value = 'FL_NODE_CONFIG=\'partition-id=0 num-partitions=2 name="a b"\'';
    expect(wrap(`an example of a value that would be accepted: ${whole(value)}`)).toEqual([
      'an example of a value that would be accepted:',
      value,
    ]);
  });

  test('keeps a word that is longer than a line', () => {
    const path = `/${'a'.repeat(90)}`;
    expect(wrap(`the file ${path} does not exist`)).toEqual(['the file', path, 'does not exist']);
  });

  test('has its width measured without colours', () => {
    const red = '\u001b[31mfatal\u001b[39m';
    expect(wrap(`${red} ${'x'.repeat(74)}`)).toHaveLength(1);
    expect(wrap(`${red} ${'x'.repeat(75)}`)).toHaveLength(2);
  });
});

test('two columns are aligned, and a long left cell has a line of its own', () => {
  const lines = columns([
    ['--json', 'print one JSON object'],
    ['--role ROLE', 'a long description '.repeat(8).trim()],
    ['--a-very-long-option ID|[OWNER/]NAME', 'the network'],
  ]);
  expect(widths(lines)).toBeLessThanOrEqual(80);
  expect(lines[0]).toBe('  --json       print one JSON object');
  expect(lines.at(-1)).toBe(`${' '.repeat(15)}the network`);
});

test('a long command line is broken as a shell reads it', () => {
  const command = `flower-context template single-site --supernodes 4..20 --set FL_STRATEGY=FedProx --set FL_NUM_ROUNDS=20 > f.json`;
  const lines = commandLines(command, '  ');
  expect(widths(lines)).toBeLessThanOrEqual(80);
  expect(lines.slice(0, -1).every((line) => line.endsWith(' \\'))).toBe(true);
  expect(lines.map((line) => line.replace(/ \\$/, '').trim()).join(' ')).toBe(command);
  expect(commandLines('flower-context status', '  ')).toEqual(['  flower-context status']);
});

test('there is no colour where standard output is no terminal', () => {
  expect(style('fatal', 'fatal')).toBe('fatal');
});

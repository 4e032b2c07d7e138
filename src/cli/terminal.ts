// Text for people: lines of at most 80 columns, and colour where a person reads it on a terminal.
import { stripVTControlCharacters, styleText } from 'node:util';
import { formatJson } from '../core/json.ts';
import { plainLine } from '../core/text.ts';
import { print, printError } from '../host/output.ts';
import { FIXED_SPACE, guarded, hasColours, STYLES, type Stream } from './colours.ts';

const WIDTH = 80;

/** A word, a command in backticks, or a value from whole(): what a line break never divides. */
const WORD = /(?:`[^`]*`|[^\s`])+|`/g;
/** Such a line ends with a value or a command to paste. */
const VALUE_LINE = /^ *(for example|check): /;

const lengthOf = (text: string): number => stripVTControlCharacters(text).length;
const finish = (line: string): string => line.trimEnd().replaceAll(FIXED_SPACE, ' ');

/** Whether the text fits on a line of a terminal. */
export const fits = (text: string): boolean => lengthOf(text) <= WIDTH;

/** Marks a value that no line break divides: a command line, a path, a value to paste. */
export const whole = (value: string): string => value.replaceAll(' ', FIXED_SPACE);

/** Breaks text between words. The first line begins with `first`, the others with `rest`. */
export function wrap(text: string, first = '', rest = ' '.repeat(lengthOf(first))): string[] {
  const lines: string[] = [];
  let line = first;
  let words = 0;
  for (const word of text.match(WORD) ?? []) {
    if (words > 0 && lengthOf(line) + 1 + lengthOf(word) > WIDTH) {
      lines.push(line);
      line = rest;
      words = 0;
    }
    line += words++ === 0 ? word : ` ${word}`;
  }
  return [...lines, line].map(finish);
}

/** Guards the lines, and breaks those that are too long; what follows a break is indented by two more columns. @internal */
export const terminalText = (text: string, stream: Stream): string =>
  text
    .split('\n')
    .map((line) => guarded(line, stream))
    .flatMap((line) => {
      if (lengthOf(line) <= WIDTH || VALUE_LINE.test(line)) return finish(line);
      const indent = ' '.repeat(line.search(/\S|$/));
      return wrap(line, indent, `${indent}  `);
    })
    .join('\n');

/** Prints text for a person on standard output. Files are printed as they are, with host/output.ts. */
export const printText = (text: string): void => print(`${terminalText(text, 'stdout')}\n`);
/** The same on standard error. */
export const printErrorText = (text: string): void => printError(`${terminalText(text, 'stderr')}\n`);

/** Prints a line of another program, without its colours, and not broken. */
export const passLine = (line: string, stream: Stream): void =>
  (stream === 'stdout' ? print : printError)(`${plainLine(stripVTControlCharacters(line))}\n`);

export const printJson = (value: unknown): void => print(`${formatJson(value, 2)}\n`);

const LONGEST_LEFT = 26;

/** Two aligned columns, indented; a left cell too long for its column gets a line of its own. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const fitting = rows.map(([left]) => left.length).filter((length) => length <= LONGEST_LEFT);
  const width = Math.max(0, ...fitting);
  const indent = ' '.repeat(width + 4);
  return rows.flatMap(([left, right]) =>
    left.length > width ? [`  ${left}`, ...wrap(right, indent)] : wrap(right, `  ${left.padEnd(width)}  `),
  );
}

/** A command line over several lines that a shell reads as one. */
export function commandLines(command: string, indent: string): string[] {
  const parts = command.split(/ (?=--? ?\S|[|>] )/);
  const lines = [`${indent}${parts[0]}`];
  for (const part of parts.slice(1)) {
    const last = lines.at(-1)!;
    if (last.length + 1 + part.length + 2 <= WIDTH) lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(`${indent}    ${part}`);
  }
  return lines.map((line, at) => (at === lines.length - 1 ? line : `${line} \\`));
}

/** Colours text, if the stream is a terminal and the environment has no NO_COLOR. */
export function style(kind: keyof typeof STYLES, text: string, stream: Stream = 'stdout'): string {
  return hasColours(stream) ? styleText(STYLES[kind], text, { validateStream: false }) : text;
}

export const heading = (text: string): string => style('heading', text);

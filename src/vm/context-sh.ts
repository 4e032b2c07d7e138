// Reads context.sh, the file that OpenNebula puts on the CONTEXT disc. It is parsed, never executed.
// The grammar is what oned writes (src/vm/VirtualMachineContext.cc of OpenNebula; test/support/context-samples has files of
// oned 7.5): NAME='VALUE' lines, each ' of a value as '\'', nothing else escaped. Values may span lines. Between the
// assignments there may be comments and empty lines.
import type { Buffer } from 'node:buffer';
import { Problem } from '../core/problem.ts';
import { quoteName } from '../core/text.ts';

/** How OpenNebula writes a quote inside a value: it ends the quotes, adds an escaped quote, and begins them again. */
const ESCAPED_QUOTE = "'\\''";

/** The names that one-contextd accepts, with dashes and leading digits. */
const NAME = /[A-Za-z0-9_-]+/y;

/**
 * The variables, as an object without a prototype (`__proto__` is a name like others). Values are as in the
 * file, line ends included; outside of values CR LF counts as LF. Linear in the size.
 * @throws Problem context_unreadable with the line of the first thing that is not the grammar; never with a value.
 */
export function parseContextSh(bytes: Buffer | string): Record<string, string> {
  const text = bytes.toString('utf8');
  const nul = text.indexOf('\0');
  if (nul !== -1) throw unreadable(text, nul, 'there is a NUL byte');
  const variables: Record<string, string> = Object.create(null);
  let at = nextAssignment(text, 0);
  while (at < text.length) {
    const { name, value, end } = readAssignment(text, at);
    if (Object.hasOwn(variables, name)) throw unreadable(text, at, `${quoteName(name)} occurs a second time`);
    variables[name] = value;
    at = nextAssignment(text, end);
  }
  return variables;
}

/** The position of the first line, from `at` on, that is neither empty nor a comment. */
function nextAssignment(text: string, at: number): number {
  let line = at;
  while (line < text.length) {
    const end = endOfLine(text, line);
    const empty = end === line || (end === line + 1 && text[line] === '\r');
    if (!empty && text[line] !== '#') break;
    line = end + 1;
  }
  return line;
}

function readAssignment(text: string, start: number): { name: string; value: string; end: number } {
  NAME.lastIndex = start;
  const name = NAME.exec(text)?.[0];
  if (name === undefined) throw unreadable(text, start, 'the line is not an assignment');
  const open = start + name.length;
  // The message has no part of the line: in a damaged file that may be part of a value, such as a line of a key.
  if (!text.startsWith("='", open)) throw unreadable(text, start, "=' is missing after the name");
  const begin = open + 2;
  let close = text.indexOf("'", begin);
  while (close !== -1 && text.startsWith(ESCAPED_QUOTE, close))
    close = text.indexOf("'", close + ESCAPED_QUOTE.length);
  const cutOff = `the value of ${quoteName(name)} has no closing quote: the file is cut off`;
  if (close === -1) throw unreadable(text, start, cutOff);
  const at = close + 1;
  const end = endOfLine(text, at);
  const junk = end - at > 1 || (end - at === 1 && text[at] !== '\r');
  if (junk) throw unreadable(text, at, `there is text after the closing quote of ${quoteName(name)}`);
  // Every quote between the two begins an escape, so that replacing from the left finds exactly the escapes.
  return { name, value: text.slice(begin, close).replaceAll(ESCAPED_QUOTE, "'"), end: end + 1 };
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

const unreadable = (text: string, at: number, found: string): Problem =>
  new Problem('context_unreadable', {
    doing: 'reading context.sh',
    found: `line ${text.slice(0, at).split('\n').length}: ${found}`,
    expected: "lines NAME='VALUE', with each ' of a value written as '\\''",
  });

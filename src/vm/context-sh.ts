// Reads context.sh, the file OpenNebula puts on the CONTEXT disc. It is parsed, never executed.
// Grammar (facts: VirtualMachineContext.cc, and files recorded from a real oned 7.5): NAME='VALUE' a line, each ' of a
// value written as '\'', nothing else escaped; values may span lines; lines between assignments may be comments or empty.
import type { Buffer } from 'node:buffer';
import { Problem } from '../core/problem.ts';

/** How OpenNebula writes a quote inside a value: end the quotes, an escaped quote, begin them again. */
const ESCAPED_QUOTE = "'\\''";

/** Names that one-contextd itself takes up, dashes and leading digits included. */
const NAME = /[A-Za-z0-9_-]+/y;

/**
 * The variables, as an object without a prototype (`__proto__` is a name like others). Values are as in the
 * file, line ends included; outside of values CR LF counts as LF. Linear in the size.
 * @throws Problem context_unreadable with the line of the first thing that is not the grammar; never with a value.
 */
export function parseContextSh(bytes: Buffer | string): Record<string, string> {
  const text = typeof bytes === 'string' ? bytes : bytes.toString('utf8');
  const nul = text.indexOf('\0');
  if (nul !== -1) throw unreadable(text, nul, 'there is a NUL byte');
  const variables: Record<string, string> = Object.create(null);
  let at = nextAssignment(text, 0);
  while (at < text.length) {
    const { name, value, end } = readAssignment(text, at);
    if (Object.hasOwn(variables, name))
      throw unreadable(text, at, `${shortened(name)} is given a second time`);
    variables[name] = value;
    at = nextAssignment(text, end);
  }
  return variables;
}

/** Where the first line from `at` on begins that is neither empty nor a comment. */
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
  if (name === undefined) throw unreadable(text, start, 'the line is no assignment');
  const open = start + name.length;
  // The word is not repeated: in a damaged file it may be a piece of a value, such as a line of a key.
  if (!text.startsWith("='", open))
    throw unreadable(text, start, "the line does not go on with =' after its first word");
  const begin = open + 2;
  let close = text.indexOf("'", begin);
  while (close !== -1 && text.startsWith(ESCAPED_QUOTE, close))
    close = text.indexOf("'", close + ESCAPED_QUOTE.length);
  if (close === -1) {
    throw unreadable(
      text,
      start,
      `the value of ${shortened(name)} begins here and never ends: the file is cut off`,
    );
  }
  const at = close + 1;
  const end = endOfLine(text, at);
  const junk = end - at > 1 || (end - at === 1 && text[at] !== '\r');
  if (junk) throw unreadable(text, at, `something follows the closing quote of ${shortened(name)}`);
  // Every quote between the two begins an escape, so replacing from the left finds exactly those.
  return { name, value: text.slice(begin, close).replaceAll(ESCAPED_QUOTE, "'"), end: end + 1 };
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

const shortened = (name: string): string => (name.length > 80 ? `${name.slice(0, 80)}...` : name);

const unreadable = (text: string, at: number, found: string): Problem =>
  new Problem('context_unreadable', {
    doing: 'reading context.sh',
    found: `line ${text.slice(0, at).split('\n').length}: ${found}`,
    expected: "lines NAME='VALUE', with each ' of a value written as '\\''",
  });

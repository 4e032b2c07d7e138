import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Problem } from '../../../src/core/problem.ts';
import { parseTemplate, parseTemplateBlock } from '../../../src/vm/context-block.ts';
import { parseVariableFile } from '../../../src/vm/context-file.ts';
import { renderContextSh } from '../../support/context-sh.ts';

// Thousands of generated files, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const TEMPLATE = `NAME = "supernode"
CPU = 2
CONTEXT = [
  NETWORK = "YES",   # so that there are addresses
  TOKEN = "YES",
  fl_log_level = DEBUG,
  FL_NODE_CONFIG = "site=\\"Lab 2\\" path=C:\\x",
  FL_NUM_ROUNDS = "$FL_NUM_ROUNDS",
  SSH_PUBLIC_KEY = "$USER[SSH_PUBLIC_KEY]" ]
DISK = [ IMAGE = "flower" ]
`;

const formatOf = (text: string): string => parseVariableFile(text).format;
const variablesOf = (bytes: string | Buffer): Record<string, string> => ({
  ...parseVariableFile(bytes).variables,
});

describe('the format of a file', () => {
  test('context.sh is what reads as one, with and without its first line', () => {
    expect(formatOf(renderContextSh({ A: "it's" }))).toBe('context.sh');
    expect(formatOf("A='1'\nB='2'\n")).toBe('context.sh');
  });

  test('a template is a text with a CONTEXT block', () => expect(formatOf(TEMPLATE)).toBe('template'));

  test('anything else is KEY=VALUE lines', () => {
    expect(formatOf('A=1\nexport B="2" # two\n')).toBe('env');
    expect(formatOf("A='1'\nB=2\n")).toBe('env');
  });

  test('a context.sh that holds the words of a template is a context.sh', () => {
    expect(formatOf(renderContextSh({ NOTE: 'x\nCONTEXT = [ A = "1" ]' }))).toBe('context.sh');
  });

  test('a damaged context.sh is an error; no other parser reads parts of it', () => {
    const damaged = renderContextSh({ A: '1', B: 'two' }).slice(0, -2);
    expect(() => parseVariableFile(damaged)).toThrow(/line 3: the value of B has no closing quote/);
    expect(() => parseVariableFile("A='it'\\''s'\nB=2\n")).toThrow(/line 2/);
  });

  test('a byte order mark and bytes are accepted', () => {
    expect(variablesOf(Buffer.from("\uFEFFA='1'\n"))).toEqual({ A: '1' });
    expect(variablesOf('\uFEFFA=1\n')).toEqual({ A: '1' });
  });

  test('any text at all is read or is a Problem', () => {
    const pieces = fc.array(
      fc.constantFrom('CONTEXT=[', 'A="', '"', ',', ']', '\n', 'B=1', '#', "C='x'", '\\"', ' '),
      { maxLength: 25 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          pieces.map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            parseVariableFile(text);
          } catch (error) {
            expect(error).toBeInstanceOf(Problem);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("a template's CONTEXT block", () => {
  test('has quoted and bare values, comments, \\" as its only escape, and names in capital letters', () => {
    expect({ ...parseTemplateBlock(TEMPLATE) }).toEqual({
      NETWORK: 'YES',
      TOKEN: 'YES',
      FL_LOG_LEVEL: 'DEBUG',
      FL_NODE_CONFIG: 'site="Lab 2" path=C:\\x',
      FL_NUM_ROUNDS: '$FL_NUM_ROUNDS',
      SSH_PUBLIC_KEY: '$USER[SSH_PUBLIC_KEY]',
    });
  });

  test('may be on one line, with other attributes, and empty', () => {
    expect({ ...parseTemplateBlock('context=[A="1",B="2"]') }).toEqual({ A: '1', B: '2' });
    expect({ ...parseTemplateBlock('CONTEXT = [ ]') }).toEqual({});
    const line = 'HYPERVISOR="kvm" NIC = [NETWORK = "private"] CONTEXT = [NETWORK="YES", FL_X="abc"] CPU=1';
    expect(formatOf(line)).toBe('template');
    expect({ ...parseTemplateBlock(line) }).toEqual({ NETWORK: 'YES', FL_X: 'abc' });
  });

  test('has comments where a name or a comma could be, with any character in them', () => {
    const text =
      'CONTEXT = [ # see [1]\n  A = "1" # ]\n  # TOKEN = "YES",\n  , B = "# 2" ]\n# CONTEXT = [ C = "3" ]\n';
    expect({ ...parseTemplateBlock(text) }).toEqual({ A: '1', B: '# 2' });
  });

  test('may be there twice; what several blocks, or one twice, have counts the first time', () => {
    const text = 'CONTEXT = [ A = "1", A = "2" ]\nCPU = 1\nCONTEXT = [ A = "3", B = "4" ]\n';
    expect({ ...parseTemplateBlock(text) }).toEqual({ A: '1', B: '4' });
  });

  // The answers of oned's own parser (7.4.0).
  test.each<[string, string | Record<string, string>]>([
    ['A="x"def', '"x"def'],
    ["A='1'", "'1'"],
    ['A=a"b', 'a"b'],
    ['A="x\\"', 'x\\'],
    ['A="x\\\\" y"', 'x\\" y'],
    ['A=', ''],
    ['A= ]B', 'B'],
    ['"A"="1"', '1'],
    ['A=[ B="1"\n, C="2"\n\n]', { B: '1', C: '2' }],
    ['A="one\ntwo"', 'one\ntwo'],
  ])('%j is read as oned reads it', (text, value) => {
    const [attribute] = parseTemplate(text);
    expect(typeof value === 'string' ? attribute?.value : { ...(attribute?.value as object) }).toEqual(value);
  });

  test.each([
    ['an open quote', 'CONTEXT = [\n A = "hunter2, B = "x" ]', 'line 2: a comma is missing after A'],
    ['a missing comma', 'CONTEXT = [ A = "1"\n B = "hunter2" ]', 'line 1: a comma is missing after A'],
    [
      'a comma before the end',
      'CONTEXT = [\n A = "hunter2",\n]',
      'line 2: a comma before the closing ] in CONTEXT',
    ],
    ['a missing end', 'CONTEXT = [ A = "hunter2"', 'line 1: the [ of CONTEXT is not closed'],
    ['no value', 'CONTEXT = [ A =\n]', 'line 1: A has no value'],
    ['a name without =', 'CPU\nCONTEXT = [ A = "hunter2" ]', 'line 1: there is no = after CPU'],
    ['a dash in a name', 'A-B="hunter2" CONTEXT = [ ]', 'line 1: there is no = after A'],
    ['a bracket too many', 'CONTEXT = [ A = "hunter2" ] ]', 'line 1: a ] instead of a NAME'],
    ['a vector in a vector', 'CONTEXT = [ A = [ B = "hunter2" ] ]', 'line 1: the value of A is a ['],
    [']]>', 'CONTEXT = [ A = "hunter2]]>" ]', 'line 1: the value of CONTEXT has ]]> in it'],
  ])('%s is reported with its line', (_, text, found) => {
    expect(() => parseTemplateBlock(text)).toThrow(found);
    expect(() => parseTemplateBlock(text)).not.toThrow(/hunter2/);
    expect(() => parseVariableFile(text)).toThrow(found);
  });
});

describe('an env file', () => {
  test('has quotes, comments and export as dotenv reads them, and expands nothing', () => {
    expect(variablesOf('A=1 # one\nexport B="two words"\n# c\nC=\'$HOME\'\n')).toEqual({
      A: '1',
      B: 'two words',
      C: '$HOME',
    });
  });

  test('with only other text is a problem', () => {
    expect(() => parseVariableFile('what is this\n')).toThrow(/not one NAME=VALUE/);
  });
});

test.each([
  ['', 'it is empty'],
  [' \n', 'it is empty'],
  ['{}', 'there is no variable in it'],
  ['CONTEXT = [ ]', 'there is no variable in it'],
  ['\n# nothing\n', 'there is no variable in it'],
])('%j is no CONTEXT', (text, found) => {
  expect(() => parseVariableFile(text)).toThrow(expect.objectContaining({ code: 'context_unreadable' }));
  expect(() => parseVariableFile(text)).toThrow(found);
});

test('a quote that is never closed is an error, although dotenv would read something', () => {
  expect(() => parseVariableFile("A='x\nFL_NUM_ROUNDS='5'\nTOKEN='YES'\n")).toThrow(
    expect.objectContaining({ code: 'context_unreadable' }),
  );
});

// Arguments are read against the declaration of a command, and the compiler knows that declaration.
import { expect, test } from 'vitest';
import { defineCommand, parse, UsageError } from '../../../src/cli/command.ts';
import { realMachine } from '../../../src/host/machine.ts';

const command = defineCommand({
  name: 'try',
  summary: 'Try it',
  args: ['[FILE]'],
  examples: [],
  options: {
    json: { description: 'a switch' },
    role: { description: 'a value', value: 'ROLE', choices: ['superlink', 'supernode'] },
    set: { description: 'several values', value: 'VAR=VALUE', multiple: true },
  },
  async run({ flag, value, values }) {
    flag('json');
    value('role');
    values('set');
    // @ts-expect-error: no such option
    flag('jsn');
    // @ts-expect-error: this option has a value
    flag('role');
    // @ts-expect-error: this option is a switch
    value('json');
    // @ts-expect-error: this option has several values
    value('set');
    // @ts-expect-error: this option has one value
    values('role');
    return 0;
  },
});

const parsed = (...argv: string[]) => parse(command, argv, realMachine);

test('options and arguments are read in any order', () => {
  const { args, flag, value, values } = parsed('--set', 'A=1', 'file', '--role=superlink', '--set', 'B=2');
  expect([args, flag('json'), value('role'), values('set')]).toEqual([
    ['file'],
    false,
    'superlink',
    ['A=1', 'B=2'],
  ]);
});

test.each([
  [['--jsn'], "unknown option '--jsn'; did you mean --json?"],
  [['--nothing-like-it'], "unknown option '--nothing-like-it'"],
  [['--role', 'node'], "--role takes superlink or supernode, not 'node'"],
  [['a', 'b'], "unexpected argument 'b'"],
  [['a', '--', 'b'], "this command takes no arguments after '--'"],
])('%j is a usage error', (argv, message) => {
  expect(() => parsed(...argv)).toThrow(new UsageError(message));
});

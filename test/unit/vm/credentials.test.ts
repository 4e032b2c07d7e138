import { expect, test } from 'vitest';
import { tokenFrom } from '../../../src/vm/credentials.ts';

const TOKEN = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=';

test('the token is taken from the first line of one_env', () => {
  expect(
    tokenFrom(
      `export TOKENTXT="${TOKEN}"\nexport VMID="7"\nexport ONEGATE_ENDPOINT="http://198.51.100.1:5030"\n`,
    ),
  ).toBe(TOKEN);
  expect(tokenFrom(`export TOKENTXT="${TOKEN}"`)).toBe(TOKEN);
});

test('a token in a later line, from a context value, is ignored', () => {
  expect(tokenFrom(`export VMID="7"\nexport NOTE="x\nexport TOKENTXT="${TOKEN}"\n"\n`)).toBeUndefined();
});

test.each([
  ['an empty file', ''],
  ['an empty token', 'export TOKENTXT=""\n'],
  ['a command in the token', 'export TOKENTXT="$(id)"\n'],
  ['a quote in the token', 'export TOKENTXT="a"; id; echo "b"\n'],
  ['no quotes', `export TOKENTXT=${TOKEN}\n`],
  ['no export', `TOKENTXT="${TOKEN}"\n`],
  ['an endless line', `export TOKENTXT="${'a'.repeat(100_000)}"\n`],
])('%s holds no token', (_, text) => expect(tokenFrom(text)).toBeUndefined());

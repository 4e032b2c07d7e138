// What the commands about a CONTEXT print: no value of a variable that is not known to be harmless, unless it is asked for.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Command, invoke } from '../../../src/cli/command.ts';
import { context, plan, validate } from '../../../src/cli/context.ts';
import { mayShow } from '../../../src/config/secrets.ts';
import { ALL_NAMES, hasAlias, rowOf } from '../../../src/config/table.ts';
import { realMachine } from '../../../src/host/machine.ts';
import { parseContextSh } from '../../../src/vm/context-sh.ts';

const printed = vi.hoisted(() => ({ text: '' }));
vi.mock('../../../src/host/output.ts', () => {
  const print = (text: string): void => {
    printed.text += text;
  };
  return { print, printError: print };
});

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'masks-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All that a command prints about a CONTEXT. */
async function said(
  command: Command,
  variables: Record<string, string>,
  ...options: string[]
): Promise<string> {
  const file = join(folder, 'context.json');
  writeFileSync(file, JSON.stringify(variables));
  printed.text = '';
  const role = command === context ? [] : ['--role', 'supernode'];
  await invoke(command, [file, ...role, ...options], () => realMachine(folder));
  return printed.text;
}

const EACH: [string, Command, string[]][] = [
  ['context', context, []],
  ['context --json', context, ['--json']],
  ['validate', validate, []],
  ['validate --json', validate, ['--json']],
  ['plan', plan, []],
  ['plan --json', plan, ['--json']],
];

const SECRET = 'Zx9-hunter2';
const NODE = { FL_SUPERLINK_ADDRESS: '198.51.100.7:9092', FL_TLS_ENABLED: 'NO', VMID: '7' };

/** Names in the CONTEXT of real images, and made ones. */
const samples = join(import.meta.dirname, '../../support/context-samples');
const realNames = readdirSync(samples)
  .filter((name) => name.endsWith('.sh'))
  .flatMap((name) => Object.keys(parseContextSh(readFileSync(join(samples, name), 'utf8'))));
const FOREIGN = [
  'DB_PASS',
  'SMTP_AUTH',
  'MYSQL_PWD',
  'PIN',
  'BCRYPT_SALT',
  'HTTP_PROXY',
  'DSN',
  'WEBHOOK',
  'ETH0_PASSWORD',
];
const names = fc.oneof(
  fc.constantFrom(...realNames, ...FOREIGN),
  fc.constantFrom(...realNames, ...ALL_NAMES).map((name) => `${name}X`),
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/),
);

describe.each(EACH)('%s prints no value', (_, command, options) => {
  test('of a variable that is not known to be harmless', async () => {
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        fc.pre(!mayShow(name, SECRET) && !Object.hasOwn(NODE, name));
        expect(await said(command, { ...NODE, [name]: SECRET }, ...options)).not.toContain(SECRET);
      }),
      { numRuns: 25 },
    );
  });

  test.each(
    ALL_NAMES.filter((name) => ['list', 'boolean', 'number', 'number-float'].includes(rowOf(name).input)),
  )('that is a password in the field of %s', async (name) => {
    for (const given of hasAlias(name) ? [name, `ONEAPP_${name}`] : [name])
      expect(await said(command, { ...NODE, [given]: SECRET }, ...options)).not.toContain(SECRET);
  });

  test.each([
    ['HTTP_PROXY', `http://user:${SECRET}@proxy.example:3128`],
    ['ONEGATE_ENDPOINT', `http://user:${SECRET}@198.51.100.1:5030`],
    ['FL_SUPERLINK_ADDRESS', `user:${SECRET}@host`],
    ['FL_SUPERLINK_ADDRESS', `user:${SECRET}@host:9092`],
    ['FL_SUPERLINK_ADDRESS', `${SECRET}@host:9092`],
    ['HOSTNAME', `user:${SECRET}@host`],
    ['FL_NODE_CONFIG', `site=a db-password=${SECRET}`],
    ['ONEAPP_FL_NODE_CONFIG', `site=a pin="${SECRET}"`],
    ['FL_NODE_CONFIG', `pin= ${SECRET}`],
    ['FL_NODE_CONFIG', SECRET],
    ['REPORT_READY', SECRET],
    ['READY_SCRIPT_PATH', `/bin/x --password=${SECRET}`],
    ['TOKEN', SECRET],
    ['FL_SSL_CA_CERTFILE', SECRET],
  ])('of %s=%s with a secret', async (name, value) => {
    expect(await said(command, { ...NODE, [name]: value }, ...options)).not.toContain(SECRET);
  });
});

describe('--show', () => {
  const given = { ...NODE, DB_PASS: SECRET, PIN: '4711-pin', FL_NODE_CONFIG: 'site=a code=4712-code' };

  test('prints the variables that it names, and no others', async () => {
    const text = await said(context, given, '--show', 'DB_PASS');
    expect(text).toContain(SECRET);
    expect(text).toContain('(masked, 8 characters)');
    expect(text).not.toMatch(/4711|4712/);
    expect(
      JSON.parse(await said(context, given, '--json', '--show', 'PIN', '--show', 'FL_NODE_CONFIG')),
    ).toEqual({
      ...given,
      DB_PASS: `(masked, ${SECRET.length} characters)`,
    });
  });

  test('-all prints all', async () => {
    expect(JSON.parse(await said(context, given, '--json', '--show-all'))).toEqual(given);
    expect(await said(plan, given, '--show-all')).toContain('code = "4712-code"');
  });

  test('of FL_NODE_CONFIG prints its values in the plan, which has only its keys otherwise', async () => {
    expect(await said(plan, given)).toContain('code = "(masked)"');
    expect(await said(plan, given, '--show', 'FL_NODE_CONFIG')).toContain('code = "4712-code"');
  });

  test('of a name that the CONTEXT does not have is an error with the name that was meant', async () => {
    expect(await said(context, given, '--show', 'DB_PAS')).toContain(
      'the CONTEXT has no DB_PAS; did you mean DB_PASS?',
    );
  });
});

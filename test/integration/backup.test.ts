// `flower-context backup` and `restore`: a restore checks before it destroys. systemd is a script here, which records what
// it is called with; test/vm/backup.test.ts has the real one.

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { type Outcome, run } from '../support/zone/process.ts';
import { temporaryFolder } from '../support/zone/test-zone.ts';
import { NODE, REPOSITORY, SHIPPED } from '../support/zone/vm.ts';

const SYSTEMCTL = `#!/bin/sh
case $1 in
  cat) printf '[Service]\\nUser=flower\\nEnvironment="https_proxy=http://u:pass word@p" A=b\\n' ;;
  show) echo ActiveState=inactive ;;
esac
`;
const SYSTEMD_RUN = `#!/bin/sh
echo "$*" >>$CALLS
echo "$https_proxy,$A" >>$CALLS.env
while [ "$1" != -- ]; do shift; done
shift
"$@"
`;

let home: string;
let root: string;
let saved: string;
const at = (path: string): string => join(root, path);
const put = (path: string, text: string): void => {
  mkdirSync(join(at(path), '..'), { recursive: true });
  writeFileSync(at(path), text);
};
const KEY = '/var/lib/flower-context/tls/ca.key';
const DATA = '/var/lib/flower/superlink/data';
const MODEL = '/var/lib/flower-app/checkpoints/model';
const CHECKPOINT = '/var/lib/flower-context/checkpoint.json';
const texts = (): string[] => [KEY, DATA, MODEL].map((path) => readFileSync(at(path), 'utf8'));
const image = (version: string): void =>
  put(
    '/etc/flower-context/appliance.json',
    JSON.stringify({ role: 'superlink', flower: { version, framework: 'none' } }),
  );

async function agent(...args: string[]): Promise<Outcome> {
  const outcome = await run(NODE, [SHIPPED, ...args, '--root', root], {
    env: { ...process.env, PATH: `${home}/bin:${process.env.PATH}`, CALLS: `${home}/calls` },
  });
  return { ...outcome, stderr: outcome.stderr.replaceAll(/\n +/g, ' ') };
}

beforeEach(() => {
  home = temporaryFolder();
  root = join(home, 'vm');
  saved = join(home, 'saved');
  mkdirSync(join(home, 'bin'));
  writeFileSync(join(home, 'bin/systemctl'), SYSTEMCTL, { mode: 0o755 });
  writeFileSync(join(home, 'bin/systemd-run'), SYSTEMD_RUN, { mode: 0o755 });
  image(BAKED_FLOWER);
  put('/usr/lib/flower-context/flower-backup.py', '');
  cpSync(join(REPOSITORY, 'appliance/lib/flower-backup.py'), at('/usr/lib/flower-context/flower-backup.py'));
  mkdirSync(at('/run/flower-context'), { recursive: true });
  for (const path of [KEY, DATA, MODEL]) put(path, 'saved');
});

/** Another VM: the state of a later time. */
const change = (): void => {
  for (const path of [KEY, DATA, MODEL]) put(path, 'later');
  put(`${DATA}2`, 'later');
  put(CHECKPOINT, '{}');
};

test('a backup is restored: keys, the directory of Flower, and that of the apps', async () => {
  const made = await agent('backup', saved);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(readdirSync(saved)).toEqual(['agent.tar', 'apps.tar', 'flower.tar', 'manifest.json']);
  for (const name of readdirSync(saved)) expect(statSync(join(saved, name)).mode & 0o777).toBe(0o600);
  expect(statSync(saved).mode & 0o777).toBe(0o700);
  change();
  expect(await agent('restore', saved)).toMatchObject({ code: 0, stderr: '' });
  expect(texts()).toEqual(['saved', 'saved', 'saved']);
  expect(existsSync(at(`${DATA}2`))).toBe(false);
  expect(readdirSync(at('/var/lib/flower-context'))).toEqual(['checkpoint.json', 'tls']);
  // No step is finished, and an older Flower is refused for the database of the backup.
  expect(JSON.parse(readFileSync(at(CHECKPOINT), 'utf8'))).toEqual({
    version: 1,
    steps: {},
    database: { flower: BAKED_FLOWER },
  });
  expect(readdirSync(at('/var/lib/flower/superlink'))).toEqual(['data']);
});

const spoil = (name: string, bytes: string): void => {
  const size = statSync(join(saved, name)).size;
  writeFileSync(join(saved, name), bytes);
  truncateSync(join(saved, name), size);
};
test.each<[string, () => void, number, string]>([
  ['agent.tar is missing', () => rmSync(join(saved, 'agent.tar')), 64, 'agent.tar cannot be found'],
  ['agent.tar is cut', () => truncateSync(join(saved, 'agent.tar'), 512), 64, 'agent.tar has 512 bytes'],
  ['agent.tar is empty', () => truncateSync(join(saved, 'agent.tar'), 0), 64, 'agent.tar has 0 bytes'],
  ['agent.tar is something else', () => spoil('agent.tar', 'x'.repeat(2000)), 1, 'unpacking the keys'],
  ['flower.tar is missing', () => rmSync(join(saved, 'flower.tar')), 64, 'flower.tar cannot be found'],
  ['flower.tar is something else', () => spoil('flower.tar', 'x'.repeat(2000)), 1, 'the state of Flower'],
  ['apps.tar is something else', () => spoil('apps.tar', 'x'.repeat(2000)), 1, 'the state of apps'],
  ['the Flower of this VM is older', () => image('1.38.0'), 64, 'the older 1.38.0'],
])('%s: a restore changes nothing', async (_what, damage, code, said) => {
  await agent('backup', saved);
  change();
  damage();
  const outcome = await agent('restore', saved);
  expect(outcome).toMatchObject({ code, stderr: expect.stringContaining(said) });
  expect(texts()).toEqual(['later', 'later', 'later']);
  expect(existsSync(at(CHECKPOINT))).toBe(true);
  expect(readdirSync(at('/var/lib/flower-context'))).toEqual(['checkpoint.json', 'tls']);
  expect(readdirSync(at('/var/lib/flower/superlink'))).toEqual(['data', 'data2']);
});

test('an app cannot end a backup: what cannot be saved as it is, is a warning', async () => {
  put('/var/lib/flower/superlink/f', `SQLite format 3\0${'x'.repeat(2000)}`);
  const { code, stderr } = await agent('backup', saved);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/^warning: not saved as they are:.* f: copied as a plain file/),
  });
});

test('a folder that exists, also as a link, or would be in none, is not used', async () => {
  mkdirSync(join(home, 'mine'));
  symlinkSync(join(home, 'mine'), saved);
  expect(await agent('backup', saved)).toMatchObject({ code: 64, stderr: expect.stringContaining('exists') });
  expect(await agent('backup', join(home, 'none/saved'))).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('does not exist'),
  });
  expect(readdirSync(join(home, 'mine'))).toEqual([]);
});

test('a folder that is exchanged while it is filled gets no key', async () => {
  // systemd-run runs after the first file: then somebody who can write in the parent gives the name to another folder.
  writeFileSync(
    join(home, 'bin/systemd-run'),
    SYSTEMD_RUN.replace(
      'shift\n',
      `[ -e ${home}/mine ] || { mv ${saved} ${home}/mine; mkdir ${saved}; }\nshift\n`,
    ),
  );
  expect((await agent('backup', saved)).code).toBe(0);
  expect(readdirSync(saved)).toEqual([]);
  expect(readdirSync(join(home, 'mine'))).toContain('manifest.json');
});

test('a variable of the unit reaches the command, and is in no argument', async () => {
  await agent('backup', saved);
  const calls = readFileSync(`${home}/calls`, 'utf8');
  expect(calls).toContain('--setenv=https_proxy --setenv=A ');
  expect(calls).not.toContain('pass');
  expect(readFileSync(`${home}/calls.env`, 'utf8')).toContain('http://u:pass word@p,b\n');
});

test('what another program says is one line of text', async () => {
  writeFileSync(join(home, 'bin/systemctl'), "#!/bin/sh\nprintf 'no\\033[2Jsuch\\nunit\\n' >&2\nexit 1\n");
  chmodSync(join(home, 'bin/systemctl'), 0o755);
  const { code, stderr } = await agent('backup', saved);
  expect(code).toBe(1);
  expect(stderr).toContain('nosuch unit');
});

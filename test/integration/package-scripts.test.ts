// Scripts of the package and of the installation, as root on a machine where systemd runs: /run and /home are others.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/host/process.ts';

const APPLIANCE = join(import.meta.dirname, '../../appliance');

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flower-scripts-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const onMachine = (setup: string, ...command: string[]) =>
  run(
    'unshare',
    [
      '--mount',
      'sh',
      '-euc',
      `mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /home; ${setup}; exec "$@"`,
      'sh',
      ...command,
    ],
    { env: { ...process.env, PATH: `${root}/bin:${process.env.PATH}` } },
  );
const SYSTEMD = 'mkdir -p /run/systemd/system';

describe.skipIf(process.getuid?.() !== 0)('install.sh on a running system', () => {
  const install = (setup: string, wheels: string) =>
    onMachine(
      setup,
      join(APPLIANCE, 'install.sh'),
      'superlink',
      '--wheels',
      wheels,
      '--package',
      '/nonexistent.deb',
    );

  test.each(['/home/ubuntu/wheels', '/run/wheels', '/home'])(
    'refuses the wheels in %s, which the installation does not see',
    async (wheels) => {
      const { code, stderr } = await install(`${SYSTEMD}; mkdir -p ${wheels}`, wheels);
      expect(code).toBe(1);
      expect(stderr).toContain(`the installation of Flower does not see ${wheels}; copy the folder to /srv`);
    },
  );

  test('refuses a link to such a folder', async () => {
    const { stderr } = await install(
      `${SYSTEMD}; mkdir /home/w; ln -s /home/w ${root}/wheels`,
      `${root}/wheels`,
    );
    expect(stderr).toContain('does not see /home/w;');
  });

  test('takes other folders, and where systemd does not run also these', async () => {
    mkdirSync(join(root, 'home'));
    const outside = await install(SYSTEMD, join(root, 'home'));
    const withoutSystemd = await install('mkdir -p /home/ubuntu/wheels', '/home/ubuntu/wheels');
    for (const { code, stderr } of [outside, withoutSystemd])
      expect([code, stderr]).toEqual([1, expect.stringContaining('no package')]);
  });

  test('names a folder that does not exist', async () => {
    expect((await install(SYSTEMD, '/home/none')).stderr).toContain('no folder /home/none');
  });
});

describe.skipIf(process.getuid?.() !== 0)('the removal of the package', () => {
  beforeEach(() => {
    mkdirSync(join(root, 'bin'));
    for (const name of ['systemctl', 'deb-systemd-invoke', 'find']) {
      writeFileSync(join(root, 'bin', name), `#!/bin/sh\necho "${name} $*" >>${root}/log\n`);
      chmodSync(join(root, 'bin', name), 0o755);
    }
  });
  const log = (): string => (existsSync(join(root, 'log')) ? readFileSync(join(root, 'log'), 'utf8') : '');

  test('ends the agent, and then the installations that it started', async () => {
    expect(await onMachine(SYSTEMD, join(APPLIANCE, 'deb/prerm'), 'remove')).toMatchObject({ code: 0 });
    expect(log()).toMatch(
      /^deb-systemd-invoke stop .*flower-context\.service.*\nsystemctl stop flower-environment@\*\.service\n/,
    );
  });

  test('ends no installation at an upgrade', async () => {
    expect(await onMachine(SYSTEMD, join(APPLIANCE, 'deb/prerm'), 'upgrade', '1')).toMatchObject({ code: 0 });
    expect(log()).not.toContain('systemctl');
  });
});

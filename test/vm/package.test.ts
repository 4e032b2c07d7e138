import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Container } from '../support/nspawn/container.ts';
import type { Guest } from '../support/vm/guest.ts';
import { rootOf } from '../support/vm/images.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

/** PACKAGE names it, as for the image; else what `make deb` made. */
const DIST = join(REPOSITORY, 'dist');
const PACKAGE = resolve(
  REPOSITORY,
  process.env.PACKAGE ??
    join(DIST, readdirSync(DIST).find((file) => /^flower-context_.*\.deb$/.test(file)) ?? 'none: make deb'),
);
const field = (name: string): string =>
  execFileSync('dpkg-deb', ['-f', PACKAGE, name], { encoding: 'utf8' }).trim();

/** The same package with another version, and a file that identifies it. */
function successor(folder: string): string {
  const tree = join(folder, 'tree');
  const file = join(folder, 'next.deb');
  execFileSync('dpkg-deb', ['-R', PACKAGE, tree]);
  const control = join(tree, 'DEBIAN/control');
  writeFileSync(
    control,
    readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${field('Version')}+next`),
  );
  writeFileSync(join(tree, 'usr/lib/flower-context/next'), '');
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, file], { stdio: 'ignore' });
  return file;
}

const present = async (guest: Guest, paths: readonly string[]): Promise<string[]> =>
  (await guest.sh(`ls -d ${paths.join(' ')} 2>/dev/null || true`)).split('\n').filter(Boolean);

const STATE = ['/etc/flower-context', '/opt/flower', '/var/lib/flower', '/var/lib/flower-context'];
const PROGRAM = [
  '/usr/bin/flower-context',
  '/usr/lib/flower-context',
  '/usr/lib/systemd/system/flower-context.service',
  '/usr/lib/sysusers.d/flower-context.conf',
  '/usr/lib/tmpfiles.d/flower-context.conf',
  '/usr/share/flower-context/apps/quickstart/pyproject.toml',
];

function lintian(): string | undefined {
  try {
    return execFileSync('lintian', ['--fail-on', 'none', '--allow-root', PACKAGE], { encoding: 'utf8' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
const found = lintian();

describe('the package', () => {
  test.skipIf(found === undefined)('has no errors and no warnings for lintian', () => {
    expect(found).toBe('');
  });

  test('has the same bytes when it is built again', () => {
    const again = mkdtempSync(join(tmpdir(), 'flower-deb-'));
    const build = (folder: string): Buffer => {
      const env = { ...process.env, DEB_COMPRESSION: 'none' };
      const path = execFileSync(join(REPOSITORY, 'appliance/deb/build.sh'), [folder], {
        env,
        encoding: 'utf8',
      });
      return readFileSync(resolve(REPOSITORY, path.trim()));
    };
    try {
      expect(build(join(again, 'one')).equals(build(join(again, 'two')))).toBe(true);
    } finally {
      rmSync(again, { recursive: true, force: true });
    }
  });
});

describe('on a Debian with one-context and nothing else', () => {
  const dir = '/run/fcvm/package';
  let guest: Container;

  beforeAll(async () => {
    mkdirSync(dir);
    const context = { NETWORK: 'YES', ETH0_MAC: '02:00:ac:10:64:63', ETH0_IP: '172.16.100.99' };
    guest = new Container({
      name: 'fcvm-package',
      dir,
      role: 'superlink',
      context,
      image: rootOf('base'),
    });
    await guest.powerOn();
    await guest.until('systemd to be up', async () =>
      /running|degraded/.test((await guest.exec('systemctl is-system-running')).stdout),
    );
    cpSync(PACKAGE, guest.path('/root/flower-context.deb'));
  });
  afterAll(() => guest?.powerCut());

  test('installs without the network, because it depends on Debian packages only', async () => {
    await guest.sh('apt-get install -qq -y /root/flower-context.deb', { timeoutMs: 120_000 });
    // An image has no manual pages and no documentation, but every licence.
    const missing = (await guest.sh('dpkg --verify flower-context')).split('\n').filter(Boolean);
    expect(missing.filter((line) => !/^missing +\/usr\/share\/(man\/|doc\/.*changelog)/.test(line))).toEqual(
      [],
    );
    expect(await present(guest, PROGRAM)).toEqual(PROGRAM);
    expect(await guest.sh('flower-context version')).toContain(field('Version'));
    expect(await guest.sh('getent passwd flower')).toContain('/usr/sbin/nologin');
    expect(await guest.sh('stat -c %a /etc/one-context.d/net-91-flower-context')).toBe('755');
    await guest.sh('test -x /opt/flower/scripts/health-check.sh');
  });

  test('starts nothing, because the install script sets the role', async () => {
    expect((await guest.exec('systemctl is-enabled flower-context')).stdout.trim()).toBe('disabled');
    expect((await guest.unit('flower-context', 'ActiveState')).ActiveState).toBe('inactive');
  });

  test('the agent without a role reports that the image is incomplete', async () => {
    const { code, stdout, stderr } = await guest.exec('flower-context boot');
    expect(code).not.toBe(0);
    expect(`${stdout}${stderr}`).toContain('image_incomplete');
  });

  test('leaves only the user after a purge, and no failed unit', async () => {
    await guest.sh('apt-get purge -qq -y flower-context', { timeoutMs: 120_000 });
    expect(
      await present(guest, [
        ...PROGRAM,
        ...STATE,
        '/var/cache/flower-context',
        '/etc/one-context.d/net-91-flower-context',
      ]),
    ).toEqual([]);
    expect(await guest.sh('systemctl list-units --failed --no-legend')).toBe('');
    expect(await guest.sh('id -un flower')).toBe('flower');
  });
});

describe('on a SuperLink that serves', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'flower-package-'));
  let service: GuestService;
  let guest: Container;
  const pid = async (unit: string): Promise<string | undefined> =>
    (await guest.unit(unit, 'MainPID')).MainPID;
  const state = (): Promise<string> =>
    guest.sh('cd /var/lib/flower-context && find tls -type f -exec sha256sum {} + | sort -k2');

  beforeAll(async () => {
    service = new GuestService({ make: container, supernodes: 0 });
    await service.up();
    guest = service.superlink as Container;
  });
  afterAll(async () => {
    await service?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  test('another version starts another agent with the same keys and certificates, without a restart of Flower', async () => {
    const before = {
      agent: await pid('flower-context'),
      flower: await pid('flower-superlink'),
      state: await state(),
    };
    const version = await guest.sh('cat /etc/flower-context/appliance.json');
    cpSync(successor(scratch), guest.path('/root/next.deb'));
    await guest.sh('dpkg -i /root/next.deb', { timeoutMs: 120_000 });
    expect(existsSync(guest.path('/usr/lib/flower-context/next'))).toBe(true);
    await guest.until('another agent to be ready', async () => {
      const { MainPID, ActiveState } = await guest.unit('flower-context', 'MainPID', 'ActiveState');
      return ActiveState === 'active' && MainPID !== before.agent && MainPID !== '0';
    });
    const status = await guest.whenReady();
    expect(status.problems).toEqual([]);
    expect(await state()).toBe(before.state);
    expect(await pid('flower-superlink')).toBe(before.flower);
    expect(await guest.sh('cat /etc/flower-context/appliance.json')).toBe(version);
    expect(service.oneVm(guest).userTemplate.get('READY')).toBe('YES');
  });

  test('a removal stops Flower and keeps its state, and a new installation gives the same SuperLink', async () => {
    const before = await state();
    await guest.sh('dpkg -r flower-context', { timeoutMs: 120_000 });
    expect((await guest.unit('flower-superlink', 'ActiveState')).ActiveState).toBe('inactive');
    expect(await guest.sh('pgrep -u flower || true')).toBe('');
    expect(await present(guest, PROGRAM)).toEqual([]);
    expect(await present(guest, STATE)).toEqual(STATE);
    await guest.sh('dpkg -i /root/next.deb && systemctl enable --now flower-context', { timeoutMs: 120_000 });
    await guest.whenReady();
    expect(await state()).toBe(before);
  });

  test('a purge while Flower serves removes all its files', async () => {
    // An installation that goes on.
    await guest.sh(
      [
        'mkdir -p /run/systemd/system/flower-environment@.service.d /opt/flower/envs/1.31.0-none',
        "printf '[Service]\\nExecStart=\\nExecStart=sleep 3600\\n' >/run/systemd/system/flower-environment@.service.d/x.conf",
        'systemctl daemon-reload',
        'systemctl start --no-block flower-environment@1.31.0-none',
        'until pgrep -u flower-build sleep; do sleep 0.1; done',
      ].join(' && '),
    );
    await guest.sh('dpkg -P flower-context', { timeoutMs: 120_000 });
    expect(await guest.sh('pgrep -u flower-build || true')).toBe('');
    expect(await present(guest, [...PROGRAM, ...STATE, '/run/flower-context', '/opt/flower/envs'])).toEqual(
      [],
    );
    expect(await guest.sh('pgrep -u flower || true')).toBe('');
    expect(await guest.sh('systemctl list-units --failed --no-legend')).toBe('');
  });
});

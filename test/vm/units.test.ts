import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';
import { until } from '../support/zone/process.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

const SECURITY = readFileSync(join(REPOSITORY, 'docs/security.md'), 'utf8');
const UNITS = [
  'flower-context.service',
  'flower-context-reread.service',
  'flower-superlink.service',
  'flower-supernode.service',
  'flower-superexec.service',
];

describe('the units of the image', () => {
  let service: GuestService;
  let guest: Guest;

  beforeAll(async () => {
    service = new GuestService({ make: container, supernodes: 0 });
    await service.up();
    guest = service.superlink;
  });
  afterAll(() => service?.stop());

  test('systemd-analyze verify accepts them', async () => {
    const { code, stdout, stderr } = await guest.exec(`systemd-analyze verify --man=no ${UNITS.join(' ')}`);
    const version = Number(/^systemd (\d+)/.exec(await guest.sh('systemctl --version'))![1]);
    // The systemd of Debian 12 has no growing pauses; it warns and tries every five seconds.
    const unknown =
      version < 254 ? /^.*Unknown key '?(RestartSteps|RestartMaxDelaySec)'? .*, ignoring\.\n/gm : /(?!)/g;
    expect({ code, said: `${stdout}${stderr}`.replaceAll(unknown, '') }).toEqual({ code: 0, said: '' });
  });

  test('one-context and the agent start in the same boot without an ordering cycle', async () => {
    expect(await guest.sh('journalctl -b --no-pager -o cat')).not.toMatch(
      /ordering cycle|Found dependency on/i,
    );
    // one-context ends a moment after it has reported READY.
    for (const unit of ['one-context', 'flower-context', 'flower-superlink'])
      await until(`${unit} to be active`, async () => {
        const { ActiveState } = await guest.unit(unit, 'ActiveState');
        return ActiveState === 'active';
      });
    const started = async (unit: string): Promise<number> =>
      Number((await guest.unit(unit, 'ExecMainStartTimestampMonotonic')).ExecMainStartTimestampMonotonic);
    expect(await started('flower-context')).toBeGreaterThan(await started('one-context-online'));
  });

  test('the agent and the network stage of one-context do not delay each other', async () => {
    const { After, Before } = await guest.unit('flower-context', 'After', 'Before');
    expect(After).not.toMatch(/\bone-context\.service\b/);
    expect(Before).not.toMatch(/one-context/);
  });

  test.each(UNITS)('%s is not more exposed than docs/security.md says', async (unit) => {
    const text = await guest.sh(`systemd-analyze security --no-pager ${unit} || true`);
    const score = Number(/exposure level for \S+: ([\d.]+)/.exec(text)?.[1]);
    const said = Number(new RegExp(`^\\| ${unit} \\| ([\\d.]+) \\|`, 'm').exec(SECURITY)?.[1]);
    console.log(`${unit}: exposure ${score}, in docs/security.md ${said}`);
    expect(score).toBeLessThanOrEqual(said);
  });

  test('Flower can write below its own folder and nowhere else, and sees no keys of the CA', async () => {
    const pid = (await guest.unit('flower-superlink', 'MainPID')).MainPID;
    const inside = (script: string) =>
      guest.exec(
        `nsenter -t ${pid} -m setpriv --reuid=flower --regid=flower --clear-groups sh -c '${script}'`,
      );
    expect((await inside('touch /var/lib/flower/superlink/x && rm /var/lib/flower/superlink/x')).code).toBe(
      0,
    );
    for (const path of [
      '/opt/flower/x',
      '/etc/x',
      '/usr/x',
      '/run/flower-context/x',
      '/var/lib/flower-context/x',
    ])
      expect((await inside(`touch ${path}`)).code, path).not.toBe(0);
    expect((await inside('cat /var/lib/flower-context/tls/ca.key')).code).not.toBe(0);
    expect((await inside('ls /root')).code).not.toBe(0);
    const status = await guest.sh(`cat /proc/${pid}/status`);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  test('the agent reports its state in systemctl status, and has a watchdog', async () => {
    const { StatusText, WatchdogUSec, Type } = await guest.unit(
      'flower-context',
      'StatusText',
      'WatchdogUSec',
      'Type',
    );
    expect(Type).toBe('notify');
    expect(StatusText).toMatch(/ready/);
    expect(WatchdogUSec).toBe('2min');
  });

  test('an agent that is killed starts again, without a restart of Flower', async () => {
    const before = (await guest.unit('flower-superlink', 'MainPID')).MainPID;
    const agent = (await guest.unit('flower-context', 'MainPID')).MainPID;
    await guest.sh(`kill -KILL ${agent}`);
    await guest.until('another agent to be ready', async () => {
      const { MainPID, ActiveState } = await guest.unit('flower-context', 'MainPID', 'ActiveState');
      return ActiveState === 'active' && MainPID !== agent;
    });
    expect((await guest.unit('flower-superlink', 'MainPID')).MainPID).toBe(before);
  });

  test('systemd restarts a Flower that is killed, and the agent reports it', async () => {
    const before = (await guest.unit('flower-superlink', 'MainPID')).MainPID;
    await guest.sh(`kill -KILL ${before}`);
    await guest.until('another Flower to serve', async () => {
      const { MainPID, ActiveState } = await guest.unit('flower-superlink', 'MainPID', 'ActiveState');
      return ActiveState === 'active' && MainPID !== before;
    });
    await guest.whenReady();
  });
});

describe('a SuperLink whose Fleet API is on port 443', () => {
  let service: GuestService;
  afterAll(() => service?.stop());

  test('serves, although Flower is not root', async () => {
    service = new GuestService({
      make: container,
      supernodes: 0,
      superlink: { FL_FLEET_API_ADDRESS: '0.0.0.0:443' },
    });
    await service.up();
    expect(service.oneVm(service.superlink).userTemplate.get('FL_ENDPOINT')).toMatch(/:443$/);
  });
});

// A Flower that hangs, and a SuperExec that is gone, with the real systemd: ended, and served again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';

const ROLES = ['superlink', 'supernode'] as const;
type Role = (typeof ROLES)[number];
const SUPEREXEC = 'flower-superexec.service';

/** Waits until a unit is active with another main process; returns the seconds that it took. */
async function restarted(guest: Guest, unit: string, pid: string, seconds: number): Promise<number> {
  const began = performance.now();
  await guest.until(
    `another process of ${unit}`,
    async () => {
      const { MainPID, ActiveState } = await guest.unit(unit, 'MainPID', 'ActiveState');
      return ActiveState === 'active' && MainPID !== pid;
    },
    seconds,
  );
  const took = (performance.now() - began) / 1_000;
  console.log(`${guest.spec.role}: ${unit} runs again after ${took.toFixed(1)} s`);
  return took;
}

const mainPid = async (guest: Guest, unit: string): Promise<string> =>
  (await guest.unit(unit, 'MainPID')).MainPID!;

const journalOf = (guest: Guest, unit: string): Promise<string> =>
  guest.sh(`journalctl -b --no-pager -o cat UNIT=${unit} + _SYSTEMD_UNIT=${unit}`);

describe.each(['subprocess', 'process'])('with FL_ISOLATION=%s', (mode) => {
  let service: GuestService;
  const guestOf = (role: Role): Guest => (role === 'superlink' ? service.superlink : service.supernodes[0]!);

  beforeAll(async () => {
    const context = { FL_ISOLATION: mode };
    service = new GuestService({ make: container, supernodes: 1, superlink: context, supernode: context });
    await service.up();
  });
  afterAll(() => service?.stop());

  test.each(ROLES)('SuperExec of the %s is killed: another one runs within 20 s', async (role) => {
    const guest = guestOf(role);
    if (mode === 'process') {
      const before = await mainPid(guest, SUPEREXEC);
      await guest.sh(`kill -KILL ${before}`);
      expect(
        await restarted(guest, SUPEREXEC, before, 20),
        await guest.sh(`journalctl -b --no-pager -o short-monotonic -n 60`),
      ).toBeLessThan(20);
      return;
    }
    const unit = `flower-${role}.service`;
    const flower = await mainPid(guest, unit);
    const superexec = `pgrep -r S,R,D -P ${flower} -f flower-superexec`;
    const before = await guest.sh(superexec);
    await guest.sh(`kill -KILL ${before}`);
    await guest.until(
      'another SuperExec',
      async () => {
        const { stdout } = await guest.exec(superexec);
        return stdout.trim() !== '' && stdout.trim() !== before;
      },
      20,
    );
    expect(await mainPid(guest, unit), 'Flower goes on').toBe(flower);
    expect(await journalOf(guest, unit)).toContain(
      'SuperExec ended (killed by SIGKILL); started another one, because no run can begin without it',
    );
  });

  test.runIf(mode === 'process').each(ROLES)('SuperExec of the %s hangs: it is restarted', async (role) => {
    const guest = guestOf(role);
    // The agent looks after it as well, but it can be away.
    await guest.sh('systemctl stop flower-context');
    const before = await mainPid(guest, SUPEREXEC);
    await guest.sh(`kill -STOP ${before}`);
    await restarted(guest, SUPEREXEC, before, 90);
    expect(await journalOf(guest, SUPEREXEC)).toContain("Failed with result 'watchdog'");
  });

  test.runIf(mode === 'subprocess').each(ROLES)(
    'a %s that was stopped by a signal is killed with its children, and serves again within two minutes',
    async (role) => {
      const guest = guestOf(role);
      const unit = `flower-${role}.service`;
      const before = await mainPid(guest, unit);
      const group = [before, ...(await guest.sh(`pgrep -P ${before}`)).split('\n')];
      expect(group.length, 'SuperExec is one of them').toBeGreaterThan(1);
      // The agent looks after it as well, but it can be away.
      await guest.sh('systemctl stop flower-context');
      await guest.sh(`kill -STOP ${before}`);
      expect(await restarted(guest, unit, before, 120)).toBeLessThan(120);
      const journal = await journalOf(guest, unit);
      expect(journal).toMatch(/Watchdog timeout \(limit 1min\)!/);
      expect(journal).toContain("Failed with result 'watchdog'");
      expect(journal).not.toMatch(/dumped core|core-dump/);
      for (const pid of group) expect((await guest.exec(`kill -0 ${pid}`)).code, pid).not.toBe(0);
      await guest.sh('systemctl start --no-block flower-context');
      await service.superlink.whenReady();
      await guest.whenReady();
    },
  );

  test.runIf(mode === 'subprocess').each(ROLES)('a stop of a %s leaves no failure', async (role) => {
    const guest = guestOf(role);
    const unit = `flower-${role}`;
    // It would start Flower again.
    await guest.sh('systemctl stop flower-context');
    await guest.sh(`systemctl stop ${unit}`);
    const { Result, ExecMainStatus } = await guest.unit(unit, 'Result', 'ExecMainStatus');
    expect(ExecMainStatus).toBe('0');
    expect(await journalOf(guest, `${unit}.service`)).toContain('flower-launch: stopped as requested');
    // With control groups of version 1 a container's systemd may not notice that the last process is gone.
    if ((await guest.exec('test -e /sys/fs/cgroup/cgroup.controllers')).code === 0)
      expect(Result).toBe('success');
    await guest.sh('systemctl start --no-block flower-context');
    await guest.whenReady();
  });
});

describe('before READY=1', () => {
  let service: GuestService;
  afterAll(() => service?.stop());

  test('no watchdog is armed, and the limit of the start is extended while the launcher waits', async () => {
    service = new GuestService({ make: container, supernodes: 0 });
    await service.up();
    const guest = service.superlink;
    await guest.sh('systemctl stop flower-context flower-superlink && rm /run/flower-context/plan.json');
    await guest.sh(
      'mkdir -p /run/systemd/system/flower-superlink.service.d && ' +
        "printf '[Service]\\nTimeoutStartSec=30\\nWatchdogSec=5\\n' >/run/systemd/system/flower-superlink.service.d/short.conf && " +
        'systemctl daemon-reload && systemctl start --no-block flower-superlink',
    );
    const began = performance.now();
    await guest.until(
      '45 s to pass',
      async () => {
        const { ActiveState, NRestarts, Result } = await guest.unit(
          'flower-superlink',
          'ActiveState',
          'NRestarts',
          'Result',
        );
        expect({ ActiveState, NRestarts, Result }).toEqual({
          ActiveState: 'activating',
          NRestarts: '0',
          Result: 'success',
        });
        return performance.now() - began > 45_000;
      },
      90,
    );
  });
});

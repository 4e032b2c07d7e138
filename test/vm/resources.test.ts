import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Foothold, submitAttacker } from '../support/vm/foothold.ts';
import type { Guest } from '../support/vm/guest.ts';
import { stretchLeases } from '../support/vm/leases.ts';
import { container, vm } from '../support/vm/machines.ts';
import { ACCELERATOR, VIRTUAL_MACHINES } from '../support/vm/qemu.ts';
import { GuestService } from '../support/vm/service.ts';
import { roundsOf } from '../support/zone/training.ts';

// An app that takes all it can get of its VM. Only a VM has a memory, tasks and a disk of its own.

describe.skipIf(!VIRTUAL_MACHINES).each(['supernode', 'superlink'] as const)('an app on a %s', (role) => {
  let service: GuestService;
  let guest: Guest;
  let agent: string;
  const unit = `flower-${role}`;

  const main = async (name: string): Promise<string> => (await guest.unit(name, 'MainPID')).MainPID!;

  async function submitted(): Promise<Foothold> {
    await submitAttacker(service.superlink);
    return Foothold.on(guest);
  }

  /** The agent is the process that it was, it answers, and Flower takes part (again). */
  async function unharmed(): Promise<void> {
    await guest.whenReady(120);
    expect((await guest.exec('flower-context ready')).code).toBe(0);
    expect(await main('flower-context')).toBe(agent);
    expect((await guest.unit('flower-context', 'NRestarts')).NRestarts).toBe('0');
    expect(await guest.sh('systemctl --failed --no-legend')).toBe('');
  }

  beforeAll(async () => {
    const make = (spec: Parameters<typeof vm>[0]): Guest =>
      spec.role === role ? vm(spec, [], 2) : container(spec);
    service = new GuestService({ make, supernodes: 1 });
    await service.up();
    guest = service.all.find(({ spec }) => spec.role === role)!;
    if (ACCELERATOR === 'tcg') {
      await stretchLeases(service.all, guest.slowness);
      await Promise.all(service.all.map((one) => one.whenReady(120)));
    }
    agent = await main('flower-context');
  });
  afterAll(() => service?.stop());

  test('eats memory: the kernel ends the process that does it, and the journal says so', async () => {
    const app = await submitted();
    const flower = await main(unit);
    await app.try('eat_memory', 4096);
    await guest.until('systemd to report it', async () =>
      /killed by the OOM killer|oom-kill/i.test(await guest.sh(`journalctl -b --no-pager -o cat -u ${unit}`)),
    );
    expect(await main(unit)).toBe(flower);
    await unharmed();
    await app.end();
  });

  test('starts processes without end: the limit of the unit stops it, and the agent starts its own', async () => {
    const app = await submitted();
    const started = await app.get<number>('fork', 100_000);
    const limit = Number((await guest.unit(unit, 'TasksMax')).TasksMax);
    const most = Number(await guest.sh('cat /proc/sys/kernel/threads-max'));
    expect(started).toBeGreaterThan(10);
    expect(started).toBeLessThanOrEqual(limit);
    expect(limit).toBeLessThan(most / 2);
    // Programs of the agent and of a person on this VM.
    await guest.sh('systemctl reload flower-context');
    expect((await guest.exec('flower-context doctor', { timeoutMs: 120_000 })).stdout).toContain('ready');
    await app.end();
    await unharmed();
  });

  test('fills the disk: the agent reports it, and goes on when there is space again', async () => {
    const app = await submitted();
    const file = `/var/lib/flower/${role}/filled`;
    const [, why] = await app.get<[number, string]>('fill', file, 100_000);
    expect(why).toMatch(/No space left|short write/);
    expect(await guest.sh('flower-context doctor || true')).toMatch(/disk.*(full|free)/i);
    await guest.sh('systemctl reload flower-context');
    const status = await guest.waitFor('the boot to end', ({ phase }) => ['ready', 'failed'].includes(phase));
    if (status.phase === 'failed')
      expect(status.problems.map(({ code }) => code)).toContain('state_unwritable');
    await guest.sh(`rm ${file}; systemctl reload-or-restart --no-block flower-context`);
    await app.end();
    await unharmed();
  });

  test('fills /dev/shm, /tmp and /run as far as it can, and systemd and the agent keep theirs', async () => {
    const app = await submitted();
    const written: Record<string, unknown> = {};
    for (const folder of ['/dev/shm', '/tmp', '/var/tmp', '/run', '/run/flower', '/run/lock', '/run/user'])
      written[folder] = (await app.try('fill', `${folder}/filled`, 2_000)).result ?? 'refused';
    console.log(`${role}: ${JSON.stringify(written)}`);
    for (const folder of ['/run', '/run/flower', '/run/lock', '/run/user'])
      expect(written[folder], folder).toBe('refused');
    // Both need space in /run.
    await guest.sh('systemctl daemon-reload && systemd-run -q --wait true');
    await guest.sh('systemctl reload flower-context');
    await guest.exec('rm -f /dev/shm/filled /tmp/*/tmp/filled /var/tmp/*/tmp/filled');
    await app.end();
    await unharmed();
  });

  test('ends, and the node trains', async () => {
    await unharmed();
    const one = 'num-server-rounds=1 min-fit-clients=1 min-evaluate-clients=1 min-available-clients=1';
    const { code, stdout, stderr } = await service.superlink.exec(
      `flower-context submit quickstart -- --run-config '${one}'`,
      { timeoutMs: 300_000 },
    );
    expect(`${code} ${stdout}${stderr}`).toMatch(/^0 /);
    expect(roundsOf(`${stdout}${stderr}`.split('\n'))).toMatchObject([{ results: 1, failures: 0 }]);
  });
});

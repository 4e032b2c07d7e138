import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differences, Foothold, type Snapshot, snapshotOf, submitAttacker } from '../support/vm/foothold.ts';
import type { Guest } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';

// What an app of a run can do to the VM it runs on: the app `attacker` is sent like any other app, and tries it.

/** Of Flower and of its apps: what is in them may be anything. */
const OF_FLOWER = ['/var/lib/flower/superlink', '/var/lib/flower/supernode', '/run/flower', '/tmp', '/var/tmp', '/dev/shm'];
/** Of systemd and of the agent: files come and go, and their content changes; owner and mode do not. */
const LIVING = [
  '/run/systemd',
  '/run/log',
  '/run/udev',
  '/run/credentials',
  '/run/flower-context',
  '/run/one-context',
  '/run/motd.d',
  '/run/resolvconf',
  '/run/sudo',
  '/root/attacker',
  '/root/.flwr',
  '/var/log',
  '/var/lib/systemd',
  '/var/lib/flower-context',
  '/var/cache/flower-context',
];

const DIRECTORIES: Record<string, readonly string[]> = {
  superlink: ['.flwr', 'state', 'checkpoints'],
  supernode: ['.flwr'],
};
const KINDS: readonly (readonly [kind: string, target?: string])[] = [
  ['symlink', '/var/lib/flower-context/tls'],
  ['symlink', '/opt/flower/scripts'],
  ['symlink', '/var/lib/flower-context/tls/ca.key'],
  ['symlink', '/nowhere'],
  ['symlink', '/var/lib/flower-context/of-the-attacker'],
  ['loop'],
  ['file'],
  ['FIFO'],
  ['socket'],
  ['nothing'],
];

/** The agent goes through its steps again, as after each change of the CONTEXT. */
async function look(guest: Guest): Promise<void> {
  const before = (await guest.status())?.started_at;
  await guest.sh('systemctl reload flower-context');
  await guest.waitFor(
    'another boot',
    ({ started_at, phase }) => started_at !== before && ['ready', 'failed'].includes(phase),
  );
}

describe.each(['subprocess'])('an app with FL_ISOLATION=%s', (FL_ISOLATION) => {
  let service: GuestService;
  const before = new Map<Guest, Snapshot>();
  const feet = new Map<Guest, Foothold>();

  beforeAll(async () => {
    service = new GuestService({
      make: container,
      supernodes: 1,
      superlink: { FL_ISOLATION, FL_CHECKPOINT_ENABLED: 'YES' },
      supernode: { FL_ISOLATION },
    });
    await service.up();
    for (const guest of service.all) before.set(guest, await snapshotOf(guest, OF_FLOWER));
    await submitAttacker(service.superlink);
    for (const guest of service.all) feet.set(guest, await Foothold.on(guest));
  });
  afterAll(() => service?.stop());

  const changed = async (guest: Guest): Promise<string[]> =>
    differences(before.get(guest)!, await snapshotOf(guest, OF_FLOWER), LIVING);

  test('nothing', async () => {
    for (const guest of service.all) {
      console.log(await feet.get(guest)!.get('who'));
      console.log(await changed(guest));
      console.log(await guest.sh('ls -laR /var/lib/flower | head -60'));
    }
  });

  describe.each(['superlink', 'supernode'])('on a %s', (role) => {
    test.each(KINDS)('puts a %s (%s) in', async (kind, target) => {
      const guest = role === 'superlink' ? service.superlink : service.supernodes[0]!;
      const foot = feet.get(guest)!;
      for (const name of DIRECTORIES[role]!) {
        const path = `/var/lib/flower/${role}/${name}`;
        await foot.get('plant', path, kind, ...(target === undefined ? [] : [target]));
      }
      const t = Date.now();
      await look(guest);
      console.log(role, kind, target, 'look', Date.now() - t);
      for (const name of DIRECTORIES[role]!) await foot.get('restore', `/var/lib/flower/${role}/${name}`);
      expect(await changed(guest)).toEqual([]);
    });
  });
});

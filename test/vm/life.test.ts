import { afterEach, expect, test } from 'vitest';
import type { Container } from '../support/nspawn/container.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';

// A Flower that served and does not any more, with the real systemd: its counts, its results, its watchdog, its pauses.

let service: GuestService;
afterEach(() => service?.stop());

async function federation(supernodes: number): Promise<Container> {
  service = new GuestService({ make: (spec) => container(spec), supernodes });
  await service.up();
  return (supernodes === 0 ? service.superlink : service.supernodes[0]) as Container;
}

const unitOf = ({ spec }: Container): string => `flower-${spec.role}`;
const kill = (guest: Container, signal: string): Promise<string> =>
  guest.sh(`systemctl kill -s ${signal} --kill-whom=main ${unitOf(guest)}`);
const mainPid = async (guest: Container): Promise<string> =>
  (await guest.unit(unitOf(guest), 'MainPID')).MainPID!;

/** What OneGate shows of a VM: READY, the flag of its role, FL_ERROR. */
function shown(guest: Container): string {
  const flag = guest.spec.role === 'superlink' ? 'FL_READY' : 'FL_NODE_READY';
  const { userTemplate } = service.oneVm(guest);
  return ['READY', flag, 'FL_ERROR'].map((name) => userTemplate.get(name)).join(' ');
}

const untilShown = (guest: Container, what: string, seconds: number): Promise<void> =>
  service.zone.until(() => shown(guest) === what, seconds * 1_000, what);

test.each([0, 1])(
  'a Flower that is stopped by a signal is withdrawn and restarted (SuperNodes: %d)',
  async (nodes) => {
    const guest = await federation(nodes);
    const before = await mainPid(guest);
    await kill(guest, 'STOP');
    await untilShown(guest, 'NO NO flower_hung', 120);
    await untilShown(guest, 'YES YES flower_hung', 120);
    expect(await mainPid(guest)).not.toBe(before);
    expect(await guest.journal()).toMatch(/flower_hung: .*was stopped by a signal/);
  },
);

test('a Flower that ends three times is withdrawn, with the result that systemd gives, and a restart on request does not count', async () => {
  const guest = await federation(0);
  await guest.sh('systemctl restart flower-superlink');
  await guest.waitFor('the return', ({ phase, serving }) => phase === 'ready' && serving);
  for (const ends of [1, 2, 3]) {
    await kill(guest, 'KILL');
    await guest.until('its end', async () => (await mainPid(guest)) === '0');
    if (ends < 3) await guest.until('the next one', async () => (await mainPid(guest)) !== '0', 60);
  }
  await untilShown(guest, 'NO NO flower_crash_loop', 60);
  expect(await guest.journal()).toMatch(
    /flower_crash_loop: .*: 3 ends within \d min; the last: flower-superlink.service ended with Result=signal, status 9/,
  );
  await guest.waitFor('the wait', ({ waiting }) =>
    waiting?.for.startsWith('Flower to run for three minutes'),
  );
});

test('attributes that another VM has overwritten are published again', async () => {
  const guest = await federation(0);
  const { userTemplate } = service.oneVm(guest);
  const right = userTemplate.get('FL_ENDPOINT');
  for (const [name, value] of Object.entries({ FL_ENDPOINT: 'x', FL_READY: 'NO', READY: 'NO' }))
    userTemplate.set(name, value);
  await untilShown(guest, 'YES YES peer_suspicious', 300);
  expect(userTemplate.get('FL_ENDPOINT')).toBe(right);
});

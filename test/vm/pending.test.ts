// A change during a run, with real systemd: the agent asks Flower from inside the sandbox of its unit.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Guest } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';

let service: GuestService;
let superlink: Guest;

beforeAll(async () => {
  service = new GuestService({ make: container, supernodes: 0 });
  await service.up();
  superlink = service.superlink;
});
afterAll(() => service?.stop());

const flowerOf = async (): Promise<string> => (await superlink.unit('flower-superlink', 'MainPID')).MainPID!;

test('a run that waits for SuperNodes is not interrupted by a new certificate, and `apply --now` does not wait', async () => {
  const flower = await flowerOf();
  await superlink.sh('flower-context submit quickstart >/root/run.log 2>&1 </dev/null &');
  await superlink.until('the run', async () =>
    (await superlink.sh('cat /root/run.log')).includes('Successfully started run'),
  );
  await superlink.recontextualize({ FL_CERT_EXTRA_SAN: 'DNS:flower.example' });
  const { pending } = await superlink.waitFor(
    'the pending change',
    (status) => status.phase === 'ready' && status.pending !== null,
  );
  expect(pending).toMatchObject({
    reason: 'a new server certificate',
    because: expect.stringMatching(/^run \d+ is (pending|starting|running)$/),
  });
  expect(await flowerOf()).toBe(flower);
  const shown = await superlink.exec('flower-context apply');
  expect(`${shown.code} ${shown.stdout}`).toMatch(/^3 pending since .*: a new server certificate/);

  const now = await superlink.exec('flower-context apply --now', { timeoutMs: 120_000 });
  expect(`${now.code} ${now.stdout}${now.stderr}`).toBe('0 applied: a new server certificate\n');
  expect(await flowerOf()).not.toBe(flower);
  expect((await superlink.status())?.facts.sans).toContain('DNS:flower.example');
});

test('a shutdown does not wait for a run', async () => {
  await superlink.sh('flower-context submit quickstart >/root/second.log 2>&1 </dev/null &');
  await superlink.until('the run', async () =>
    (await superlink.sh('cat /root/second.log')).includes('Successfully started run'),
  );
  await superlink.recontextualize({ FL_CERT_EXTRA_SAN: 'DNS:other.example' });
  await superlink.waitFor(
    'the pending change',
    (status) => status.phase === 'ready' && status.pending !== null,
  );
  const began = performance.now();
  await superlink.sh('systemctl stop flower-context flower-superlink');
  expect(performance.now() - began).toBeLessThan(60_000);
});

import { afterAll, expect, test } from 'vitest';
import { vm } from '../support/vm/beds.ts';
import { GuestService } from '../support/vm/service.ts';

// restart.test.ts cuts containers at every step. Only a VM also loses what its kernel had not written to the disk yet:
// here the plug is pulled in the moment after each step that wrote something to keep.

const STEPS = ['certificates', 'start_flower', 'publish', 'ready'];
const STATE = '/var/lib/flower-context';

let service: GuestService;
afterAll(() => service?.stop());

test('what a SuperLink has once shown to others survives that the power goes a moment later', async () => {
  service = new GuestService({ make: vm, supernodes: 0 });
  await service.deploy();
  await service.switchedOn(1);
  const { superlink } = service;
  const shown = new Set<unknown>();
  for (const wanted of STEPS) {
    const { facts, problems } = await superlink.waitFor(`${wanted} to be done`, ({ steps }) =>
      steps.some(({ id, state }) => id === wanted && (state === 'done' || state === 'kept')),
    );
    await superlink.powerCut();
    expect(problems).toEqual([]);
    shown.add(facts.ca_sha256);
    await superlink.powerOn();
  }
  const { facts, problems } = await superlink.whenReady();
  expect(problems).toEqual([]);
  expect([...shown]).toEqual([facts.ca_sha256]);
  const whole = await superlink.sh(
    `cd ${STATE} && openssl x509 -noout -pubkey -in tls/ca.pem && openssl pkey -pubout -in tls/ca.key && find . -size 0 -o -name '.*.[0-9]*'`,
  );
  const [certificate, key, ...rest] = whole.split(/(?<=-----END PUBLIC KEY-----\n?)/);
  expect(certificate?.trim()).toBe(key?.trim());
  expect(rest.join('').trim()).toBe('');
  expect(await superlink.sh('systemctl is-system-running --wait; systemctl --failed --no-legend')).toBe(
    'running',
  );
});

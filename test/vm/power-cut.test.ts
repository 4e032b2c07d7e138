import { afterAll, expect, test } from 'vitest';
import { SEQUENCES } from '../../src/boot/sequence.ts';
import { vm } from '../support/vm/machines.ts';
import { VIRTUAL_MACHINES } from '../support/vm/qemu.ts';
import { GuestService } from '../support/vm/service.ts';

// restart.test.ts cuts containers, of both roles. Only a VM also loses what its kernel had not written to the disk yet: here
// its plug is pulled at every step, one boot after the other, in the moment after the step was done.

const STEPS = SEQUENCES.superlink.map(({ id }) => id);
const STATE = '/var/lib/flower-context';

let service: GuestService | undefined;
afterAll(() => service?.stop());

test.skipIf(!VIRTUAL_MACHINES)(
  'what a SuperLink has once shown to others survives that the power goes a moment later',
  async () => {
    // A second try: the first one's VM and OneGate end first.
    await service?.stop();
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
      if (facts.ca_sha256 !== undefined) shown.add(facts.ca_sha256);
      await superlink.powerOn();
    }
    const { facts, problems } = await superlink.whenReady();
    expect(problems).toEqual([]);
    expect([...shown]).toEqual([facts.ca_sha256]);
    const pair = (command: string): Promise<string> => superlink.sh(`cd ${STATE}/tls && ${command}`);
    expect(await pair('openssl x509 -noout -pubkey -in ca.pem')).toBe(
      await pair('openssl pkey -pubout -in ca.key'),
    );
    // Nothing empty, and nothing that a write left half-way.
    expect(await superlink.sh(`find ${STATE} -type f '(' -size 0 -o -name '.*' ')'`)).toBe('');
    expect(await superlink.sh('systemctl is-system-running --wait; systemctl --failed --no-legend')).toBe(
      'running',
    );
  },
);

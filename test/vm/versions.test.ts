import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import type { Container } from '../support/nspawn/container.ts';
import { LAN } from '../support/vm/lan.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';
import { endWith, until } from '../support/zone/process.ts';
import { REPOSITORY } from '../support/zone/vm.ts';

// Another FLOWER_VERSION than the baked one, in the image as it is: with the sandbox of the unit, and its own pip.

const OTHER = '1.31.0';
const BAKED = BAKED_FLOWER;
/** Filled by `appliance/wheels.sh`; there is no network in here. */
const WHEELS = join(REPOSITORY, '.cache/wheels', process.env.BASE ?? 'debian-13', `${OTHER}-none`);

let service: GuestService | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

async function superlink(prepare: (guest: Container) => void = () => undefined): Promise<Container> {
  const make = (spec: Parameters<typeof container>[0]): Container => {
    const guest = container(spec);
    prepare(guest);
    return guest;
  };
  service = new GuestService({ make, supernodes: 0, superlink: { FLOWER_VERSION: OTHER } });
  await service.deploy();
  await service.switchedOn(1);
  return service.superlink as Container;
}

const environments = (guest: Container): Promise<string> => guest.sh('ls -A /opt/flower/envs');
const published = (guest: Container): unknown => service!.oneVm(guest).userTemplate.get('FL_VERSION');

describe('a FLOWER_VERSION that is not baked', () => {
  test('without a package index runs the baked one, and journal, status and OneGate report it', async () => {
    const guest = await superlink();
    const status = await guest.whenReady(180);
    expect(status.problems).toEqual([
      expect.objectContaining({ code: 'flower_install_failed', kind: 'degraded' }),
    ]);
    expect(status.facts.flower_version).toBe(BAKED);
    const journal = await guest.journal();
    expect(journal).toMatch(new RegExp(`flower_install_failed: .*Flower ${OTHER.replaceAll('.', '\\.')}`));
    expect(journal).toContain('allow access to the package index, then `flower-context install` tries again');
    expect(published(guest)).toBe(BAKED);
    expect(service!.oneVm(guest).userTemplate.get('READY')).toBe('YES');
    // Nothing half-made is left.
    expect(await environments(guest)).toBe(`${BAKED}-none`);
  });

  describe.skipIf(!existsSync(WHEELS))('with a package index', () => {
    let index: ChildProcess | undefined;
    afterAll(() => index && endWith(index, 'SIGKILL'));

    test('is installed beside the baked one, runs, and is kept at a reboot', async () => {
      const port = 8043;
      index = spawn(
        'python3',
        ['-m', 'http.server', '--directory', WHEELS, '--bind', LAN.gateway, String(port)],
        {
          stdio: 'ignore',
        },
      );
      const page = `http://${LAN.gateway}:${port}/`;
      await until('the index', () =>
        fetch(page).then(
          ({ ok }) => ok || undefined,
          () => undefined,
        ),
      );
      const guest = await superlink((one) =>
        writeFileSync(
          one.path('/etc/pip.conf'),
          `[global]\nno-index = true\nfind-links = ${page}\ntrusted-host = ${LAN.gateway}\n`,
        ),
      );
      const status = await guest.whenReady(300);
      expect(status.problems).toEqual([]);
      expect(status.facts.flower_version).toBe(OTHER);
      expect(published(guest)).toBe(OTHER);
      expect((await environments(guest)).split('\n')).toEqual([`${OTHER}-none`, `${BAKED}-none`]);

      // The user that installed it has neither files nor processes left.
      const left = await guest.sh(
        'find /opt/flower /tmp /var/tmp /dev/shm -user flower-build; ps -o pid= -U flower-build || true',
      );
      expect(left.trim()).toBe('');
      const unit = `flower-environment@${OTHER}-none.service`;
      expect(await guest.sh(`journalctl -b -o cat -u ${unit}`)).toContain(`Finished ${unit}`);
      expect(await guest.sh(`systemctl show --property User --value ${unit}`)).toContain('flower-build');

      await endWith(index, 'SIGKILL');
      index = undefined;
      await guest.shutdown();
      await guest.powerOn();
      const again = await guest.whenReady();
      expect(again.facts.flower_version).toBe(OTHER);
      expect(again.problems).toEqual([]);
    });
  });
});

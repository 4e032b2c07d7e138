import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guest } from '../support/vm/guest.ts';
import { QemuVm } from '../support/vm/qemu.ts';
import { GuestService } from '../support/vm/service.ts';

// `make packer` builds this disk first; that takes minutes, so nothing else does.
const disk = process.env.PACKER_DISK;

describe.skipIf(disk === undefined)('the disk that Packer made', () => {
  const scratch = mkdtempSync('/run/fcvm/packer-');
  let service: GuestService;
  let guest: Guest;

  beforeAll(async () => {
    const raw = join(scratch, 'disk.raw');
    execFileSync('qemu-img', ['convert', '-O', 'raw', disk!, raw]);
    service = new GuestService({ make: (spec) => new QemuVm({ ...spec, disk: raw }), supernodes: 0 });
    await service.up(120);
    guest = service.superlink;
  });
  afterAll(async () => {
    await service?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  test('boots under the one-apps framework and reports READY', async () => {
    await guest.until(
      'the framework to note it',
      async () => (await guest.sh('cat /etc/one-appliance/status')) === 'bootstrap_success',
    );
    expect(await guest.sh('cat /etc/motd')).toContain('All set and ready to serve');
    const { userTemplate } = service.oneVm(guest);
    await service.zone.until(() => userTemplate.get('READY') === 'YES', 600_000, 'READY');
    expect(userTemplate.get('FL_READY')).toBe('YES');
    expect(await guest.sh('systemctl list-units --failed --no-legend')).toBe('');
  });

  test('has no password login, no keys and no files of the build', async () => {
    expect(await guest.sh('passwd --status root')).toMatch(/^root L /);
    expect(await guest.sh('sshd -T | grep -i ^passwordauthentication')).toBe('passwordauthentication no');
    const left = '/opt/one-appliance/flower /etc/ssh/sshd_config.d/00-packer.conf /root/.ssh/authorized_keys';
    expect(await guest.sh(`ls -d ${left} 2>/dev/null || true`)).toBe('');
    expect(await guest.sh('grep -c . /root/.cache/pip 2>/dev/null || true')).toBe('');
  });
});

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import type { Container } from '../support/nspawn/container.ts';
import type { GuestSpec } from '../support/vm/guest.ts';
import { container, vm } from '../support/vm/machines.ts';
import { VIRTUAL_MACHINES } from '../support/vm/qemu.ts';
import { GuestService } from '../support/vm/service.ts';

// Failures on a real machine, as the journal alone reports them: the rows of the failure table that need a machine.

let service: GuestService;
afterEach(() => service?.stop());

interface Preparation {
  /** Is at the files of the machine before it is switched on for the first time. */
  readonly before?: (guest: Container) => void;
  readonly options?: (spec: GuestSpec) => readonly string[];
}

/** A SuperLink alone, switched on. */
async function superlink({ before, options }: Preparation = {}): Promise<Container> {
  const make = (spec: GuestSpec): Container => {
    const guest = container(spec, options?.(spec));
    before?.(guest);
    return guest;
  };
  service = new GuestService({ make, supernodes: 0 });
  await service.deploy();
  await service.switchedOn(1);
  return service.superlink as Container;
}

const STATE = '/var/lib/flower-context';
const LIBRARIES = `/opt/flower/envs/${BAKED_FLOWER}-none/lib`;

describe('the disk', () => {
  test('that is full is in the journal with the file and the remedy, and the remedy works', async () => {
    const guest = await superlink({ options: () => [`--tmpfs=${STATE}:mode=0755,size=16k`] });
    const status = await guest.whenFailed();
    expect(status.problems.map(({ code }) => code)).toContain('state_unwritable');
    const journal = await guest.journal();
    expect(journal).toMatch(/state_unwritable: .*\/var\/lib\/flower-context\/.*ENOSPC|no space left/i);
    expect(journal).toContain('df -h');
    await guest.sh(`mount -o remount,size=4m ${STATE} && systemctl restart --no-block flower-context`);
    await guest.whenReady();
  });

  test('that is read-only under /var is reported, and no unit is started partly', async () => {
    const options = ({ dir }: GuestSpec): string[] => {
      mkdirSync(`${dir}/empty`);
      return [`--bind-ro=${dir}/empty:${STATE}`];
    };
    const guest = await superlink({ options });
    const status = await guest.whenFailed();
    expect(status.problems.map(({ code }) => code)).toContain('state_unwritable');
    expect(await guest.journal()).toMatch(/read-only|EROFS/i);
    // It was started together with the agent, and got nothing to start from.
    await guest.until('Flower to wait for a plan', async () => {
      const { ActiveState, StatusText } = await guest.unit('flower-superlink', 'ActiveState', 'StatusText');
      return ActiveState === 'activating' && StatusText === 'waiting for the launch plan of flower-context';
    });
    expect(existsSync(guest.path('/run/flower-context/plan.json'))).toBe(false);
  });
});

describe("the agent's state file", () => {
  test.each([
    ['cut in the middle', (text: string) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['full of zeros', (text: string) => '\0'.repeat(text.length)],
  ])(
    'that is %s is quarantined and reported, and the boot completes with the same CA',
    async (_how, damage) => {
      const guest = await superlink();
      const { facts } = await guest.whenReady();
      await guest.powerCut();
      const file = guest.path(`${STATE}/checkpoint.json`);
      writeFileSync(file, damage(readFileSync(file, 'utf8')));
      await guest.powerOn();
      const status = await guest.whenReady();
      expect(status.facts.ca_sha256).toBe(facts.ca_sha256);
      expect(
        readdirSync(guest.path(STATE)).filter((name) => name.startsWith('checkpoint.json')).length,
      ).toBeGreaterThan(1);
      expect(await guest.journal()).toMatch(/checkpoint\.json.*(set aside|damaged)|damaged.*checkpoint/i);
    },
  );
});

describe('OneGate', () => {
  test('is down for the first minute, the SuperLink serves, and is READY soon after the outage', async () => {
    const guest = await superlink({ before: () => void service.zone.down() });
    await guest.waitFor(
      'Flower to serve',
      ({ serving, steps }) =>
        serving || steps.some(({ id, state }) => id === 'await_fleet_api' && state === 'done'),
    );
    const oneVm = service.oneVm(guest);
    await guest.until(
      'a minute to pass',
      async () => {
        const { ActiveEnterTimestampMonotonic: since } = await guest.unit(
          'multi-user.target',
          'ActiveEnterTimestampMonotonic',
        );
        const [now] = (await guest.sh('cat /proc/uptime')).split(' ');
        return Number(now) - Number(since) / 1e6 > 60;
      },
      90,
    );
    expect(oneVm.userTemplate.get('READY')).not.toBe('YES');
    await service.zone.up();
    await service.zone.until(() => oneVm.userTemplate.get('READY') === 'YES', 120_000, 'READY');
    expect(oneVm.userTemplate.get('FL_READY')).toBe('YES');
    // one-context reports it too, and may be the first.
    await guest.whenReady();
    expect(await guest.journal()).toMatch(
      /onegate_unreachable: [\s\S]*what to do: [\s\S]*publish on OneGate: done/,
    );
  });
});

describe('Flower', () => {
  test('that crashes at its start has its last lines in the problem, and the VM comes up once it is repaired', async () => {
    let module = '';
    let whole = '';
    const guest = await superlink({
      before: (one) => {
        const [python] = readdirSync(one.path(LIBRARIES));
        module = `${LIBRARIES}/${python}/site-packages/grpc/__init__.py`;
        whole = readFileSync(one.path(module), 'utf8');
        writeFileSync(one.path(module), "raise ImportError('this wheel is broken')\n");
      },
    });
    const status = await guest.whenFailed();
    const [problem] = status.problems.filter(({ kind }) => kind === 'fatal');
    expect(problem).toMatchObject({
      code: 'flower_start_failed',
      found: expect.stringContaining('this wheel is broken'),
    });
    expect(service.oneVm(guest).userTemplate.get('FL_ERROR')).toBe('flower_start_failed');
    expect(await guest.journal()).toContain('this wheel is broken');
    expect(existsSync(guest.path(`${STATE}/tls/ca.key`))).toBe(true);
    writeFileSync(guest.path(module), whole);
    await guest.whenReady(90);
  });
});

describe.skipIf(!VIRTUAL_MACHINES)('the clock', () => {
  test('of a SuperNode is an hour ahead, which is reported with the offset, and the node is accepted after a correction', async () => {
    const later = new Date(Date.now() + 3_600_000).toISOString().slice(0, 19);
    const make = (spec: GuestSpec) =>
      spec.role === 'superlink' ? container(spec) : vm(spec, ['-rtc', `base=${later}`]);
    service = new GuestService({ make, supernodes: 1 });
    await service.deploy();
    await service.switchedOn(2);
    const [node] = service.supernodes;
    await node!.waitFor('the clock to be named', ({ problems }) =>
      problems.some(({ code }) => code === 'clock_off'),
    );
    expect(await node!.journal()).toMatch(/clock_off/);
    await node!.sh(`date -s @${Math.floor(Date.now() / 1000)}`);
    await node!.whenReady();
  });
});

describe('a SuperNode that has reached FL_MAX_RETRIES', () => {
  test('is not started again by systemd, and a reload starts it', async () => {
    service = new GuestService({ make: container, supernodes: 1, supernode: { FL_MAX_RETRIES: '2' } });
    await service.up();
    const [node] = service.supernodes as Container[];
    await (service.superlink as Container).sh('systemctl stop flower-context flower-superlink');
    await node!.until('the end of Flower', async () => {
      const { ActiveState, ExecMainStatus } = await node!.unit(
        'flower-supernode',
        'ActiveState',
        'ExecMainStatus',
      );
      return ActiveState === 'failed' && ExecMainStatus === '69';
    });
    const status = await node!.whenFailed();
    expect(status.problems.map(({ code }) => code)).toContain('retry_limit_reached');
    const { ActiveState } = await node!.unit('flower-context', 'ActiveState');
    expect(ActiveState).toBe('active');
    // Longer than the pause of the unit before a restart.
    await node!.sh('sleep 15');
    expect(await node!.unit('flower-supernode', 'ActiveState', 'NRestarts')).toMatchObject({
      ActiveState: 'failed',
      NRestarts: '0',
    });
    await (service.superlink as Container).sh('systemctl start flower-context');
    await node!.sh('systemctl reload flower-context');
    await node!.whenReady();
  });
});

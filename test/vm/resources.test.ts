import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Foothold, submitAttacker } from '../support/vm/foothold.ts';
import type { Guest } from '../support/vm/guest.ts';
import { stretchLeases } from '../support/vm/leases.ts';
import { container, vm } from '../support/vm/machines.ts';
import { ACCELERATOR, VIRTUAL_MACHINES } from '../support/vm/qemu.ts';
import { GuestService } from '../support/vm/service.ts';
import { roundsOf } from '../support/zone/training.ts';

// An app that takes all it can get of its VM. Only a VM has a memory, tasks and a disk of its own; here it has the memory of
// the smallest VM template.

const CASES = [
  { role: 'supernode', isolation: 'process' },
  { role: 'superlink', isolation: 'subprocess' },
] as const;

describe.skipIf(!VIRTUAL_MACHINES).each(CASES)(
  'an app on a $role, with FL_ISOLATION=$isolation',
  ({ role, isolation }) => {
    let service: GuestService;
    let guest: Guest;
    let agent: Record<string, string>;
    const unit = isolation === 'process' ? 'flower-superexec' : `flower-${role}`;

    const main = async (name: string): Promise<string> => (await guest.unit(name, 'MainPID')).MainPID!;

    let app: Foothold | undefined;
    /** The app; another one when the kernel has ended it. */
    async function running(): Promise<Foothold> {
      if (app !== undefined && (await app.isAlive())) return app;
      await submitAttacker(service.superlink);
      app = await Foothold.on(guest, 120);
      return app;
    }

    /** What the app of {@link running} answers. A VM whose disk is full is so slow that Flower and its apps can be restarted. */
    async function tryUntilAnswered<T>(name: string, argsOf: (app: Foothold) => Promise<readonly unknown[]>) {
      for (let tries = 0; tries < 5; tries++) {
        const app = await running();
        const answer = await app.tryUntilEnded(name, ...(await argsOf(app)));
        if (answer !== undefined) return { app, result: answer.result as T };
        console.log(`${role}: the app ended during ${name}`);
      }
      throw new Error(`each of five apps ended during ${name}`);
    }

    /** The agent is the process that it was, it answers, and Flower takes part (again). */
    async function unharmed(): Promise<void> {
      await guest.whenReady(120);
      expect((await guest.exec('flower-context ready')).code).toBe(0);
      expect(await guest.unit('flower-context', 'MainPID', 'NRestarts')).toEqual(agent);
      expect(await guest.sh('systemctl --failed --no-legend')).toBe('');
    }

    beforeAll(async () => {
      const make = (spec: Parameters<typeof vm>[0]): Guest =>
        spec.role === role ? vm(spec, [], 2, 2048) : container(spec);
      service = new GuestService({ make, supernodes: 1, [role]: { FL_ISOLATION: isolation } });
      await service.up();
      guest = service.all.find(({ spec }) => spec.role === role)!;
      if (ACCELERATOR === 'tcg') {
        await stretchLeases(service.all, guest.slowness);
        await Promise.all(service.all.map((one) => one.whenReady(120)));
      }
      agent = await guest.unit('flower-context', 'MainPID', 'NRestarts');
    });
    afterAll(() => service?.stop());

    test('eats memory: the kernel ends the process that does it, and the journal says so', async () => {
      const app = await running();
      const flower = await main(unit);
      await app.get('eat_memory', 4096);
      await guest.until('systemd to report it', async () =>
        /killed by the OOM killer|oom-kill/i.test(
          await guest.sh(`journalctl -b --no-pager -o cat -u ${unit}`),
        ),
      );
      expect(await main(unit)).toBe(flower);
      await unharmed();
    });

    test('starts processes without end: the limit of the slice stops it, and the agent starts its own', async () => {
      const app = await running();
      const answer = await app.tryUntilEnded('fork', 100_000);
      const limit = Number((await guest.unit('flower.slice', 'TasksMax')).TasksMax);
      const most = Number(await guest.sh('cat /proc/sys/kernel/threads-max'));
      expect(limit).toBeLessThan(most / 2);
      // Either the tasks or the memory is used up first. Then the kernel ends the app or Flower, and nothing else. A Flower that
      // has no tasks left for a minute answers no call: its watchdog ends it, and its apps with it.
      if (answer === undefined) {
        const messages = await guest.sh(
          `journalctl -b --no-pager -o cat _TRANSPORT=kernel + UNIT=flower-${role}.service | grep -E 'oom-kill:|with result'`,
        );
        expect(messages).toMatch(/oom-kill:|Failed with result 'watchdog'/);
        for (const kill of messages.split('\n').filter((line) => line.startsWith('oom-kill:')))
          expect(kill).toContain(',task_memcg=/flower.slice/');
      } else {
        expect(answer.result).toBeGreaterThan(10);
        expect(answer.result).toBeLessThanOrEqual(limit);
      }
      try {
        // Programs of the agent and of a person on this VM.
        await guest.sh('systemctl reload flower-context');
        const status = await guest.sh('flower-context status || true', { timeoutMs: 120_000 });
        expect(status).toMatch(/ready|booting/);
      } finally {
        if (answer !== undefined) await app.get('end_forked');
      }
      await unharmed();
    });

    test('fills the disk: the agent reports it, and goes on when there is space again', async () => {
      let file = '';
      const { result } = await tryUntilAnswered<[number, string]>('fill', async (app) => {
        file = `${(await app.get<{ folder: string }>('who')).folder}/filled`;
        return [file, 100_000];
      });
      expect(result[1]).toMatch(/No space left|short write/);
      expect(await guest.sh('flower-context doctor || true')).toMatch(/disk.*(full|free)/i);
      await guest.sh('systemctl reload flower-context');
      const status = await guest.waitFor('the boot to end', ({ phase }) =>
        ['ready', 'failed'].includes(phase),
      );
      if (status.phase === 'failed')
        expect(status.problems.map(({ code }) => code)).toContain('state_unwritable');
      await guest.sh(`rm ${file}; systemctl reload-or-restart --no-block flower-context`);
      await unharmed();
    });

    test('fills /dev/shm, /tmp and /run as far as it can, and systemd and the agent keep theirs', async () => {
      let pid = '';
      const written: Record<string, unknown> = {};
      const refused = ['/run', '/run/flower-context', '/run/lock', '/run/user', '/run/systemd'];
      for (const folder of ['/dev/shm', '/tmp', ...refused]) {
        const tried = await tryUntilAnswered<[number, string]>('fill', async () => [
          `${folder}/filled`,
          2_000,
        ]);
        pid = String(tried.app.pid);
        written[folder] = tried.result.join(': ');
      }
      console.log(`${role}: ${JSON.stringify(written)}`);
      for (const folder of refused) expect(written[folder], folder).toMatch(/^0: (?!done|No space)/);
      // Both need space in /run.
      await guest.sh('systemctl daemon-reload && systemd-run -q --wait true');
      await guest.sh('systemctl reload flower-context');
      await guest.sh(`rm -f /proc/${pid}/root/dev/shm/filled /proc/${pid}/root/tmp/filled`);
      await unharmed();
    });

    test('ends, and the node trains', async () => {
      await app?.end();
      await unharmed();
      const one = 'num-server-rounds=1 min-fit-clients=1 min-evaluate-clients=1 min-available-clients=1';
      const { code, stdout, stderr } = await service.superlink.exec(
        `flower-context submit quickstart -- --run-config '${one}'`,
        { timeoutMs: 300_000 },
      );
      expect(`${code} ${stdout}${stderr}`).toMatch(/^0 /);
      expect(roundsOf(`${stdout}${stderr}`.split('\n'))).toMatchObject([{ results: 1, failures: 0 }]);
    });
  },
);

// What status, ready and doctor say of an agent that has ended or hangs, with the real systemd and its times.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Life } from '../../src/report/life.ts';
import type { Status } from '../../src/report/status.ts';
import type { Container } from '../support/nspawn/container.ts';
import { oneLine } from '../support/terminal-text.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';

describe('a SuperLink whose agent', () => {
  let service: GuestService;
  let guest: Container;
  beforeAll(async () => {
    service = new GuestService({ make: container, supernodes: 0 });
    await service.deploy();
    await service.switchedOn(1);
    guest = service.superlink as Container;
    await guest.whenReady();
    // A pause that a slow machine does not miss.
    const folder = '/etc/systemd/system/flower-context.service.d';
    const setting = '[Service]\\nRestartSec=600\\nRestartSteps=0\\n';
    await guest.sh(
      `mkdir -p ${folder} && printf '${setting}' >${folder}/test.conf && systemctl daemon-reload`,
    );
  });
  afterAll(() => service?.stop());
  beforeEach(async () => {
    await guest.exec('systemctl kill -s SIGCONT flower-context; systemctl restart --no-block flower-context');
    await guest.until('the VM to serve', async () => (await guest.exec('flower-context status')).code === 0);
  });

  async function says() {
    const [printed, text, ready, doctor] = [
      await guest.exec('flower-context status --json'),
      await guest.exec('flower-context status'),
      await guest.exec('flower-context ready --timeout 0'),
      await guest.exec('flower-context doctor'),
    ];
    const json = JSON.parse(printed.stdout) as Status & Life;
    const all = [text, ready, doctor].map(({ stdout }) => oneLine(stdout));
    return {
      json,
      all,
      codes: [printed, text, ready, doctor].map(({ code }) => code),
      doctor: doctor.stdout,
    };
  }

  /** Seconds between what was said and the clock of the guest. */
  const ageOf = async ({ agent }: Life): Promise<number> =>
    Number(await guest.sh('date +%s.%N')) - Date.parse(agent.since ?? '') / 1_000;

  test('runs is ready for all', async () => {
    const { json, codes } = await says();
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(json).toMatchObject({ agent: { running: true }, flower: { serving: true, state: 'serving' } });
    expect(json.agent.pid).toBe(Number((await guest.unit('flower-context', 'MainPID')).MainPID));
  });

  test('systemctl stopped', async () => {
    await guest.sh('systemctl stop flower-context');
    const { json, all, codes, doctor } = await says();
    expect(codes).toEqual([3, 3, 3, 1]);
    expect(json).toMatchObject({ serving: false, agent: { state: 'stopped' }, flower: { serving: true } });
    const age = await ageOf(json);
    expect(age).toBeGreaterThan(0);
    expect(age).toBeLessThan(60);
    for (const said of all) expect(said).toMatch(/has not worked since \S+Z \([^)]*\): it was stopped/);
    expect(doctor).toMatch(/^PROBLEM +agent /);
    await guest.sh('systemctl stop flower-superlink');
    // Flower may take longer to stop than systemd waits.
    const { ActiveState } = await guest.unit('flower-superlink', 'ActiveState');
    const state = ActiveState === 'failed' ? 'failed' : 'stopped';
    expect((await says()).json.flower).toMatchObject({ serving: false, state, pid: null });
  });

  test('was killed, in the pause before its restart', async () => {
    await guest.sh('systemctl kill -s SIGKILL --kill-whom=main flower-context');
    await guest.until(
      'the pause',
      async () => (await guest.unit('flower-context', 'SubState')).SubState === 'auto-restart',
    );
    const { json, all, codes } = await says();
    expect(codes).toEqual([3, 3, 3, 1]);
    expect(json).toMatchObject({ agent: { running: false, state: 'restarting' }, flower: { serving: true } });
    expect(await ageOf(json)).toBeLessThan(60);
    for (const said of all) expect(said).toContain('it ended (signal SIGKILL), and systemd starts it again');
  });

  test('hangs', async () => {
    await guest.sh('systemctl kill -s SIGSTOP --kill-whom=main flower-context');
    const { json, codes } = await says();
    expect(codes).toEqual([3, 3, 3, 1]);
    expect(json).toMatchObject({ agent: { running: false, state: 'hung' }, flower: { serving: true } });
    // The watchdog has been heard of since the agent was ready.
    expect(await ageOf(json)).toBeLessThan(180);
  });
});

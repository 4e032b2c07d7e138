// FL_ISOLATION=process with real Flower: SuperExec of its own unit starts the apps, on both roles.
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { until } from '../support/zone/process.ts';
import { zone } from '../support/zone/test-zone.ts';
import { roundsOf } from '../support/zone/training.ts';
import type { Vm } from '../support/zone/vm.ts';

const UP_WITHIN_MS = 120_000;
const LONG = { timeoutMs: 60_000 };
const ONE_NODE = { FL_MIN_AVAILABLE_CLIENTS: '1', FL_MIN_FIT_CLIENTS: '1', FL_MIN_EVALUATE_CLIENTS: '1' };
const PROCESS = { FL_ISOLATION: 'process' };

/** The unpacked apps of runs, in the directory of the user that runs them. */
const unpacked = (vm: Vm, path: string): string[] => {
  const folder = vm.at(`${path}/.flwr/apps`);
  return existsSync(folder) ? readdirSync(folder) : [];
};

const superExec = async (vm: Vm): Promise<string | undefined> =>
  (await vm.unit('flower-superexec')).ActiveState;

describe.each(['1.39.0', '1.31.0'])('Flower %s in process mode', (version) => {
  test.each(['YES', 'NO'])('trains on both roles with FL_TLS_ENABLED=%s', async (tls) => {
    const federation = zone({
      flower: { version },
      supernodes: 1,
      superlink: { ...PROCESS, ...ONE_NODE, FL_TLS_ENABLED: tls, FL_NUM_ROUNDS: '2' },
      supernode: { ...PROCESS, FL_TLS_ENABLED: tls },
    });
    await federation.up(UP_WITHIN_MS);
    const { superlink, vms } = federation;
    for (const vm of vms) {
      expect(await superExec(vm)).toBe('active');
      expect(vm.status()?.steps.find(({ id }) => id === 'start_superexec')?.state).toBe('done');
    }

    const { code, stdout, stderr } = await superlink.cli('submit', 'quickstart');
    expect(code, `${stdout}${stderr}`).toBe(0);
    const rounds = roundsOf(`${stdout}${stderr}`.split('\n'));
    expect(rounds.map(({ round, results, failures }) => [round, results, failures])).toEqual([
      [1, 1, 0],
      [2, 1, 0],
    ]);
    for (const vm of vms) {
      expect(unpacked(vm, 'var/lib/flower-app')).not.toEqual([]);
      expect(unpacked(vm, `var/lib/flower/${vm.spec.role}`)).toEqual([]);
    }
  });
});

test('a SuperExec that ends closes the ready gate until it is back, and subprocess mode stops it', async () => {
  const federation = zone({
    flower: { version: '1.39.0' },
    supernodes: 0,
    superlink: PROCESS,
    // Longer than the time between two checks of the agent: one that is back before needs no notice.
    dropIns: { 'flower-superexec': '[Service]\nRestartSec=8s' },
  });
  await federation.up(UP_WITHIN_MS);
  const { superlink } = federation;
  const before = Number((await superlink.unit('flower-superexec')).MainPID);
  process.kill(before, 'SIGKILL');
  const said = 'flower-superexec.service, which starts the apps, has ended';
  await until('the journal to have it', () => superlink.journalText().includes(said), LONG);
  await until('SuperExec to be back', () => superlink.status()?.serving === true, LONG);
  expect(Number((await superlink.unit('flower-superexec')).MainPID)).not.toBe(before);

  await superlink.recontextualize({ FL_ISOLATION: 'subprocess' });
  await until('SuperExec to be stopped', async () => (await superExec(superlink)) === 'inactive', LONG);
  await superlink.whenReady(60_000);
  expect(existsSync(superlink.at('run/flower-context/superexec-secret'))).toBe(false);
});

test('a SuperExec that Flower refuses is named with the cause, and the VM is not ready', async () => {
  const federation = zone({
    flower: { version: '1.39.0' },
    supernodes: 0,
    gate: false,
    superlink: PROCESS,
    dropIns: {
      'flower-superexec': '[Service]\nRestartSec=1s\nStandardInput=file:/etc/flower-context/appliance.json',
    },
  });
  await federation.deploy();
  await federation.zone.until(() => federation.vms.length === 1, 30_000, 'the SuperLink to be deployed');
  const { superlink } = federation;
  const problem = () => superlink.status()?.problems.find(({ code }) => code === 'flower_start_failed');
  await until('the problem', () => problem() !== undefined, LONG);
  expect(JSON.stringify(problem())).toMatch(/refused SuperExec \(HTTP status 401\)/);
  expect(JSON.stringify(problem())).toContain('journalctl -u flower-superexec');
  expect(superlink.status()?.serving).toBe(false);
});

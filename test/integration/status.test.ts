// What status, ready and doctor say when the agent or Flower has ended or hangs: the files of the agent do not know it.
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Life } from '../../src/report/life.ts';
import type { Status } from '../../src/report/status.ts';
import { oneLine } from '../support/terminal-text.ts';
import type { Federation } from '../support/zone/federation.ts';
import { until } from '../support/zone/process.ts';
import { superlink, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

/** Not the port of another checkout that is tested at the same time. */
const METRICS = 20_000 + (process.pid % 10_000);
const STATUS = 'run/flower-context/status.json';
type Json = Partial<Status> & Life & { readonly phase: Status['phase'] | null };

/** What the three commands say, on one line each, and their exit statuses. */
async function says(vm: Vm) {
  const [text, printed, ready, doctor] = await Promise.all([
    vm.cli('status'),
    vm.cli('status', '--json'),
    vm.cli('ready', '--timeout', '0'),
    vm.cli('doctor'),
  ]);
  expect(printed.code).toBe(text.code);
  return {
    code: text.code,
    text: oneLine(text.stdout),
    json: JSON.parse(printed.stdout) as Json,
    ready: { code: ready.code, text: oneLine(ready.stdout) },
    doctor: { code: doctor.code, text: oneLine(doctor.stdout), lines: doctor.stdout },
  };
}

const mainPid = async (vm: Vm, unit: string): Promise<number> => Number((await vm.unit(unit)).MainPID);

describe('a SuperLink that served', () => {
  const toClean: (() => void | Promise<void>)[] = [];
  let federation: Federation;
  let vm: Vm;
  beforeAll(async () => {
    const LONG = {
      'flower-context': '[Service]\nRestartSec=600',
      'flower-superlink': '[Service]\nRestartSec=600',
    };
    const superlink = { FL_METRICS_ENABLED: 'YES', FL_METRICS_PORT: String(METRICS) };
    federation = zone({ supernodes: 0, superlink, dropIns: LONG }, (clean) => void toClean.unshift(clean));
    await federation.deploy();
    vm = federation.superlink;
  }, 120_000);
  afterAll(async () => {
    for (const clean of toClean) await clean();
  });
  beforeEach(async () => {
    // Whatever the test before has left.
    await vm.systemctl('kill', '-s', 'SIGCONT', 'flower-context', 'flower-superlink');
    await vm.systemctl('restart', '--no-block', 'flower-superlink', 'flower-context');
    await until('the VM to serve', async () => (await vm.cli('status')).code === 0, {
      detail: () => vm.diagnostics(),
      timeoutMs: 30_000,
    });
  });

  test('and still does, with its agent, is ready for all three', async () => {
    const { code, json, ready, doctor } = await says(vm);
    expect({ code, ready: ready.code, doctor: doctor.code }).toEqual({ code: 0, ready: 0, doctor: 0 });
    expect(json).toMatchObject({
      phase: 'ready',
      serving: true,
      agent: { running: true, state: 'running', pid: await mainPid(vm, 'flower-context') },
      flower: { serving: true, state: 'serving', pid: await mainPid(vm, 'flower-superlink') },
    });
    expect(Date.parse(json.agent.since!)).toBeLessThan(Date.now());
  });

  test('has an agent that systemctl stopped: since when, and that Flower still serves', async () => {
    const before = Date.now();
    await vm.systemctl('stop', 'flower-context');
    const { code, text, json, ready, doctor } = await says(vm);
    expect({ code, ready: ready.code, doctor: doctor.code }).toEqual({ code: 3, ready: 3, doctor: 1 });
    expect(json).toMatchObject({ phase: 'ready', serving: false, steps: expect.any(Array) });
    expect(json.agent).toMatchObject({ running: false, state: 'stopped', pid: null });
    expect(Math.abs(Date.parse(json.agent.since!) - before)).toBeLessThan(20_000);
    expect(json.flower).toMatchObject({ serving: true, state: 'serving' });
    for (const said of [text, ready.text, doctor.text]) {
      expect(said).toMatch(/the agent has not worked since 20\S+Z \(\d[^)]*\): it was stopped/);
      expect(said).toContain('Flower still serves, but nothing supervises it');
      expect(said).toContain('systemctl start flower-context');
    }
    // First the agent, then everything else.
    expect(doctor.lines).toMatch(/^PROBLEM +agent /);
    expect(doctor.lines).toMatch(/^ok +ports/m);
    expect(doctor.lines).toMatch(/^ok +published/m);
  });

  test('has neither, after both were stopped', async () => {
    await vm.systemctl('stop', 'flower-context');
    await vm.systemctl('stop', 'flower-superlink');
    const { code, text, json, ready, doctor } = await says(vm);
    expect({ code, ready: ready.code, doctor: doctor.code }).toEqual({ code: 3, ready: 3, doctor: 1 });
    expect(json).toMatchObject({
      agent: { state: 'stopped' },
      flower: { serving: false, state: 'stopped', pid: null },
    });
    for (const said of [text, ready.text, doctor.text])
      expect(said).toMatch(
        /Flower has not served since \S+Z \([^)]*\): flower-superlink\.service was stopped/,
      );
    expect(doctor.text).toMatch(/PROBLEM published .*READY=YES, but this VM does not serve/);
    expect(doctor.text).not.toContain('systemd restarts it');
  });

  test.each([
    ['SIGKILL', 'signal SIGKILL'],
    ['SIGSEGV', 'signal SIGSEGV'],
  ])('has an agent that %s ended, in the pause of systemd', async (signal, ending) => {
    await vm.systemctl('kill', '-s', signal, '--kill-whom=main', 'flower-context');
    await until('the pause', async () => (await vm.unit('flower-context')).SubState === 'auto-restart');
    const { code, text, json, ready, doctor } = await says(vm);
    expect({ code, ready: ready.code, doctor: doctor.code }).toEqual({ code: 3, ready: 3, doctor: 1 });
    expect(json).toMatchObject({ agent: { running: false, state: 'restarting' }, flower: { serving: true } });
    for (const said of [text, ready.text, doctor.text])
      expect(said).toMatch(new RegExp(`it ended \\(.*${ending}\\), and systemd starts it again`));
    expect(doctor.text).not.toContain('exit status 9');
  });

  test('has an agent that hangs', async () => {
    await vm.systemctl('kill', '-s', 'SIGSTOP', '--kill-whom=main', 'flower-context');
    const { code, text, json, ready, doctor } = await says(vm);
    expect({ code, ready: ready.code, doctor: doctor.code }).toEqual({ code: 3, ready: 3, doctor: 1 });
    expect(json).toMatchObject({ agent: { running: false, state: 'hung' }, flower: { serving: true } });
    for (const said of [text, ready.text, doctor.text])
      expect(said).toMatch(/it hangs: process \d+ was stopped/);
  });

  test('has a Flower that was stopped a moment ago, unknown to the agent', async () => {
    // The agent notices nothing while it cannot run; the commands ask systemd, and it runs again at once.
    await vm.systemctl('stop', 'flower-superlink');
    const status = JSON.parse(readFileSync(vm.at(STATUS), 'utf8')) as Status;
    const { code, json, ready, doctor } = await says(vm);
    expect({ code, ready: ready.code, doctor: doctor.code }).toEqual({ code: 3, ready: 3, doctor: 1 });
    expect(json).toMatchObject({ phase: status.phase, serving: false, flower: { serving: false } });
    expect(ready.text).toMatch(/^not ready yet: .*Flower/);
  });

  test('has a Flower that hangs: a problem of doctor', async () => {
    await vm.systemctl('kill', '-s', 'SIGSTOP', '--kill-whom=main', 'flower-superlink');
    const { code, json, ready, doctor } = await says(vm);
    expect({ code, ready: ready.code, doctor: doctor.code }).toEqual({ code: 3, ready: 3, doctor: 1 });
    expect(json).toMatchObject({
      serving: false,
      agent: { running: true },
      flower: { serving: false, state: 'hung' },
    });
    expect(doctor.lines).toMatch(/^PROBLEM +Flower +process \d+ of Flower was stopped by a signal/m);
    expect(doctor.text).not.toMatch(/ok Flower|Flower is not running/);
  });

  test('has a Flower that stops and goes on: so say the message of the day, systemd, and the metrics', async () => {
    const motd = (): string => readFileSync(vm.at('run/motd.d/flower-context'), 'utf8');
    const systemd = async (): Promise<string> => (await vm.unit('flower-context')).StatusText!;
    const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${METRICS}/metrics`)).text();
    expect(motd()).toMatch(/^flower-context at 20\d\d-\d\d-\d\dT\d\d:\d\dZ: ready after/);
    await vm.systemctl('kill', '-s', 'SIGSTOP', '--kill-whom=main', 'flower-superlink');
    const { detail } = { detail: () => vm.diagnostics() };
    await until('the agent to notice', async () => (await systemd()).includes('Flower to come back'), {
      detail,
    });
    expect(motd()).toMatch(/^flower-context at \S+: Flower does not serve: process \d+/);
    expect(await metrics()).toMatch(/^flower_context_ready 0$/m);
    await vm.systemctl('kill', '-s', 'SIGCONT', '--kill-whom=main', 'flower-superlink');
    await until('Flower to be back', async () => (await systemd()).startsWith('ready after'), { detail });
    expect(motd()).toMatch(/^flower-context at \S+: ready after/);
    expect(await metrics()).toMatch(/^flower_context_ready 1$/m);
  });

  test('has an agent whose number another process has by now', async () => {
    await vm.systemctl('stop', 'flower-context');
    const status = JSON.parse(readFileSync(vm.at(STATUS), 'utf8')) as Status;
    writeFileSync(vm.at(STATUS), JSON.stringify({ ...status, pid: process.pid }));
    expect((await says(vm)).json).toMatchObject({ agent: { running: false, state: 'stopped', pid: null } });
  });

  test.each([
    [
      'of another format',
      '{"version":2,"state":"ready"}',
      /it has the format 2, which another version of the agent writes/,
    ],
    ['damaged', '{"version":1,"phase":"rea', /25 characters that are not the status of the agent/],
  ])('has a status file that is %s: that is what is said', async (_what, text, found) => {
    writeFileSync(vm.at(STATUS), text);
    const { code, text: shown, json, doctor } = await says(vm);
    expect({ code, doctor: doctor.code }).toEqual({ code: 3, doctor: 1 });
    for (const said of [shown, doctor.text]) {
      expect(said).toMatch(found);
      expect(said).not.toContain('has not run');
    }
    expect(json).toMatchObject({ phase: null, agent: { running: true }, flower: { serving: true } });
    expect(json.problems).toMatchObject([{ code: 'state_damaged' }]);
    await vm.systemctl('stop', 'flower-context');
    expect((await says(vm)).json).toMatchObject({ agent: { running: false, state: 'stopped' } });
  });

  test('has a verdict for the ready script that is damaged: it says so', async () => {
    writeFileSync(vm.at('run/flower-context/ready.json'), '{"version":7}');
    const { ready } = await says(vm);
    expect(ready).toMatchObject({ code: 3, text: expect.stringContaining('it has the format 7') });
  });

  test('ends `status --wait` when nothing will start the agent, and says so', async () => {
    await vm.systemctl('stop', 'flower-context');
    const { code, stdout, stderr } = await vm.cli('status', '--wait');
    expect(code).toBe(3);
    expect(oneLine(stdout)).toContain('it was stopped');
    expect(oneLine(stderr)).toContain('waiting: the agent has not worked since');
  });
});

test('an agent that was killed while it booted has no boot that goes on', async () => {
  const { vm } = await superlink(
    {},
    { flower: { fake: true, order: 'hang' }, dropIns: { 'flower-context': '[Service]\nRestart=no' } },
  );
  await vm.waitFor('the wait', ({ waiting }) => waiting !== null);
  await vm.systemctl('kill', '-s', 'SIGKILL', '--kill-whom=main', 'flower-context');
  await until('the end', async () => (await vm.unit('flower-context')).ActiveState === 'failed');
  const { code, text, json, ready } = await says(vm);
  expect({ code, ready: ready.code }).toEqual({ code: 3, ready: 3 });
  expect(json).toMatchObject({
    phase: 'booting',
    serving: false,
    agent: { running: false, state: 'failed' },
  });
  expect(json.flower).toMatchObject({ serving: false });
  for (const said of [text, ready.text])
    expect(said).toMatch(/^(not ready yet: )?the agent has not worked since/);
  expect((await vm.cli('status', '--wait')).code).toBe(3);
});

test('the first lines of a boot have the format of the CONTEXT, whether or not it is valid', async () => {
  const { vm } = await superlink({ FL_LOG_FORMAT: 'json', FL_CHECKPOINT_ENABLED: 'YES' });
  await vm.whenReady();
  await vm.recontextualize({ FL_NUM_ROUNDS: 'ten' });
  await vm.whenFailed();
  await vm.toSay('config_validation_failed');
  // A second agent refuses to run, in the same form.
  expect((await vm.cli('run')).code).toBe(1);
  const lines = vm
    .journal()
    .filter(({ name }) => name !== 'systemd')
    .map(({ message }) => message);
  expect(lines.length).toBeGreaterThan(8);
  for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
});

test('the warning of a node that its SuperLink was not there is taken back when the SuperLink has accepted it', async () => {
  const federation = zone({ supernodes: 1 });
  await federation.up();
  const node = federation.supernodes[0]!;
  await federation.superlink.systemctl('stop', 'flower-context', 'flower-superlink');
  await node.systemctl('restart', '--no-block', 'flower-context');
  const codes = ({ problems }: Status): string[] => problems.map(({ code }) => code);
  await node.waitFor('the warning', (status) => codes(status).includes('superlink_unreachable'));
  await federation.superlink.systemctl('start', '--no-block', 'flower-context');
  const status = await node.waitFor('the end', ({ phase, serving }) => phase === 'ready' && serving, 60_000);
  expect(codes(status)).not.toContain('superlink_unreachable');
  await node.toSay('no longer the case: superlink_unreachable');
});

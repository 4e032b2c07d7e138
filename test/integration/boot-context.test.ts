// How the agent handles a CONTEXT: the built program, its unit, and OneGate's view of it.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { oneLine } from '../support/terminal-text.ts';
import { until } from '../support/zone/process.ts';
import { NET, superlink, supernode, updates } from '../support/zone/test-zone.ts';

describe('a CONTEXT with wrong values', () => {
  // covers wrong-variable
  test('is reported completely: each variable in the journal and the status, the code on OneGate, exit status 2, no restart', async () => {
    const { federation, vm, one } = await superlink({
      FL_NUM_ROUNDS: 'many',
      FL_STRATEGY: 'FedBest',
      FL_FLEET_API_ADDRESS: 'here',
    });
    const status = await vm.whenFailed();

    expect(status.problems.map(({ variable }) => variable)).toEqual(
      expect.arrayContaining(['FL_NUM_ROUNDS', 'FL_STRATEGY', 'FL_FLEET_API_ADDRESS']),
    );
    const [strategy] = status.problems.filter(({ variable }) => variable === 'FL_STRATEGY');
    expect(strategy).toMatchObject({
      code: 'config_validation_failed',
      doing: expect.stringContaining('FL_STRATEGY'),
      found: expect.stringContaining('FedBest'),
      expected: expect.stringContaining('FedTrimmedAvg'),
      remedy: expect.stringContaining('onevm updateconf'),
    });
    const { stdout } = await vm.cli('status');
    expect(oneLine(stdout)).toContain(` expected: ${strategy!.expected} `);
    expect(oneLine(stdout)).toContain(` what to do: ${strategy!.remedy} `);
    for (const name of ['FL_NUM_ROUNDS', 'FL_STRATEGY', 'FL_FLEET_API_ADDRESS']) await vm.toSay(name);
    await vm.toSay('FedTrimmedAvg');
    await until(
      'the unit to give up',
      async () => (await vm.unit('flower-context')).ActiveState === 'failed',
    );
    expect(await vm.unit('flower-context')).toMatchObject({ ExecMainStatus: '2', NRestarts: '0' });
    expect(updates(federation, one).at(-1)).toMatchObject({
      FL_READY: 'NO',
      FL_ERROR: 'config_validation_failed',
    });
    expect(existsSync(vm.at('run/flower-context/plan.json'))).toBe(false);
    await until(
      'Flower, which waited for a plan, to be ended',
      async () => (await vm.unit('flower-superlink')).ActiveState === 'inactive',
    );
  });

  test('boots as soon as it is corrected', async () => {
    const { vm, one } = await superlink({ FL_NUM_ROUNDS: 'many' });
    await vm.whenFailed();
    await until(
      'the unit to give up',
      async () => (await vm.unit('flower-context')).ActiveState === 'failed',
    );
    await vm.recontextualize({ FL_NUM_ROUNDS: '5' });
    await vm.whenReady();
    expect(one.userTemplate.get('FL_ERROR')).toBe('-');
    expect(readFileSync(vm.at('run/flower-context/run-config.toml'), 'utf8')).toMatch(
      /num-server-rounds\s*=\s*5/,
    );
  });

  test('is reported nowhere with its secrets', async () => {
    const secret = Buffer.from(
      '-----BEGIN PRIVATE KEY-----\nTOP-SECRET-LINE\n-----END PRIVATE KEY-----\n',
    ).toString('base64');
    const { federation, vm } = await superlink({ FL_SSL_KEYFILE: secret, PASSWORD: 'hunter2-password' });
    await vm.whenFailed();
    const { stdout, stderr } = await vm.cli('context');
    const texts = [
      vm.journalText(),
      JSON.stringify(vm.status()),
      stdout,
      stderr,
      ...federation.zone.log.map(({ body }) => body),
    ];
    for (const text of texts) {
      expect(text).not.toContain(secret.slice(8, 60));
      expect(text).not.toContain('TOP-SECRET-LINE');
      expect(text).not.toContain('hunter2-password');
      expect(text).not.toContain(vm.spec.token);
    }
  });
});

describe('a variable that is changed while the SuperLink serves', () => {
  test('is applied without a new CA, and Flower restarts only when its plan has changed', async () => {
    const { vm } = await superlink();
    await vm.whenReady();
    const ca = readFileSync(vm.at('var/lib/flower-context/tls/ca.pem'), 'utf8');
    const before = (await vm.unit('flower-superlink')).MainPID;

    await vm.recontextualize({ FL_NUM_ROUNDS: '7' });
    await until('the run config', () =>
      readFileSync(vm.at('run/flower-context/run-config.toml'), 'utf8').includes('= 7'),
    );
    await vm.whenReady();
    expect((await vm.unit('flower-superlink')).MainPID).toBe(before);

    await vm.recontextualize({ FL_LOG_LEVEL: 'DEBUG' });
    await until(
      'a new process of Flower',
      async () => ![before, '0'].includes((await vm.unit('flower-superlink')).MainPID),
    );
    await vm.whenReady();
    expect(readFileSync(vm.at('var/lib/flower-context/tls/ca.pem'), 'utf8')).toBe(ca);
  });

  test('is read once, and READY is reported once', async () => {
    const { federation, vm, one } = await superlink();
    await vm.whenReady();
    const state = async (unit: string): Promise<string | undefined> => (await vm.unit(unit)).ActiveState;
    await until('one-context to be done', async () => (await state('one-context')) !== 'activating');
    await until('the unit to be active', async () => (await state('flower-context')) === 'active');
    const reports = (): number => updates(federation, one).filter(({ READY }) => READY === 'YES').length;
    const before = reports();
    // Each is waited for until it is in force: two changes at once would be one look.
    for (const rounds of ['7', '8']) {
      await vm.recontextualize({ FL_NUM_ROUNDS: rounds });
      await until('the next run config', () =>
        readFileSync(vm.at('run/flower-context/run-config.toml'), 'utf8').includes(`= ${rounds}`),
      );
      await vm.whenReady();
    }
    await vm.whenReady();
    expect(vm.journalText().match(/reconciling: /g)).toHaveLength(2);
    expect(reports()).toBe(before);

    // What somebody else took back is reported again.
    one.userTemplate.set('READY', 'NO');
    await vm.systemctl('restart', '--no-block', 'flower-context');
    await until('READY', () => one.userTemplate.get('READY') === 'YES');
  });

  // covers wrong-variable-later
  test('to a wrong one does not stop a Flower that serves', async () => {
    const { federation, vm, one } = await superlink();
    await vm.whenReady();
    const before = (await vm.unit('flower-superlink')).MainPID;
    await vm.recontextualize({ FL_STRATEGY: 'FedBest' });
    await vm.whenFailed();
    expect(vm.status()).toMatchObject({ serving: true });
    expect((await vm.unit('flower-superlink')).MainPID).toBe(before);
    await until(
      'the error on OneGate',
      () => one.userTemplate.get('FL_ERROR') === 'config_validation_failed',
    );
    expect(updates(federation, one).at(-1)).not.toHaveProperty('FL_READY');

    // An agent that starts with it does not stop Flower either.
    const { pid } = vm.status()!;
    process.kill(pid, 'SIGKILL');
    await vm.waitFor('the next agent', (status) => status.pid !== pid && status.phase === 'failed');
    expect(vm.status()).toMatchObject({ serving: true });
    expect((await vm.unit('flower-superlink')).MainPID).toBe(before);
  });
});

test('a SuperNode that waits reads a corrected CONTEXT, although systemd sends no reload then', async () => {
  const { vm } = await supernode({ FL_READY: 'NO' });
  await vm.waitFor('the wait for the SuperLink', ({ waiting }) => waiting !== null);
  const { MainPID } = await vm.unit('flower-context');
  vm.leaveContext({ FL_SUPERLINK_ADDRESS: `${NET}.200.1:9092`, FL_TLS_ENABLED: 'NO' });
  await vm.waitFor('the corrected address', ({ facts }) => facts.superlink === `${NET}.200.1:9092`);
  expect((await vm.unit('flower-context')).MainPID).toBe(MainPID);
});

test('a VM without REPORT_READY=YES publishes its attributes and no READY', async () => {
  const { federation, vm, one } = await superlink({ REPORT_READY: 'NO' });
  await vm.whenReady();
  expect(one.userTemplate.get('FL_READY')).toBe('YES');
  expect(updates(federation, one).filter(({ READY }) => READY === 'YES')).toEqual([]);
  expect(vm.journalText()).toContain("REPORT_READY: 'NO': one-context does not report READY=YES");
});

test('a VM without TOKEN=YES serves and reports that it has no OneGate', async () => {
  const { federation, vm, one } = await superlink({ TOKEN: 'NO' });
  await vm.whenReady();
  expect(updates(federation, one)).toEqual([]);
  expect(vm.status()?.steps.find(({ id }) => id === 'publish')?.state).toBe('skipped');
  expect(vm.journalText()).toContain('no OneGate (TOKEN=YES is not set)');
});

test('a VM without a CONTEXT of one-context fails and names what to check', async () => {
  const { vm } = await superlink();
  await vm.whenReady();
  await vm.systemctl('stop', 'flower-context');
  rmSync(vm.at('run/one-context'), { recursive: true });
  await vm.systemctl('start', '--no-block', 'flower-context');
  const status = await vm.whenFailed();
  expect(status.problems[0]).toMatchObject({
    code: 'context_unreadable',
    remedy: expect.stringContaining('one-context'),
  });
});

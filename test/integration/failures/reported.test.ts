// A problem that does not end the boot is in the journal, the status and the output of doctor. OneGate gets no failure,
// only the code of a degradation.
import { describe, expect, test } from 'vitest';
import { CATALOGUE, type ProblemCode } from '../../../src/core/catalogue.ts';
import { until } from '../../support/zone/process.ts';
import { REPORTED, type Reported } from './reported.ts';
import { inJournal, inStatus, keepsItsSecrets, superlink, supernode } from './setup.ts';

const all = Object.entries(REPORTED).flatMap(([code, many]) =>
  many.map((one) => [code as ProblemCode, one.title, one] as const),
);

describe.each(all)(
  '%s',
  (code, title, { cause, says, until: step, kind = CATALOGUE[code].severity }: Reported) => {
    test(`is reported and the boot continues: ${title}`, async () => {
      const target = await cause();
      const { vm, one } = target;
      const done = ['done', 'kept', 'degraded'];
      await vm.waitFor(
        `the step ${step}`,
        ({ steps }) => steps.some(({ id, state }) => id === step && done.includes(state)),
        60_000,
      );
      const problem = await inStatus(vm, code);
      expect(problem.kind).toBe(kind);
      const journal = await inJournal(vm, code);
      for (const text of says) {
        if (typeof text === 'string') expect(journal).toContain(text);
        else expect(journal).toMatch(text);
      }
      expect(vm.status()?.phase).not.toBe('failed');
      const lacks = kind === 'degraded' ? code : '-';
      const stored = (): boolean => ['-', lacks].includes(one.userTemplate.get('FL_ERROR') ?? '-');
      await until('no failure on OneGate', stored);
      expect((await vm.cli('doctor')).stdout).toContain(`flower-context explain ${code}`);
      await keepsItsSecrets(target);
    });
  },
);

test('a clock that is right again is no longer reported', async () => {
  const { federation, vm } = await REPORTED.clock_off![1]!.cause();
  await inStatus(vm, 'clock_off');
  await vm.waitFor('no acceptance', ({ phase }) => phase === 'booting');
  federation.superlink.orderFake('refuse UNAUTHENTICATED Invalid signature');
  await vm.waitFor('no complaint', ({ problems }) => problems.every(({ code }) => code !== 'clock_off'));
  expect(vm.status()?.phase).toBe('booting');
});

describe('agent_running', () => {
  // covers agent_running
  test('a second agent changes nothing, reports the reason, and ends with 1', async () => {
    const { vm } = await superlink();
    await vm.whenReady();
    const before = JSON.stringify(vm.status());
    const second = await vm.cli('boot');
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/^agent_running: .*another flower-context/);
    expect(second.stderr).toContain('what to do: check it with `flower-context status`');
    expect(JSON.stringify(vm.status())).toBe(before);
  });
});

describe('interrupted', () => {
  test('a boot that gets SIGTERM reports it, and the next boot resumes after the finished steps', async () => {
    const { vm, one } = await supernode({ FL_READY: 'NO' });
    await vm.waitFor('the wait for the SuperLink', ({ waiting }) => waiting !== null);
    await vm.systemctl('stop', 'flower-context');
    expect(vm.status()).toMatchObject({ phase: 'stopped', serving: false });
    expect(vm.journalText()).toMatch(/boot interrupted: asked to stop by SIGTERM; the next start resumes/);
    expect(await vm.unit('flower-context')).toMatchObject({ ActiveState: 'inactive', ExecMainStatus: '0' });
    expect(one.userTemplate.get('FL_NODE_READY')).toBeUndefined();
    const doctor = await vm.cli('doctor');
    expect(doctor).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('the agent has not worked since'),
    });

    await vm.systemctl('start', '--no-block', 'flower-context');
    await vm.waitFor('the next boot', ({ phase, boot }) => phase === 'booting' && boot === 'resumed');
  });

  // covers interrupted
  test('the command boot ends with 1 and the code after SIGTERM', async () => {
    const { vm } = await supernode({ FL_READY: 'NO' });
    await vm.waitFor('the wait for the SuperLink', ({ waiting }) => waiting !== null);
    await vm.systemctl('stop', 'flower-context');
    const boot = vm.cli('boot');
    await vm.waitFor('the manual boot', ({ phase, waiting }) => phase === 'booting' && waiting !== null);
    process.kill(vm.status()!.pid, 'SIGTERM');
    const { code, stdout } = await boot;
    expect(code).toBe(1);
    expect(stdout).toMatch(/boot interrupted: asked to stop by SIGTERM; the next start resumes/);
  });
});

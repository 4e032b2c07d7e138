// Failures before the agent has a CONTEXT or a role. It has no OneGate to report to then.
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { until } from '../../support/zone/process.ts';
import type { Vm } from '../../support/zone/vm.ts';
import { inJournal, inStatus, keepsItsSecrets, superlink, targetOf, zone } from './setup.ts';

/** Replaces the CONTEXT that one-context left on a VM whose agent is stopped. */
function replaceContext(vm: Vm, text: string | Buffer): void {
  for (const stage of readdirSync(vm.at('run/one-context')).filter((name) => name.startsWith('context.sh'))) {
    chmodSync(vm.at(`run/one-context/${stage}`), 0o600);
    writeFileSync(vm.at(`run/one-context/${stage}`), text);
  }
}

// covers context_unreadable
describe('a CONTEXT that is not what one-context writes', () => {
  test.each([
    ['a command', "ETH0_IP='127.42.1.2'\nreboot now\n", /line 2/],
    ['an open quote', "ETH0_IP='127.42.1.2\n", /line 1/],
    ['no end', 'A'.repeat(17 * 1024 * 1024), /bytes, more than|line 1/],
  ])('(%s) ends the boot, is reported with its line, and is never executed', async (_title, text, says) => {
    const target = await superlink();
    const { vm } = target;
    await vm.whenReady();
    // Flower must not serve from before, or the agent keeps it; nor may systemd start it again from the existing plan.
    await vm.systemctl('stop', 'flower-context');
    await vm.systemctl('stop', 'flower-superlink');
    rmSync(vm.at('run/flower-context/plan.json'));
    replaceContext(vm, text);
    await vm.systemctl('start', '--no-block', 'flower-context');
    const status = await vm.whenFailed();
    const code = status.problems[0]!.code as 'context_unreadable';
    expect(['context_unreadable', 'state_unwritable']).toContain(code);
    expect(await inJournal(vm, code)).toMatch(says);
    if (code === 'context_unreadable') {
      await until('the end', async () => (await vm.unit('flower-context')).ExecMainStatus === '2');
    }
    await keepsItsSecrets(target);
  });

  test('does not stop Flower', async () => {
    const { vm, one } = await superlink();
    await vm.whenReady();
    const { MainPID } = await vm.unit('flower-superlink');
    replaceContext(vm, 'rm -rf /\n');
    await inStatus(vm, 'context_unreadable');
    expect(await vm.whenFailed()).toMatchObject({ serving: true });
    expect((await vm.unit('flower-superlink')).MainPID).toBe(MainPID);
    expect(one.userTemplate.get('FL_READY')).toBe('YES');
  });
});

test('the agent and doctor report an image without a role, and the agent retries', async () => {
  const prepare = (vm: Vm): void => rmSync(vm.at('etc/flower-context/appliance.json'));
  const federation = zone({ supernodes: 0, superlink: {}, prepare });
  await federation.deploy();
  const { vm } = await targetOf(federation);
  await until('the problem', () => vm.journalText().includes('image_incomplete: '));
  expect(vm.journalText()).toContain('appliance.json does not exist');
  await until('another try', async () => Number((await vm.unit('flower-context')).NRestarts) > 0);
  expect((await vm.cli('doctor')).stdout).toContain('flower-context explain image_incomplete');
});

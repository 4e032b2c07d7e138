// What the agent makes of a Flower that served and then hangs, ends again and again or is killed for memory, and of
// attributes that somebody else changes on OneGate. The clock of the agent is fast; processes and systemd are not.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import type { ProblemCode } from '../../src/core/catalogue.ts';
import type { Vm as OneVm } from '../support/onegate/index.ts';
import type { Federation } from '../support/zone/federation.ts';
import { until } from '../support/zone/process.ts';
import { superlink, updates, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

/** Ten minutes in half a minute; systemd's pause of 0.3 s is one of 6 s. */
const FAST = { TEST_CLOCK_SPEED: '20' };

const unitOf = ({ spec }: Vm): string => `flower-${spec.role}`;
const mainPid = async (vm: Vm): Promise<number> => Number((await vm.unit(unitOf(vm))).MainPID);
const kill = async (vm: Vm, signal: NodeJS.Signals): Promise<void> => {
  await vm.systemctl('kill', '-s', signal, '--kill-whom=main', unitOf(vm));
};
const hasProblem = (vm: Vm, code: ProblemCode): boolean =>
  vm.status()?.problems.some((one) => one.code === code) === true;

const endsSeen = (vm: Vm): number => vm.journalText().match(/has ended: Result=/g)?.length ?? 0;

/** What OneGate shows of a VM: READY, the flag of its role, FL_ERROR. */
const shown = ({ userTemplate }: OneVm, vm: Vm): string =>
  ['READY', vm.spec.role === 'superlink' ? 'FL_READY' : 'FL_NODE_READY', 'FL_ERROR']
    .map((name) => userTemplate.get(name))
    .join(' ');

const untilShown = (one: OneVm, vm: Vm, what: string, timeoutMs = 60_000): Promise<unknown> =>
  until(`OneGate to show ${what}`, () => shown(one, vm) === what, {
    timeoutMs,
    detail: () => `it shows ${shown(one, vm)}\n${vm.diagnostics()}`,
  });

/** A SuperLink and a SuperNode that serve. */
async function both(): Promise<{ federation: Federation; node: Vm; seen: OneVm }> {
  const federation = zone({ supernodes: 1, env: FAST });
  await federation.deploy();
  const node = await until('the SuperNode', () => federation.vms.find((vm) => vm.spec.role === 'supernode'));
  await node.whenReady(60_000);
  return { federation, node, seen: federation.seenBy(node) };
}

/** The launcher, whose clock is not fast, may have had an answer shortly before: then the code is another one. */
const untilWithdrawnForHang = (one: OneVm, vm: Vm): Promise<unknown> =>
  until('READY to be withdrawn', () => /^NO NO (flower_hung|health_check_timeout)$/.test(shown(one, vm)), {
    timeoutMs: 90_000,
    detail: () => vm.diagnostics(),
  });

// covers flower_hung
test('a SuperLink that is stopped by a signal is reported, READY is withdrawn, and it is restarted', async () => {
  const { vm, one } = await superlink({}, { env: FAST });
  await vm.whenReady();
  const before = await mainPid(vm);
  await kill(vm, 'SIGSTOP');
  await untilShown(one, vm, 'NO NO flower_hung');
  await vm.toSay(/flower_hung: .*was stopped by a signal/);
  await untilShown(one, vm, 'YES YES flower_hung');
  await vm.waitFor('the return', ({ phase, serving }) => phase === 'ready' && serving);
  expect(hasProblem(vm, 'flower_hung')).toBe(true);
  expect(await mainPid(vm)).not.toBe(before);
  // It is not shown for ever.
  await untilShown(one, vm, 'YES YES -', 90_000);
  await vm.waitFor('the end of the problem', ({ problems }) => problems.length === 0);
});

test('a SuperLink whose process runs and answers no call is reported and restarted', async () => {
  const { vm, one } = await superlink({}, { env: FAST });
  await vm.whenReady();
  const before = await mainPid(vm);
  vm.orderFake('mute');
  await untilWithdrawnForHang(one, vm);
  await vm.toSay(/(flower_hung|health_check_timeout): .*2 calls of the Fleet API failed/);
  await until('another Flower', async () => (await mainPid(vm)) !== before, { timeoutMs: 90_000 });
  rmSync(vm.at('etc/fake-flwr'));
  await vm.systemctl('restart', '--no-block', unitOf(vm));
  await until('READY to be back', () => shown(one, vm).startsWith('YES YES '), {
    timeoutMs: 90_000,
    detail: () => vm.diagnostics(),
  });
  expect(await mainPid(vm)).not.toBe(before);
});

test('a SuperNode that is stopped by a signal is reported and restarted', async () => {
  const { node, seen } = await both();
  const before = await mainPid(node);
  await kill(node, 'SIGSTOP');
  await untilShown(seen, node, 'NO NO flower_hung');
  await untilShown(seen, node, 'YES YES flower_hung', 90_000);
  expect(await mainPid(node)).not.toBe(before);
});

// covers flower_crash_loop
test('the third end of Flower within ten minutes withdraws READY until Flower has run for three minutes', async () => {
  const { vm, one, federation } = await superlink({}, { env: FAST });
  await vm.whenReady();
  for (let ends = 0; ends < 7; ends++) {
    await until('Flower', async () => {
      const link = vm.flowerLink();
      return link?.phase === 'serving' && link.pid === (await mainPid(vm));
    });
    // Three times it has served before.
    if (ends < 3) await vm.waitFor('the return', ({ serving }) => serving);
    const pid = vm.flowerLink()?.pid;
    await kill(vm, 'SIGKILL');
    await until('another process', () => vm.flowerLink()?.pid !== pid);
    if (ends < 3) await until('the agent to see it', () => endsSeen(vm) > ends);
    if (ends === 2) await untilShown(one, vm, 'NO NO flower_crash_loop');
  }
  const sent = updates(federation, one).length;
  // A boot that sees an end publishes that.
  expect(shown(one, vm)).toMatch(/^NO NO flower_(crash_loop|start_failed)$/);
  await vm.toSay(
    /flower_crash_loop: .*3 ends within \d+ min; the last: flower-superlink.service ended with Result=signal, status 9/,
  );
  expect(vm.status()).toMatchObject({ serving: false });
  await vm.waitFor(
    'the wait',
    ({ waiting }) => waiting?.for.startsWith('Flower to run for three minutes'),
    60_000,
  );
  await untilShown(one, vm, 'YES YES -', 90_000);
  const after = updates(federation, one).slice(sent);
  expect(after.filter(({ READY }) => READY === 'YES')).toHaveLength(1);
  await vm.waitFor(
    'the return',
    ({ phase, serving, problems }) => phase === 'ready' && serving && problems.length === 0,
  );
});

test('ends that were asked for are no crash loop', async () => {
  const { vm, one } = await superlink({}, { env: FAST });
  await vm.whenReady();
  for (let times = 0; times < 4; times++) {
    const pid = await mainPid(vm);
    await vm.systemctl('restart', 'flower-superlink');
    await vm.waitFor('the return', ({ phase, serving }) => phase === 'ready' && serving, 60_000);
    expect(await mainPid(vm)).not.toBe(pid);
  }
  await untilShown(one, vm, 'YES YES -');
  expect(vm.journalText()).not.toMatch(/has ended: Result/);
});

test('a SuperNode that the SuperLink refuses again and again is not in a crash loop', async () => {
  const { federation, node, seen } = await both();
  federation.superlink.orderFake('refuse UNAUTHENTICATED Invalid signature');
  // Not NRestarts of the unit: a boot of the agent restarts it, and systemd counts anew.
  const refusals = (): number =>
    node.journalText('flower-supernode').match(/Main process exited, code=exited, status=75/g)?.length ?? 0;
  await until('four refusals', () => refusals() >= 4, {
    timeoutMs: 60_000,
    detail: () => node.diagnostics(),
  });
  expect(node.journalText()).not.toMatch(/flower_crash_loop|flower-supernode.service has ended/);
  rmSync(federation.superlink.at('etc/fake-flwr'));
  await untilShown(seen, node, 'YES YES -', 90_000);
});

// covers flower_out_of_memory, app_out_of_memory
test('a Flower that the kernel kills for memory is a problem at once, and an app a warning', async () => {
  const { vm, one } = await superlink({}, { env: FAST });
  await vm.whenReady();
  const kills = (count: number): void => {
    const file = vm.at('sys/fs/cgroup/flower.slice/memory.events');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `low 0\nhigh 0\nmax 0\noom ${count}\noom_kill ${count}\noom_group_kill 0\n`);
  };
  kills(1);
  await vm.waitFor('the warning', () => hasProblem(vm, 'app_out_of_memory'), 60_000);
  expect(shown(one, vm)).toBe('YES YES -');
  kills(2);
  await kill(vm, 'SIGKILL');
  await untilShown(one, vm, 'NO NO flower_out_of_memory');
  await vm.toSay(
    /flower_out_of_memory: .*Result=signal, status 9, killed by the kernel because memory was used up/,
  );
  await untilShown(one, vm, 'YES YES flower_out_of_memory');
});

test('a SuperLink corrects what somebody else changes on OneGate, slowly, and reports it', async () => {
  const { vm, one, federation } = await superlink({}, { env: FAST });
  await vm.whenReady();
  const right = one.userTemplate.get('FL_ENDPOINT');
  const published = (): number => updates(federation, one).filter(({ FL_ENDPOINT }) => FL_ENDPOINT).length;
  const sent = published();
  const wrong = { FL_ENDPOINT: 'MTkyLjAuMi45OjkwOTI', FL_READY: 'NO', READY: 'NO', FL_CA_CERT: '-' };
  for (const [name, value] of Object.entries(wrong)) one.userTemplate.set(name, value);
  await untilShown(one, vm, 'YES YES peer_suspicious', 90_000);
  expect(one.userTemplate.get('FL_ENDPOINT')).toBe(right);
  expect(published()).toBe(sent + 1);
  const { problems } = await vm.waitFor('the problem', () => hasProblem(vm, 'peer_suspicious'));
  expect(problems).toContainEqual(
    expect.objectContaining({
      code: 'peer_suspicious',
      kind: 'degraded',
      found: expect.stringMatching(/somebody else has changed .*FL_ENDPOINT from .*OneGate does not say who/),
    }),
  );
  expect((await vm.unit('flower-superlink')).NRestarts).toBe('0');
});

test('a SuperLink that serves with a wrong CONTEXT corrects its attributes, and withdraws READY when it hangs', async () => {
  const { vm, one, federation } = await superlink({}, { env: FAST });
  await vm.whenReady();
  const right = one.userTemplate.get('FL_ENDPOINT');
  await vm.recontextualize({ FL_NUM_ROUNDS: 'ten' });
  await untilShown(one, vm, 'YES YES config_validation_failed');
  const boots = (): number => vm.journalText().match(/the boot failed after/g)?.length ?? 0;
  expect(boots()).toBe(1);
  const wrong = { FL_ENDPOINT: 'MTkyLjAuMi45OjkwOTI', FL_READY: 'NO', READY: 'NO', FL_ERROR: '-' };
  for (const [name, value] of Object.entries(wrong)) one.userTemplate.set(name, value);
  const sent = updates(federation, one).length;
  await untilShown(one, vm, 'YES YES config_validation_failed', 90_000);
  expect(one.userTemplate.get('FL_ENDPOINT')).toBe(right);
  expect(updates(federation, one)).toHaveLength(sent + 1);
  await vm.waitFor('the problem', () => hasProblem(vm, 'peer_suspicious'));
  expect((await vm.unit('flower-superlink')).NRestarts).toBe('0');

  vm.orderFake('mute');
  await untilWithdrawnForHang(one, vm);
  rmSync(vm.at('etc/fake-flwr'));
  // No boot was tried with that CONTEXT again.
  expect(boots()).toBe(1);
  await vm.recontextualize({ FL_NUM_ROUNDS: '5' });
  await until('READY to be published', () => shown(one, vm).startsWith('YES YES'), {
    timeoutMs: 90_000,
    detail: () => vm.diagnostics(),
  });
});

test('a SuperNode corrects FL_NODE_READY and READY, too', async () => {
  const { node, seen } = await both();
  seen.userTemplate.set('FL_NODE_READY', 'NO');
  seen.userTemplate.set('READY', 'NO');
  await until('the correction', () => shown(seen, node).startsWith('YES YES'), {
    timeoutMs: 90_000,
    detail: () => node.diagnostics(),
  });
});

test('the stop of the agent is in the journal, with what it means for READY', async () => {
  const { vm, one } = await superlink();
  await vm.whenReady();
  await vm.systemctl('stop', 'flower-context');
  await vm.toSay(
    /stopped: asked to stop by SIGTERM; Flower keeps running without supervision: READY on OneGate stays/,
  );
  expect(shown(one, vm)).toBe('YES YES -');
});

test('a Flower that ends does not serve any more, within two seconds', async () => {
  const { vm } = await superlink();
  await vm.whenReady();
  // It needs longer to come back than this test looks.
  vm.orderFake('hang');
  const from = Date.now();
  await kill(vm, 'SIGKILL');
  await vm.waitFor('the loss', ({ serving }) => !serving);
  const journal = vm.journal().find(({ message }) => message.startsWith('Flower is not serving'))!;
  expect(journal.at.getTime() - from).toBeLessThan(2_000 * Number(process.env.LOAD_FACTOR ?? 1));
});

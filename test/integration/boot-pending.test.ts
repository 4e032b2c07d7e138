// A change that needs a restart of Flower while a run is active: it waits, is shown, and is applied later.
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { until } from '../support/zone/process.ts';
import { superlink, updates, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

/** The minute between two questions to Flower is three seconds. */
const QUICK = { env: { TEST_CLOCK_SPEED: '20' } };

const flowerOf = async (vm: Vm): Promise<string> => (await vm.unit(`flower-${vm.spec.role}`)).MainPID!;

const whenPending = (vm: Vm, reason: string) =>
  vm.waitFor(
    `a pending change: ${reason}`,
    ({ phase, pending }) => phase === 'ready' && pending?.reason === reason,
  );

const certificateOf = (vm: Vm): string =>
  readFileSync(vm.at('var/lib/flower-context/tls/server.pem'), 'utf8');

async function withRun(spec: Parameters<typeof superlink>[1] = QUICK) {
  const zone = await superlink({}, spec);
  await zone.vm.whenReady();
  zone.vm.fakeRuns('finished:completed', 'running');
  return { ...zone, flower: await flowerOf(zone.vm) };
}

test('a new certificate waits while a run is active; status, apply and OneGate say what is true, and then it is applied', async () => {
  const { vm, one, federation, flower } = await withRun();
  const served = { ...vm.status()!.facts };
  const before = certificateOf(vm);
  const sent = updates(federation, one).length;

  await vm.recontextualize({ FL_CERT_EXTRA_SAN: 'DNS:other.example.org' });
  const { pending, problems, serving } = await whenPending(vm, 'a new server certificate');
  expect(pending).toMatchObject({ because: 'run 2 is running' });
  expect({ problems, serving }).toEqual({ problems: [], serving: true });
  expect(await flowerOf(vm)).toBe(flower);
  // The next start takes the new certificate; until then the facts are those of what serves.
  expect(certificateOf(vm)).not.toBe(before);
  expect(vm.status()!.facts).toMatchObject({
    sans: served.sans,
    certificate_until: served.certificate_until,
  });
  expect((await vm.cli('ready', '--timeout', '0')).code).toBe(0);
  expect(
    updates(federation, one)
      .slice(sent)
      .filter(({ READY }) => READY === 'NO'),
  ).toEqual([]);
  expect(one.userTemplate.get('FL_ERROR')).toBe('-');
  const shown = await vm.cli('status');
  expect(shown.stdout).toMatch(/pending since \S+: a new server certificate\n.*now run 2 is running/);
  const asked = await vm.cli('apply');
  expect(asked).toMatchObject({ code: 3, stdout: expect.stringContaining('a new server certificate') });

  // A later boot finds the same: it is said once.
  await vm.systemctl('reload', 'flower-context');
  await vm.toSay('reconciling: reload requested');
  await whenPending(vm, 'a new server certificate');
  expect(await flowerOf(vm)).toBe(flower);
  expect(vm.journalText().match(/a new server certificate: Flower is restarted for it when/g)).toHaveLength(
    1,
  );

  vm.fakeRuns('finished:completed', 'finished:failed');
  await vm.waitFor(
    'the change to be applied',
    ({ phase, pending: left }) => phase === 'ready' && left === null,
  );
  expect(await flowerOf(vm)).not.toBe(flower);
  expect(vm.status()!.facts.sans).toContain('DNS:other.example.org');
  await vm.toSay(/start Flower: done .* with a new server certificate, which was pending since/);
  expect(await vm.cli('apply')).toMatchObject({ code: 0, stdout: 'no change is pending\n' });
});

test('without a run it is applied at once, and also what serves wrongly during a run', async () => {
  const { vm, flower } = await withRun();
  await vm.recontextualize({ FL_CONTROL_API_ADDRESS: '127.0.0.1:9193' });
  await until('another Flower', async () => !['0', flower].includes(await flowerOf(vm)));
  await vm.whenReady();
  await vm.toSay(/start Flower: done .* with other listen addresses/);
  const second = await flowerOf(vm);
  vm.fakeRuns();
  await vm.recontextualize({ FL_CONTROL_API_ADDRESS: '127.0.0.1:9193', FL_LOG_LEVEL: 'DEBUG' });
  await until('another Flower', async () => !['0', second].includes(await flowerOf(vm)));
  expect(vm.journalText()).not.toContain('Flower is restarted for it when');
});

test('`apply --now` interrupts the run', async () => {
  const { vm, flower } = await withRun();
  await vm.recontextualize({ FL_GRPC_KEEPALIVE_TIME: '120' });
  await whenPending(vm, 'other keepalive times');
  const { code, stdout } = await vm.cli('apply', '--now');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'applied: other keepalive times\n' });
  expect(await flowerOf(vm)).not.toBe(flower);
  expect(vm.status()).toMatchObject({ phase: 'ready', pending: null });
  expect(existsSync(vm.at('run/flower-context/apply-now'))).toBe(false);
});

test('`apply --now` that fails is over: a later change waits again', async () => {
  const { vm, flower } = await withRun();
  await vm.recontextualize({ FL_NUM_ROUNDS: 'many' });
  await vm.waitFor('the failure', ({ phase }) => phase === 'failed');
  expect((await vm.cli('apply', '--now')).code).toBe(1);
  await vm.recontextualize({ FL_NUM_ROUNDS: '3', FL_GRPC_KEEPALIVE_TIME: '120' });
  await whenPending(vm, 'other keepalive times');
  expect(await flowerOf(vm)).toBe(flower);
});

test('a Flower that crashed takes the pending change with its restart, and so does one after a reboot', async () => {
  const { vm, flower } = await withRun();
  await vm.recontextualize({ FL_LOG_LEVEL: 'WARNING' });
  await whenPending(vm, 'another log level (WARNING instead of INFO)');
  await vm.systemctl('kill', '-s', 'KILL', 'flower-superlink');
  await vm.waitFor('the change', ({ phase, pending }) => phase === 'ready' && pending === null);
  const plan = (): string => readFileSync(vm.at('run/flower-context/plan.json'), 'utf8');
  expect(plan()).toContain('"FLWR_LOG_LEVEL": "WARNING"');
  expect(await flowerOf(vm)).not.toBe(flower);

  await vm.recontextualize({ FL_LOG_LEVEL: 'ERROR' });
  await whenPending(vm, 'another log level (ERROR instead of WARNING)');
  await vm.shutdown();
  await vm.boot();
  await vm.whenReady();
  expect(vm.status()?.pending).toBeNull();
  expect(plan()).toContain('"FLWR_LOG_LEVEL": "ERROR"');
});

test('a change that was taken back is not pending any more, and Flower was never restarted', async () => {
  const { vm, flower } = await withRun();
  await vm.recontextualize({ FL_LOG_LEVEL: 'DEBUG' });
  await whenPending(vm, 'another log level (DEBUG instead of INFO)');
  await vm.recontextualize({ FL_LOG_LEVEL: 'INFO' });
  await vm.waitFor('nothing pending', ({ phase, pending }) => phase === 'ready' && pending === null);
  expect(await flowerOf(vm)).toBe(flower);
});

test('an agent that is started again keeps what is pending, since when, and Flower', async () => {
  const { vm, flower } = await withRun();
  await vm.recontextualize({ FL_DATABASE: 'state/other.db' });
  const { pending } = await whenPending(vm, 'another database');
  const agent = vm.status()!.pid;
  await vm.systemctl('restart', 'flower-context');
  const again = await vm.waitFor('the new agent', ({ pid, phase }) => pid !== agent && phase === 'ready');
  expect(again.pending).toMatchObject({ reason: 'another database', since: pending!.since });
  expect(await flowerOf(vm)).toBe(flower);
  // Nothing waits for the end of a run when the VM is shut down.
  const began = performance.now();
  await vm.systemctl('stop', 'flower-context', 'flower-superlink');
  expect((await vm.unit('flower-superlink')).ActiveState).toBe('inactive');
  expect(performance.now() - began).toBeLessThan(60_000);
});

// covers change_pending
test('after 24 hours it is a problem, also on OneGate, and Flower still serves', async () => {
  // A day is half a minute.
  const { vm, one, flower } = await withRun({ env: { TEST_CLOCK_SPEED: '2880' } });
  await vm.recontextualize({ FL_GRPC_KEEPALIVE_TIME: '90' });
  const status = await vm.waitFor(
    'the problem',
    ({ phase, problems }) => phase === 'ready' && problems.length > 0,
    120_000,
  );
  expect(status.problems).toEqual([
    expect.objectContaining({
      code: 'change_pending',
      kind: 'degraded',
      found: expect.stringContaining('other keepalive times'),
      remedy: expect.stringContaining('flower-context apply --now'),
    }),
  ]);
  await until('FL_ERROR', () => one.userTemplate.get('FL_ERROR') === 'change_pending');
  expect(one.userTemplate.get('READY')).toBe('YES');
  expect(await flowerOf(vm)).toBe(flower);
  vm.fakeRuns();
  await vm.waitFor('the change', ({ phase, pending }) => phase === 'ready' && pending === null);
  await until('FL_ERROR', () => one.userTemplate.get('FL_ERROR') === '-');
  expect(await flowerOf(vm)).not.toBe(flower);
});

test('a SuperLink that does not say whether a run is active is spared until the limit, with the reason', async () => {
  const { vm, flower } = await withRun({ env: { TEST_CLOCK_SPEED: '2880' } });
  vm.fakeRuns('broken');
  await vm.recontextualize({ FL_GRPC_KEEPALIVE_TIME: '90' });
  const { pending } = await whenPending(vm, 'other keepalive times');
  expect(pending!.because).toBe(
    'it is not known whether a run is active: `flwr list`: Connection to the SuperLink is unavailable.',
  );
  expect(await flowerOf(vm)).toBe(flower);
  await vm.waitFor('the change', ({ phase, pending: left }) => phase === 'ready' && left === null, 120_000);
  expect(await flowerOf(vm)).not.toBe(flower);
});

test('a SuperNode that works keeps its number of partitions, a new one starts at once, and OneGate says what each runs with', async () => {
  const federation = zone({ supernodes: 1, supernode: { FL_LOG_LEVEL: 'INFO' } });
  await federation.up();
  const [vm] = federation.supernodes as [Vm];
  const one = federation.seenBy(vm);
  vm.orderFake('work');
  await until('a message', () => vm.flowerLink()?.messages?.open === 1);
  const flower = await flowerOf(vm);

  federation.zone.services[0]!.scale('supernode', 2);
  await until('the new node', () => federation.supernodes.length === 2);
  const other = federation.supernodes.find((node) => node !== vm)!;
  await other.whenReady();
  const reason = 'another number of data partitions (2 instead of 1)';
  const { pending, facts } = await whenPending(vm, reason);
  expect(pending!.because).toBe('a message is being worked on');
  expect(facts).toMatchObject({ partition_id: 0, num_partitions: 1 });
  const claim = (name: string): string | undefined => one.userTemplate.get(name);
  expect([claim('FL_PARTITION_ID'), claim('FL_NUM_PARTITIONS'), claim('READY')]).toEqual(['0', '1', 'YES']);
  const young = federation.seenBy(other).userTemplate;
  expect([young.get('FL_PARTITION_ID'), young.get('FL_NUM_PARTITIONS')]).toEqual(['1', '2']);
  expect(await flowerOf(vm)).toBe(flower);

  vm.orderFake('stay');
  const ended = performance.now();
  await vm.waitFor('the change', ({ phase, pending: left }) => phase === 'ready' && left === null, 120_000);
  expect(performance.now() - ended).toBeGreaterThan(30_000);
  expect(await flowerOf(vm)).not.toBe(flower);
  expect([claim('FL_PARTITION_ID'), claim('FL_NUM_PARTITIONS')]).toEqual(['0', '2']);
  // Nobody has changed these attributes but this node.
  for (const node of federation.supernodes)
    expect(node.journalText()).not.toMatch(/somebody else has changed/);
});

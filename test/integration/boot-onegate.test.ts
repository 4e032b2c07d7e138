// OneGate fails in every way that was recorded or that networks have. Each failure may end, so the agent retries.
import { afterAll, describe, expect, test } from 'vitest';
import type { Fault } from '../support/onegate/index.ts';
import { until } from '../support/zone/process.ts';
import { updates, zone } from '../support/zone/test-zone.ts';

/** Tests that run side by side cannot clean up by themselves: all of it is done at the end. */
const toClean: (() => void | Promise<void>)[] = [];
const cleanLater = (clean: () => void | Promise<void>): void => void toClean.unshift(clean);
afterAll(async () => {
  for (const clean of toClean) await clean();
});

const OUTAGES: readonly (readonly [string, Fault])[] = [
  // covers onegate-hangs
  ['hangs', { kind: 'hang' }],
  // covers onegate-401
  ['answers 401, as it does while oned is down', { kind: 'status', status: 401, body: 'Not authorized' }],
  // covers onegate-404
  [
    'answers 404, as it does while OneFlow is down',
    { kind: 'status', status: 404, body: 'Service 1 not found' },
  ],
  // covers onegate-500
  ['answers 500', { kind: 'status', status: 500, body: 'Internal server error' }],
  ['resets every connection', { kind: 'reset' }],
  ['is hidden by a login page, which says 200', { kind: 'garbage', body: '<html>log in</html>' }],
];

describe.concurrent('a SuperLink whose OneGate', () => {
  // covers onegate_unreachable
  test.each(OUTAGES)('%s serves, and publishes when OneGate answers', async (_title, fault) => {
    const federation = zone({ supernodes: 0 }, cleanLater);
    const outage = federation.zone.faults.add(fault, { method: 'PUT' });
    await federation.deploy();
    const vm = federation.superlink;
    const one = federation.seenBy(vm);
    // Eight tries of at most 5 s, and the pauses between them: up to 90 s until it is a degradation.
    await vm.waitFor(
      'Flower to serve, and the degradation to be reported',
      ({ steps, problems }) => {
        const serves = steps.some(({ id, state }) => id === 'await_fleet_api' && state === 'done');
        return serves && problems.some(({ code }) => code === 'onegate_unreachable');
      },
      120_000,
    );
    await until('a try to publish', () => outage.hits >= 3);
    expect((await vm.unit('flower-superlink')).ActiveState).toBe('active');
    expect((await vm.cli('ready', '--timeout', '0')).code).toBe(3);
    expect(updates(federation, one)).toEqual([]);

    outage.clear();
    const published = () =>
      one.userTemplate.get('FL_READY') === 'YES' && one.userTemplate.get('FL_CA_CERT') !== undefined;
    await until('what it publishes', published, { timeoutMs: 40_000, detail: () => vm.diagnostics() });
    await vm.waitFor('the gate to be opened', ({ serving }) => serving);
  });
});

// covers onegate-down
test('a SuperLink whose OneGate is down from the start serves, and publishes when it is up', async () => {
  const federation = zone({ supernodes: 0 });
  await federation.deploy();
  await federation.zone.down();
  const vm = federation.superlink;
  await vm.waitFor(
    'the degradation',
    ({ problems }) => problems.some(({ code }) => code === 'onegate_unreachable'),
    60_000,
  );
  await vm.waitFor('Flower to serve', ({ steps }) =>
    steps.some(({ id, state }) => id === 'await_fleet_api' && state === 'done'),
  );
  await federation.zone.up();
  await until('what it publishes', () => federation.seenBy(vm).userTemplate.get('FL_READY') === 'YES', {
    timeoutMs: 60_000,
    detail: () => vm.diagnostics(),
  });
});

test.concurrent('a node whose publication failed never reports READY=YES before the other attributes are stored', async () => {
  const federation = zone({ supernodes: 0 }, cleanLater);
  // Eight tries to publish: the ninth would be READY=YES alone.
  const outage = federation.zone.faults.add({ kind: 'status', status: 500 }, { method: 'PUT', times: 8 });
  await federation.deploy();
  const vm = federation.superlink;
  const one = federation.seenBy(vm);
  await until('all tries to be used up', () => outage.hits === 8, {
    timeoutMs: 90_000,
    detail: () => vm.diagnostics(),
  });
  await until('READY', () => one.userTemplate.get('READY') === 'YES', {
    timeoutMs: 60_000,
    detail: () => vm.diagnostics(),
  });
  const sent = updates(federation, one);
  const ready = sent.findIndex(({ READY }) => READY === 'YES');
  const rest = sent.findIndex(({ FL_READY, FL_CA_CERT }) => FL_READY === 'YES' && FL_CA_CERT !== undefined);
  expect(rest).toBeGreaterThanOrEqual(0);
  expect(ready).toBeGreaterThanOrEqual(rest);
}, 180_000);

test('the agent publishes an attribute again that somebody overwrote on OneGate, after a reload', async () => {
  const federation = zone({ supernodes: 0 });
  await federation.deploy();
  const vm = federation.superlink;
  await vm.whenReady();
  const { userTemplate } = federation.seenBy(vm);
  const endpoint = userTemplate.get('FL_ENDPOINT')!;
  userTemplate.set('FL_ENDPOINT', '203.0.113.9:9092');
  await until('systemd to know', async () => (await vm.unit('flower-context')).ActiveState === 'active');
  // What `doctor` says to do then.
  await vm.systemctl('reload', 'flower-context');
  await until('the true address', () => userTemplate.get('FL_ENDPOINT') === endpoint, {
    detail: () => vm.diagnostics(),
  });
});

describe('a SuperNode', () => {
  test('whose OneGate fails for a while waits, shows the wait, and finds the SuperLink when OneGate answers', async () => {
    const federation = zone({ supernodes: 1 });
    await federation.deploy();
    await federation.superlink.whenReady();
    await until('the SuperNode', () => federation.supernodes.length === 1);
    const [vm] = federation.supernodes;
    const outage = federation.zone.faults.add(
      { kind: 'status', status: 401, body: 'Not authorized' },
      { vm: federation.seenBy(vm!).id },
    );
    await vm!.waitFor('the wait', ({ waiting, phase }) => waiting !== null || phase === 'ready', 30_000);
    outage.clear();
    await vm!.whenReady(60_000);
  });
});

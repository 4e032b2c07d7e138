// Discovery of a SuperLink that comes late, moves, does not exist or publishes false attributes.
import { describe, expect, test } from 'vitest';
import { until } from '../support/zone/process.ts';
import { NET, supernode, zone } from '../support/zone/test-zone.ts';

describe('a SuperNode', () => {
  // covers no-service
  test('outside a service fails at once and names the variable that would help', async () => {
    const federation = zone({ supernodes: 0 });
    await federation.zone.start();
    const one = federation.zone.addVm({ name: 'supernode_0', nics: [{ ip: `${NET}.240.2` }] });
    await until('the VM', () => federation.vms.length === 1);
    const [vm] = federation.vms;
    const status = await vm!.whenFailed();
    expect(status.problems[0]).toMatchObject({
      code: 'not_in_service',
      remedy: expect.stringContaining('FL_SUPERLINK_ADDRESS'),
    });
    await until('the error on OneGate', () => one.userTemplate.get('FL_ERROR') === 'not_in_service');
  });

  // covers superlink-late
  test('that boots before the SuperLink waits for it visibly and continues within seconds', async () => {
    const { peer, vm, federation } = await supernode({}, { FL_EDGE_MAX_BACKOFF: '2' });
    const waiting = await vm.waitFor('the wait', (status) => status.waiting !== null);
    expect(waiting.waiting?.for).toMatch(/SuperLink/);
    await until('the wait in the journal', () => vm.journalText().includes('waiting for'));
    expect((await vm.unit('flower-context')).StatusText).toMatch(/waiting for/);
    expect(federation.zone.log.some(({ attributes }) => attributes.FL_NODE_READY === 'YES')).toBe(false);
    for (const [name, value] of Object.entries({
      FL_READY: 'YES',
      FL_ENDPOINT: `${NET}.200.1:9092`,
      FL_TLS: 'NO',
    }))
      peer.userTemplate.set(name, value);
    await vm.waitFor('the discovery', ({ facts }) => facts.superlink === `${NET}.200.1:9092`, 15_000);
  });

  // covers no-service-static-address
  test('with a static address does not ask OneGate for one', async () => {
    const { vm, one, federation } = await supernode(
      {},
      { FL_SUPERLINK_ADDRESS: `${NET}.200.1:9092`, FL_TLS_ENABLED: 'NO' },
    );
    await vm.waitFor('the start of Flower', ({ steps }) =>
      steps.some(({ id, state }) => id === 'start_flower' && state === 'done'),
    );
    expect(
      federation.zone.log.filter(({ vm: from, path }) => from === one.id && path.startsWith('/vms/')),
    ).toEqual([]);
    expect(vm.status()?.problems.map(({ code }) => code)).toContain('superlink_unreachable');
  });

  test.each([
    ['no endpoint', { FL_READY: 'YES', FL_TLS: 'NO' }],
    ['an endpoint that is none', { FL_READY: 'YES', FL_TLS: 'NO', FL_ENDPOINT: '$(reboot):9092' }],
  ])('does not use what a SuperLink publishes with %s', async (_title, says) => {
    const { vm } = await supernode(says, { FL_EDGE_MAX_BACKOFF: '1' });
    await vm.waitFor('the wait', ({ waiting, phase }) => waiting !== null || phase === 'failed');
    expect(vm.status()?.facts.superlink).toBeUndefined();
    expect(vm.hasPlan()).toBe(false);
  });
});

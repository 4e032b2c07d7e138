// Discovery of a SuperLink that comes late, moves, does not exist or publishes false attributes.
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../support/zone/process.ts';
import { NET, superlink, supernode, zone } from '../support/zone/test-zone.ts';

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

  test('that does not reach the IPv4 address dials the IPv6 address that the SuperLink publishes, and says why', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host: '::1', port: 0 }, resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const v4 = `${NET}.200.1:9092`;
    const says = { FL_READY: 'YES', FL_TLS: 'NO', FL_ENDPOINT: v4, FL_ENDPOINT6: `::1:${port}` };
    const { vm } = await supernode(says);
    await vm.waitFor('the discovery', ({ facts }) => facts.superlink === `[::1]:${port}`);
    const step = vm.status()?.steps.find(({ id }) => id === 'discover_superlink');
    expect(step?.note).toContain(`${v4}: connection refused`);
  });
});

describe('a SuperLink', () => {
  test('with an IPv6 address that does not answer does not publish it, and reports why', async () => {
    const port = String(20_000 + (process.pid % 20_000));
    const context = { ETH0_IP6: 'fd00:235::9', FL_FLEET_API_ADDRESS: `0.0.0.0:${port}` };
    const { vm, one } = await superlink(context);
    const { problems } = await vm.whenReady();
    expect(one.userTemplate.get('FL_ENDPOINT')).toMatch(new RegExp(`^127[.].*:${port}$`));
    expect(one.userTemplate.get('FL_ENDPOINT6')).toBe('-');
    expect(problems).toContainEqual(
      expect.objectContaining({
        code: 'superlink_unreachable',
        doing: expect.stringContaining('[fd00:235::9]'),
      }),
    );
  });

  test('with IPv4 and IPv6 shows both in plan', async () => {
    const { vm } = await superlink({ ETH0_IP6: 'fd00:235::9', FL_FLEET_API_ADDRESS: '[::]:9092' });
    const { stdout } = await vm.cli('plan');
    expect(stdout).toMatch(/SuperNodes dial: 127[\d.]+:9092, without IPv4 \[fd00:235::9\]:9092/);
  });
});

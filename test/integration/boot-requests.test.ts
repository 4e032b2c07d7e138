// What a boot of the built agent costs OneGate until READY: every request of the VM is counted, one-context's report too.
import { expect, test } from 'vitest';
import type { Vm as OneVm } from '../support/onegate/index.ts';
import { updatesOf } from '../support/onegate/index.ts';
import { callsFor, requestOf } from '../support/onegate/oned-calls.ts';
import type { Federation } from '../support/zone/federation.ts';
import { until } from '../support/zone/process.ts';
import { superlink, zone } from '../support/zone/test-zone.ts';

const asked = ({ zone: { log } }: Federation, one: OneVm, from = 0): string[] =>
  log.slice(from).flatMap(({ vm, method, path }) => (vm === one.id ? [`${method} ${path}`] : []));

/** READY=YES alone, as only one-context sends it. */
const reported = (federation: Federation, one: OneVm): boolean =>
  updatesOf(federation.zone, one).some(
    ({ attributes }) => attributes['READY'] === 'YES' && Object.keys(attributes).length === 1,
  );

const untilReported = (federation: Federation, one: OneVm): Promise<unknown> =>
  until(`one-context's report of VM ${one.id}`, () => reported(federation, one), {
    detail: () => asked(federation, one).join('\n'),
  });

test('a SuperLink asks three times until READY, a SuperNode five times, the report of one-context counted in', async () => {
  const federation = zone({ supernodes: 2 });
  await federation.up();
  const superLink = federation.seenBy(federation.superlink);
  await untilReported(federation, superLink);
  expect(asked(federation, superLink)).toEqual(['GET /vm', 'PUT /vm', 'PUT /vm']);

  for (const vm of federation.supernodes) {
    const one = federation.seenBy(vm);
    await untilReported(federation, one);
    const requests = asked(federation, one);
    expect(requests).toEqual(['GET /vm', 'GET /service', `GET /vms/${superLink.id}`, 'PUT /vm', 'PUT /vm']);
    const calls = requests.map((request) => {
      const [method = '', path = ''] = request.split(' ');
      return callsFor(requestOf(method, path, false), federation.zone.vms.length);
    });
    expect(calls.reduce((sum, one) => sum + one)).toBe(24);
  }
  await federation.zone.until(() => federation.zone.services[0]!.state === 'RUNNING');
  expect(federation.zone.log.filter(({ path }) => path.includes('extended'))).toEqual([]);
});

test('a reboot costs one more request, which withdraws the attributes of the boot before', async () => {
  const { federation, vm, one } = await superlink();
  await vm.whenReady();
  await untilReported(federation, one);
  await vm.shutdown();
  const from = federation.zone.log.length;
  await vm.boot();
  await vm.whenReady();
  expect(asked(federation, one, from).slice(0, 3)).toEqual(['GET /vm', 'PUT /vm', 'PUT /vm']);
  const ready = federation.zone.log.slice(from).flatMap(({ attributes }) => attributes['READY'] ?? []);
  expect(ready.slice(0, 2)).toEqual(['NO', 'YES']);
});

test('a VM whose attributes OneGate does not show withdraws them too', async () => {
  const federation = zone({ supernodes: 0 });
  federation.zone.faults.add({ kind: 'status', status: 500 }, { method: 'GET', path: '/vm' });
  await federation.deploy();
  await federation.superlink.whenReady();
  const [first] = updatesOf(federation.zone, federation.seenBy(federation.superlink));
  expect(first?.attributes).toMatchObject({ READY: 'NO', FL_READY: 'NO' });
});

test('a SuperNode with the attributes of the VM whose image it has withdraws them first, and reads the claims', async () => {
  const saved = { READY: 'YES', FL_NODE_READY: 'YES', FL_NODE_ID: '4711', FL_PARTITION_ID: '0' };
  const federation = zone({
    supernodes: 1,
    prepare: ({ spec: { role } }) => {
      if (role !== 'supernode') return;
      const { userTemplate } = federation.zone.vms.find((one) => one.role === 'supernode')!;
      for (const [name, value] of Object.entries(saved)) userTemplate.set(name, value);
    },
  });
  await federation.up();
  const one = federation.seenBy(federation.supernodes[0]!);
  const [first] = updatesOf(federation.zone, one);
  expect(first?.attributes).toMatchObject({ READY: 'NO', FL_NODE_READY: 'NO', FL_NODE_ID: String(one.id) });
  expect(asked(federation, one)).toContain('GET /service?extended=true');
});

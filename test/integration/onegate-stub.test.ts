import { afterEach, expect, test } from 'vitest';
import { updatesOf, type Vm, Zone, type ZoneOptions } from '../support/onegate/index.ts';
import { addressOf, exchange } from '../support/onegate-conformance/exchange.ts';

const zones: Zone[] = [];
afterEach(() => Promise.all(zones.splice(0).map((zone) => zone.stop())));

async function zoneWith(options: ZoneOptions = {}): Promise<Zone> {
  const zone = new Zone({ address: '127.33.0.2', ...options });
  zones.push(zone);
  return zone.start();
}

function federation(zone: Zone, supernodes = 2) {
  return zone.addService({
    name: 'f',
    roles: [
      { name: 'superlink' },
      { name: 'supernode', parents: ['superlink'], cardinality: supernodes, minVms: 1 },
    ],
  });
}

const request = (zone: Zone, vm: Vm, path = '/vm', init: RequestInit = {}) =>
  fetch(zone.endpoint + path, {
    redirect: 'manual',
    ...init,
    headers: { 'X-ONEGATE-TOKEN': vm.token, 'X-ONEGATE-VMID': String(vm.id) },
  });
const put = (zone: Zone, vm: Vm, data: string) =>
  request(zone, vm, '/vm', { method: 'PUT', body: new URLSearchParams({ data, type: '1' }) });

async function running(zone: Zone, supernodes = 2) {
  const service = federation(zone, supernodes);
  await put(zone, service.role('superlink').nodes[0]!, 'READY=YES');
  for (const vm of service.role('supernode').nodes) await put(zone, vm, 'READY=YES');
  expect(service.state).toBe('RUNNING');
  return service;
}

test('a role deploys when its parents have reported READY=YES, and the hook gets each VM', async () => {
  const zone = await zoneWith();
  const deployed: string[] = [];
  zone.onDeploy((vm) => deployed.push(vm.name));
  const service = federation(zone);
  expect(deployed).toEqual(['superlink_0_(service_1)']);
  await put(zone, service.nodes[0]!, 'FL_READY=NO');
  expect(deployed).toHaveLength(1);
  await put(zone, service.nodes[0]!, 'READY=YES');
  expect(deployed.slice(1)).toEqual(['supernode_0_(service_1)', 'supernode_1_(service_1)']);
});

test.for([['FL_READY=YES'], ['NOTE=READY=YES'], ['READY="YES"'], ['X=1\nREADY=YES_x']])(
  'the gate opens at %s, as the real one does',
  async ([data = '']) => {
    const zone = await zoneWith();
    const service = federation(zone);
    await put(zone, service.nodes[0]!, data);
    expect(service.role('superlink').state).toBe('RUNNING');
  },
);

test.for([['READY=yes'], ['READY=NO'], ['READY=Y']])('the gate stays closed at %s', async ([data = '']) => {
  const zone = await zoneWith();
  const service = federation(zone);
  await put(zone, service.nodes[0]!, data);
  zone.poll();
  expect(service.role('superlink').state).toBe('DEPLOYING');
});

test('when the gate polls, it requires READY to be exactly YES', async () => {
  const zone = await zoneWith();
  const service = federation(zone);
  const vm = service.nodes[0]!;
  for (const [name, value, state] of [
    ['FL_READY', 'YES', 'DEPLOYING'],
    ['READY', 'YES', 'RUNNING'],
  ] as const) {
    vm.userTemplate.set(name, value);
    zone.poll();
    expect(service.role('superlink').state).toBe(state);
  }
});

test('a node that is powered off while the gate waits counts as up, one that is terminated is dropped', async () => {
  const zone = await zoneWith();
  const [first, second] = [federation(zone), federation(zone)];
  zone.poweroff(first.nodes[0]!);
  expect(first.role('superlink').state).toBe('RUNNING');
  zone.terminate(second.nodes[0]!);
  expect(second.role('superlink')).toMatchObject({ state: 'RUNNING', cardinality: 0, nodes: [] });
});

test('a node that cannot be started fails the service when the gate polls', async () => {
  const zone = await zoneWith();
  const service = federation(zone);
  zone.failBoot(service.nodes[0]!);
  expect(service.state).toBe('DEPLOYING');
  zone.poll();
  expect([service.state, service.role('supernode').nodes]).toEqual(['FAILED_DEPLOYING', []]);
});

test('scaling up appends nodes, scaling down removes the oldest, and a cooldown separates the two', async () => {
  const zone = await zoneWith({ cooldownMs: 20 });
  const service = await running(zone);
  const ids = () => service.role('supernode').nodes.map((vm) => vm.id);
  expect(ids()).toEqual([1, 2]);
  const scale = (cardinality: number) =>
    request(zone, service.nodes[0]!, '/service/role/supernode', {
      method: 'PUT',
      body: JSON.stringify({ cardinality }),
    });
  expect((await scale(3)).status).toBe(200);
  expect(service.state).toBe('SCALING');
  await put(zone, zone.vm(3), 'READY=YES');
  expect((await scale(1)).status).toBe(400);
  await zone.until(() => service.state === 'RUNNING');
  const terminated: number[] = [];
  zone.onTerminate((vm) => terminated.push(vm.id));
  expect((await scale(1)).status).toBe(200);
  expect(terminated).toEqual([1, 2]);
  expect(ids()).toEqual([3]);
});

test('a service refuses its own nodes until OneFlow has stored them', async () => {
  const zone = await zoneWith({ listMs: 1_500 });
  const vm = federation(zone).nodes[0]!;
  const early = await request(zone, vm, '/service');
  expect([early.status, await early.text()]).toEqual([400, 'Service 1 does not contain VM 0.']);
  await expect.poll(async () => (await request(zone, vm, '/service')).status, { timeout: 30_000 }).toBe(200);
});

test('the log keeps each update with its VM and its result', async () => {
  const zone = await zoneWith();
  const vm = zone.addVm();
  await put(zone, vm, 'FL_ENDPOINT=10.0.0.1:9092\nFL_CA_CERT=QUJDRA==');
  await put(zone, vm, 'BAD=a,b');
  expect(updatesOf(zone, vm).map((entry) => entry.attributes)).toEqual([
    { FL_ENDPOINT: '10.0.0.1:9092', FL_CA_CERT: 'QUJDRA==' },
  ]);
  expect(zone.log.map(({ status, attributes }) => [status, Object.keys(attributes)])).toEqual([
    [200, ['FL_ENDPOINT', 'FL_CA_CERT']],
    [500, ['BAD']],
  ]);
  expect(JSON.stringify(zone.log)).not.toContain(vm.token);
});

test('a fault affects only its VM and only as often as configured', async () => {
  const zone = await zoneWith();
  const [one, two] = [zone.addVm(), zone.addVm()];
  const fault = zone.faults.add(
    { kind: 'status', status: 401, body: 'Not authorized' },
    { vm: one.id, times: 2 },
  );
  const statuses: number[] = [];
  for (const vm of [one, two, one, one]) statuses.push((await request(zone, vm)).status);
  expect(statuses).toEqual([401, 200, 401, 200]);
  expect(fault.hits).toBe(2);
  zone.faults.add({ kind: 'status', status: 500 }, { method: 'PUT', path: '/vm', forMs: 60_000 });
  expect([(await put(zone, two, 'A=1')).status, (await request(zone, two)).status]).toEqual([500, 200]);
  zone.faults.clear();
  expect((await put(zone, two, 'A=1')).status).toBe(200);
});

test('a connection can be reset, cut in the middle of a reply, or answered with something that is not HTTP', async () => {
  const zone = await zoneWith();
  const vm = zone.addVm();
  for (const kind of ['reset', 'half', 'not-http'] as const) {
    zone.faults.add({ kind }, { times: 1 });
    await expect(request(zone, vm).then((answer) => answer.text())).rejects.toThrow();
  }
  expect(zone.log.map(({ fault, status }) => [fault, status])).toEqual([
    ['reset', undefined],
    ['half', 200],
    ['not-http', undefined],
  ]);
});

test('a reply can have another type, another date, another Location, no end, or be no JSON', async () => {
  const zone = await zoneWith();
  const vm = zone.addVm();
  const once = { times: 1 };
  zone.faults.add({ kind: 'content-type', type: 'text/html' }, once);
  expect((await request(zone, vm)).headers.get('content-type')).toBe('text/html');
  zone.faults.add({ kind: 'date', skewMs: -86_400_000 }, once);
  const asked = Date.now();
  const date = Date.parse((await request(zone, vm)).headers.get('date') ?? '') + 86_400_000;
  // The header has whole seconds.
  expect(date).toBeGreaterThan(asked - 1_000);
  expect(date).toBeLessThanOrEqual(Date.now());
  zone.faults.add({ kind: 'redirect', to: 'http://127.33.0.3/vm' }, once);
  const redirect = await request(zone, vm);
  expect([redirect.status, redirect.headers.get('location')]).toEqual([302, 'http://127.33.0.3/vm']);
  zone.faults.add({ kind: 'oversize', bytes: 3_000_000 }, once);
  expect((await (await request(zone, vm)).text()).length).toBeGreaterThan(3_000_000);
  zone.faults.add({ kind: 'garbage' }, once);
  await expect(request(zone, vm).then((answer) => answer.json())).rejects.toThrow();
});

test('a hanging or slow reply does not delay other replies', async () => {
  const zone = await zoneWith();
  const [one, two] = [zone.addVm(), zone.addVm()];
  zone.faults.add({ kind: 'hang' }, { vm: one.id });
  await expect(request(zone, one, '/vm', { signal: AbortSignal.timeout(50) })).rejects.toThrow(
    /timeout|abort/i,
  );
  zone.faults.add({ kind: 'slow', ms: 60 }, { vm: two.id });
  const started = performance.now();
  expect((await request(zone, two)).status).toBe(200);
  expect(performance.now() - started).toBeGreaterThan(55);
});

test('connections are refused during an outage, and work again on the same port', async () => {
  const zone = await zoneWith();
  const vm = zone.addVm();
  const { endpoint } = zone;
  await zone.down();
  await expect(request(zone, vm)).rejects.toThrow('fetch failed');
  await zone.up();
  expect([zone.endpoint, (await request(zone, vm)).status]).toEqual([endpoint, 200]);
});

test('oned runs one call at a time, with a known number of calls for each request', async () => {
  const zone = await zoneWith();
  const vm = zone.addVm();
  zone.backends.msPerCall = 20;
  const started = performance.now();
  await Promise.all(Array.from({ length: 10 }, () => request(zone, vm)));
  // GET /vm makes three calls. A timer may fire a millisecond early.
  expect(performance.now() - started).toBeGreaterThan(10 * 3 * 20 - 30);
  // How many wait at once depends on how fast this machine sends them.
  expect(zone.backends.longestQueue).toBeGreaterThan(0);
});

test('the error of a hook that fails is thrown', async () => {
  const zone = await zoneWith();
  zone.onDeploy(async () => {
    throw new Error('no memory for an agent');
  });
  zone.addVm();
  await expect(zone.until(() => false)).rejects.toThrow('no memory for an agent');
});

test('a NIC with IPv6 and an alias is in the CONTEXT and in GET /vm', async () => {
  const zone = await zoneWith();
  const vm = zone.addVm({
    nics: [
      { ip: '10.0.0.5', ip6: '2001:db8::5', network: 'lan' },
      { ip: '192.0.2.5', aliasOf: 'NIC0', external: true },
    ],
  });
  expect(vm.context).toMatchObject({
    ETH0_IP: '10.0.0.5',
    ETH0_IP6: '2001:db8::5',
    ETH0_ALIAS0_IP: '192.0.2.5',
  });
  const { VM } = (await (await request(zone, vm)).json()) as { VM: { TEMPLATE: unknown } };
  expect(VM.TEMPLATE).toEqual({
    NIC: [
      { IP: '10.0.0.5', IP6_GLOBAL: '2001:db8::5', MAC: '02:00:0a:00:00:05', NAME: 'NIC0', NETWORK: 'lan' },
    ],
    NIC_ALIAS: [
      {
        EXTERNAL: 'YES',
        IP: '192.0.2.5',
        MAC: '02:00:c0:00:02:05',
        NAME: 'NIC0_ALIAS1',
        NETWORK: 'lab-net',
        PARENT: 'NIC0',
      },
    ],
  });
});

test('bytes that are not HTTP get a bare 400', async () => {
  const zone = await zoneWith();
  const answer = await exchange(addressOf(zone.endpoint), Buffer.from('\x16\x03\x01\x02\x00\r\n\r\n'), 0);
  expect(String(answer)).toBe('HTTP/1.1 400 Bad Request\r\n\r\n');
});

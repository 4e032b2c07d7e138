// READY is true: which updates OneGate gets, in which order, and when.
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { until } from '../support/zone/process.ts';
import { superlink, updates, zone } from '../support/zone/test-zone.ts';

/** What opens OneFlow's gate: the text READY=YES anywhere in an update (recorded samples 16 and 18). */
const opensGate = (update: Readonly<Record<string, string>>): boolean =>
  Object.entries(update).some(([name, value]) => `${name}=${value}`.includes('READY=YES'));

const listens = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });

describe('a federation', () => {
  test('boots in the order of OneFlow: SuperNodes are deployed when the SuperLink serves, and find its attributes', async () => {
    const federation = zone({ supernodes: 2 });
    await federation.up();
    const [first, second] = federation.supernodes;
    expect(first!.status()).toMatchObject({
      phase: 'ready',
      facts: { partition_id: 0, num_partitions: 2, tls: true },
    });
    expect(second!.status()).toMatchObject({
      phase: 'ready',
      facts: { partition_id: 1, num_partitions: 2, tls: true },
    });
    await federation.zone.until(() => federation.zone.services[0]!.state === 'RUNNING');
  });

  test('sends one update per VM, which has all attributes and READY=YES', async () => {
    const federation = zone({ supernodes: 1 });
    await federation.up();
    const sent = updates(federation, federation.seenBy(federation.superlink));
    expect(sent[0]).toMatchObject({
      READY: 'YES',
      FL_READY: 'YES',
      FL_TLS: 'YES',
      FL_ENDPOINT: `${federation.seenBy(federation.superlink).ip}:9092`,
    });
    const ca = Buffer.from(sent[0]!.FL_CA_CERT!, 'base64').toString();
    expect(new X509Certificate(ca).ca).toBe(true);
    // What one-context reports is its own request.
    expect(sent.slice(1)).toEqual(sent.slice(1).map(() => ({ READY: 'YES' })));
    expect(sent.length).toBeLessThanOrEqual(2);

    const [node] = updates(federation, federation.seenBy(federation.supernodes[0]!));
    expect(node).toMatchObject({
      READY: 'YES',
      FL_NODE_READY: 'YES',
      FL_PARTITION_ID: '0',
      FL_NUM_PARTITIONS: '1',
    });
  });
});

describe('a SuperLink', () => {
  test('whose Flower never serves sends nothing that opens the gate, and its ready script does not pass', async () => {
    const { federation, vm, one } = await superlink({}, { flower: { fake: true, order: 'hang' } });
    await vm.waitFor('the wait for the Fleet API', ({ waiting }) => waiting?.for.includes('Fleet API'));
    expect(await vm.cli('ready', '--timeout', '1')).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('Fleet API'),
    });
    expect(updates(federation, one).filter(opensGate)).toEqual([]);
    expect((await vm.unit('flower-context')).ActiveState).toBe('activating');
    expect((await vm.unit('flower-context')).StatusText).toContain('Fleet API');
  });

  test('is ready when its Fleet API answers, also for systemd', async () => {
    const { federation, vm, one } = await superlink();
    await vm.whenReady();
    expect(await listens(one.ip!, 9092)).toBe(true);
    await until(
      'the unit to be active',
      async () => (await vm.unit('flower-context')).ActiveState === 'active',
    );
    expect(await vm.cli('ready')).toMatchObject({ code: 0 });
    expect(one.userTemplate.get('READY')).toBe('YES');
    expect(federation.zone.log.filter(({ status }) => status !== 200)).toEqual([]);
  });

  test('protects its keys by owners and modes of the files', async () => {
    const { vm } = await superlink();
    await vm.whenReady();
    const mode = (name: string): string => (statSync(vm.at(name)).mode & 0o777).toString(8);
    const tls = 'var/lib/flower-context/tls';
    expect({
      tls: mode(tls),
      'ca.key': mode(`${tls}/ca.key`),
      'ca.pem': mode(`${tls}/ca.pem`),
      'server.key': mode(`${tls}/server.key`),
      'server.pem': mode(`${tls}/server.pem`),
      'plan.json': mode('run/flower-context/plan.json'),
      'status.json': mode('run/flower-context/status.json'),
    }).toEqual({
      tls: '750',
      'ca.key': '600',
      'ca.pem': '644',
      'server.key': '640',
      'server.pem': '644',
      'plan.json': '640',
      'status.json': '644',
    });
    const plan = readFileSync(vm.at('run/flower-context/plan.json'), 'utf8');
    expect(plan).not.toContain('PRIVATE KEY');
  });

  test('withdraws its old READY first after a reboot, and keeps CA and certificate', async () => {
    const { federation, vm, one } = await superlink();
    await vm.whenReady();
    const files = ['ca.pem', 'server.pem', 'server.key'].map((name) =>
      vm.at(`var/lib/flower-context/tls/${name}`),
    );
    const before = files.map((file) => readFileSync(file, 'utf8'));
    const sent = updates(federation, one).length;
    await vm.shutdown();
    await vm.boot();
    const status = await vm.whenReady();
    expect(status.boot).toBe('resumed');
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
    // What one-context of the earlier boot still sent is READY alone.
    const [first] = updates(federation, one)
      .slice(sent)
      .filter((update) => 'FL_READY' in update);
    expect(first).toMatchObject({ READY: 'NO', FL_READY: 'NO' });
    expect(one.userTemplate.get('FL_READY')).toBe('YES');
  });
});

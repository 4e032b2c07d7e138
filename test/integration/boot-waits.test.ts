// The waits of a boot end, or they show why not: the address of the SuperLink, the reason of a silent Fleet API, an
// agent that is stopped or gets another CONTEXT meanwhile.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Status } from '../../src/report/status.ts';
import { issueCa } from '../../src/tls/issue.ts';
import type { Vm as OneVm } from '../support/onegate/index.ts';
import { until } from '../support/zone/process.ts';
import { NET, superlink, supernode, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

/** Puts `script` before the systemctl of a VM; `$REAL "$@"` in it is that program. */
function wrapSystemctl(vm: Vm, script: string): void {
  const path = vm.at('usr/bin/systemctl');
  if (!existsSync(`${path}.real`)) renameSync(path, `${path}.real`);
  writeFileSync(`${path}.new`, `#!/bin/sh\nREAL='${path}.real'\n${script}\nexec "$REAL" "$@"\n`);
  chmodSync(`${path}.new`, 0o755);
  renameSync(`${path}.new`, path);
}

const waitsForAcceptance = ({ steps }: { steps: readonly { id: string; state: string }[] }): boolean =>
  steps.some(({ id, state }) => id === 'await_registration' && state === 'running');

describe('a SuperNode that waits to be accepted', () => {
  test('finds a SuperLink that had a power cut and comes back at another port, within a minute', async () => {
    const federation = zone({ supernodes: 1, supernode: { FL_EDGE_MAX_BACKOFF: '5' } });
    await federation.up();
    const [node] = federation.supernodes as [Vm];
    const link = federation.superlink;
    await link.powerCut();
    // The agent has looked again, found the old address on OneGate, and waits there.
    await node.waitFor('the wait', waitsForAcceptance, 45_000);
    link.leaveContext({ FL_FLEET_API_ADDRESS: `${federation.seenBy(link).ip}:9192` });
    await link.boot();
    await node.waitFor(
      'the new address',
      ({ phase, facts }) => phase === 'ready' && String(facts.superlink).endsWith(':9192'),
      60_000,
    );
    expect(node.journalText()).toContain('reconciling: the SuperLink has another address');
  });

  const CA = Buffer.from(issueCa({ now: new Date(), commonName: 'the CA of another SuperLink' }).certPem);
  const OLD = { FL_READY: 'YES', FL_ENDPOINT: `${NET}.200.1:9092`, FL_TLS: 'NO' };
  test.each([
    ['another address', { FL_ENDPOINT: `${NET}.200.2:9092` }, `${NET}.200.2:9092`],
    ['TLS', { FL_TLS: 'YES', FL_CA_CERT: CA.toString('base64') }, `${NET}.200.1:9092`],
  ])('starts over when the SuperLink publishes %s', async (_title, changes, address) => {
    const { peer, vm } = await supernode(OLD, {}, { env: { TEST_CLOCK_SPEED: '10' } });
    await vm.waitFor('the wait', waitsForAcceptance);
    for (const [name, value] of Object.entries(changes)) peer.userTemplate.set(name, value);
    await vm.toSay('reconciling: the SuperLink has another address, TLS mode or CA');
    await vm.waitFor(
      'what it publishes now',
      ({ facts }) => facts.superlink === address && facts.tls === 'FL_CA_CERT' in changes,
    );
  });

  test('says when the SuperLink has left the service, and follows the one that replaces it', async () => {
    const { peer, vm, federation } = await supernode(OLD, {}, { env: { TEST_CLOCK_SPEED: '10' } });
    await vm.waitFor('the wait', waitsForAcceptance);
    federation.zone.terminate(peer);
    await vm.waitFor('the reason', ({ waiting }) =>
      /OneGate.*(terminated|create the VM)/.test(waiting?.check ?? ''),
    );
  });

  test('withdraws what an earlier life has published as soon as OneGate answers again', async () => {
    const { vm, one, federation } = await supernode(OLD, {}, { env: { TEST_CLOCK_SPEED: '10' } });
    await vm.waitFor('the wait', waitsForAcceptance);
    await vm.powerCut();
    for (const name of ['READY', 'FL_NODE_READY']) one.userTemplate.set(name, 'YES');
    const outage = federation.zone.faults.add({ kind: 'status', status: 500 }, { method: 'PUT' });
    await vm.boot();
    await vm.waitFor('the wait', waitsForAcceptance, 60_000);
    expect(one.userTemplate.get('READY')).toBe('YES');
    outage.clear();
    await until('READY to be withdrawn', () => one.userTemplate.get('READY') === 'NO', {
      timeoutMs: 30_000,
      detail: () => vm.diagnostics(),
    });
    expect(one.userTemplate.get('FL_NODE_READY')).toBe('NO');
    await vm.toSay('OneGate has now taken the update');
  });

  test('is a unit that has started: a reload and a restart come back and start over', async () => {
    const { vm } = await supernode(OLD);
    const boots = (): number => vm.journalText().match(/\[1\/\d+\] read the CONTEXT/g)?.length ?? 0;
    for (const [verb, boot] of [
      ['reload', 2],
      ['restart', 3],
    ] as const) {
      await vm.waitFor('the wait', waitsForAcceptance);
      await until(
        'a unit that has started',
        async () => (await vm.unit('flower-context')).ActiveState === 'active',
      );
      await vm.systemctl(verb, 'flower-context');
      await until(`boot ${boot}`, () => boots() === boot);
    }
  });

  test('asks OneGate seldom, and not at all for a static address', async () => {
    const { vm, federation, one } = await supernode(OLD, {}, { env: { TEST_CLOCK_SPEED: '10' } });
    await vm.waitFor('the wait', waitsForAcceptance);
    const requests = (): number =>
      federation.zone.log.filter(({ vm: from, method }) => from === one.id && method === 'GET').length;
    const before = requests();
    // Ten times as fast: 60 s in which it asks two to four times, each time for the list and for the SuperLink.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(requests() - before).toBeGreaterThanOrEqual(1);
    expect(requests() - before).toBeLessThanOrEqual(10);
  });
});

describe('a SuperLink that waits for its Fleet API', () => {
  test('shows why there is no answer while it waits, and in the problem at the end', async () => {
    const { vm } = await superlink(
      {},
      { flower: { fake: true, order: 'foreign' }, env: { TEST_CLOCK_SPEED: '10' } },
    );
    await vm.waitFor('the reason', ({ waiting }) => waiting?.check.includes("is not Flower's Fleet API"));
    const { problems } = await vm.whenFailed(60_000);
    expect(problems[0]).toMatchObject({
      code: 'health_check_timeout',
      found: expect.stringContaining("is not Flower's Fleet API"),
    });
  });

  test('follows a CONTEXT that changes while systemd answers slowly, without a failure', async () => {
    const { vm } = await superlink({}, { flower: { fake: true, order: 'foreign' } });
    await vm.waitFor('the wait', ({ waiting }) => waiting?.for.includes('the Fleet API'));
    const asked = vm.at('asked');
    wrapSystemctl(vm, `case "$*" in "show flower-superlink.service"*) touch '${asked}'; sleep 3;; esac`);
    await until('a question to systemd', () => existsSync(asked));
    vm.leaveContext({ FL_NUM_ROUNDS: '5' });
    await vm.toSay('reconciling: the CONTEXT changed');
    expect(vm.journalText()).not.toContain('health_check_timeout');
    rmSync(vm.at('etc/fake-flwr'));
    wrapSystemctl(vm, '');
    await vm.whenReady(60_000);
    expect(vm.journalText()).not.toContain('health_check_timeout');
  });
});

test('an agent that is stopped while it installs Flower reports no failed installation', async () => {
  const { vm } = await superlink({ FLOWER_VERSION: '1.38.0' }, { prepare: (one) => slowInstaller(one) });
  await until('the installation', () => existsSync(vm.at('installing')));
  await vm.systemctl('stop', 'flower-context');
  expect(vm.journalText()).not.toContain('flower_install_failed');
  expect(vm.status()?.problems).toEqual([]);
  expect(existsSync(vm.at('var/lib/flower-context/failed-installations.json'))).toBe(false);
});

/** As appliance/lib, but its installer needs a minute. */
function slowInstaller(vm: Vm): void {
  const lib = vm.at('usr/lib/flower-context');
  const parts = realpathSync(lib);
  rmSync(lib);
  mkdirSync(`${lib}/flower`, { recursive: true });
  for (const name of readdirSync(parts).filter((one) => one !== 'flower'))
    symlinkSync(`${parts}/${name}`, `${lib}/${name}`);
  const script = `#!/bin/sh\ntouch '${vm.at('installing')}'\nexec sleep 60\n`;
  writeFileSync(`${lib}/flower/make-env.sh`, script, { mode: 0o755 });
}

test('an agent that was restarted, and whose boot fails while Flower serves on, has started for systemd', async () => {
  const { vm } = await superlink();
  await vm.whenReady();
  const flower = (await vm.unit('flower-superlink')).MainPID;
  const agent = (await vm.unit('flower-context')).MainPID;
  vm.leaveContext({ FL_NUM_ROUNDS: 'many' });
  await vm.systemctl('restart', '--no-block', 'flower-context');
  const failed = ({ phase, serving, pid }: Status): boolean =>
    phase === 'failed' && serving && String(pid) !== agent;
  await vm.waitFor('the failure', failed);
  // These are the remedies that the texts name: they come back, and do what they are for.
  expect((await vm.systemctl('restart', 'flower-context')).code).toBe(0);
  await vm.waitFor('the failure', failed);
  expect((await vm.unit('flower-context')).ActiveState).toBe('active');
  const lines = vm.journal().length;
  expect((await vm.systemctl('reload', 'flower-context')).code).toBe(0);
  await until('the next boot', () => vm.journalText().includes('reconciling: reload requested'));
  expect(vm.journal().length).toBeGreaterThan(lines);
  vm.leaveContext({ FL_NUM_ROUNDS: '5' });
  await vm.whenReady();
  expect((await vm.unit('flower-superlink')).MainPID).toBe(flower);
});

describe('a SuperNode with FL_MAX_RETRIES', () => {
  const LIMITED = { FL_MAX_RETRIES: '3' };
  const NOBODY = { FL_READY: 'YES', FL_ENDPOINT: `${NET}.200.1:9092`, FL_TLS: 'NO' };

  /** The node has stopped, says so everywhere, and nothing starts it again. */
  async function stopsForGood(vm: Vm, one: OneVm): Promise<void> {
    const { problems } = await vm.whenFailed(60_000);
    expect(problems).toContainEqual(
      expect.objectContaining({
        code: 'retry_limit_reached',
        found: expect.stringContaining('FL_MAX_RETRIES=3'),
        remedy: expect.stringContaining('systemctl reload flower-context'),
      }),
    );
    await until('FL_ERROR', () => one.userTemplate.get('FL_ERROR') === 'retry_limit_reached');
    expect(one.userTemplate.get('READY')).not.toBe('YES');
    const starts = (): number =>
      vm.journalText('flower-supernode').match(/starting flower-supernode/g)!.length;
    const before = starts();
    // The pauses of systemd and of the agent are shorter than this here.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(starts()).toBe(before);
    expect(await vm.unit('flower-supernode')).toMatchObject({ ActiveState: 'failed' });
    expect(await vm.unit('flower-context')).toMatchObject({ ActiveState: 'active' });
    expect(vm.status()?.phase).toBe('failed');
  }

  // covers retry_limit_reached
  test('that is never accepted stops for good, and a reload starts over', async () => {
    const { vm, one } = await supernode(NOBODY, LIMITED);
    await stopsForGood(vm, one);
    const starts = vm.journalText('flower-supernode').length;
    expect((await vm.systemctl('reload', 'flower-context')).code).toBe(0);
    await until('another start of Flower', () =>
      vm.journalText('flower-supernode').slice(starts).includes('starting flower-supernode'),
    );
    await stopsForGood(vm, one);
  });

  test('that was accepted stops for good, and another CONTEXT starts over', async () => {
    const federation = zone({ supernodes: 1, supernode: { ...LIMITED, FL_EDGE_MAX_BACKOFF: '2' } });
    await federation.up();
    const [vm] = federation.supernodes as [Vm];
    await federation.superlink.powerCut();
    await stopsForGood(vm, federation.seenBy(vm));
    await federation.superlink.boot();
    await federation.superlink.whenReady();
    vm.leaveContext({ FL_MAX_RETRIES: '0' });
    await vm.whenReady(60_000);
    expect(federation.seenBy(vm).userTemplate.get('FL_ERROR')).toBe('-');
  });
});

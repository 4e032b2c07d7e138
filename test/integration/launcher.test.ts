// The launcher with real Flower, the baked one in full; of the oldest only that it serves, is accepted and notices a lost link,
// unless FLOWER_VERSIONS=all (`make test-all`).

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { keepaliveOptions } from '../../src/flower/keepalive.ts';
import { formatPlan } from '../../src/flower/plan.ts';
import { acceptsClock, probeFleet } from '../../src/flower/probe.ts';
import { realPath } from '../../src/host/files.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';
import { FlowerSetup, type Launched, pki } from '../support/flower-setup.ts';
import { listenForNotify } from '../support/notify.ts';
import { until } from '../support/zone/process.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const BAKED = BAKED_FLOWER;
const ALL_IN_FULL = process.env.FLOWER_VERSIONS === 'all';
const setups: FlowerSetup[] = [];
let environment = '';

function newSetup(version: string): FlowerSetup {
  const made = new FlowerSetup(version, environment);
  setups.push(made);
  return made;
}

afterEach(async () => {
  // The SuperNodes first: without a SuperLink they take seconds to say goodbye.
  for (const made of setups.splice(0).reverse()) await made.clear();
});

/** How long systemd waits between SIGTERM and SIGKILL. */
function stopTimeoutMs(unit: string): number {
  const text = readFileSync(join(REPOSITORY, `systemd/${unit}.service`), 'utf8');
  return Number(/^TimeoutStopSec=(\d+)$/m.exec(text)![1]) * 1_000;
}

const optionsOf = (pairs: readonly (readonly [string, unknown])[]) => new Map(pairs);

describe.each([
  [BAKED, '127.35.39'],
  ['1.31.0', '127.35.31'],
])('the launcher with Flower %s', (version, net) => {
  const test = version === BAKED || ALL_IN_FULL ? it : it.skip;
  beforeAll(async () => {
    environment = await flowerEnvironment(version);
  }, FLOWER_ENV_TIMEOUT_MS);

  /** A SuperLink with TLS at `${net}.1`, serving, for one test. */
  async function superlink(
    options: { keys?: ReturnType<typeof pki>; in?: FlowerSetup; database?: string } = {},
  ) {
    const vm = options.in ?? newSetup(version);
    const keys = options.keys ?? pki({ ip: [`${net}.1`] });
    const own = vm.credentials('server', keys.server, keys.ca.certPem);
    const plan = vm.superlink({
      loopback: `${net}.1`,
      tls: { own, operator: null },
      ...(options.database === undefined ? {} : { database: options.database }),
    });
    const launched = vm.launch(plan);
    await vm.phase(launched, 'serving');
    return { vm, keys, plan, launched };
  }

  function supernode(ca: string | null, options: { silence?: number; port?: number; host?: string } = {}) {
    const vm = newSetup(version);
    const plan = vm.supernode({
      loopback: `${net}.11`,
      superlink: { host: options.host ?? `${net}.1`, port: options.port ?? 9092 },
      ca,
      ...(options.silence === undefined ? {} : { silence: options.silence }),
    });
    return { vm, plan };
  }

  it('reports to systemd and in link.json that a SuperLink serves, once its Fleet API answers, with the options in force', async () => {
    const vm = newSetup(version);
    const keys = pki({ ip: [`${net}.1`] });
    const own = vm.credentials('server', keys.server, keys.ca.certPem);
    const plan = vm.superlink({ loopback: `${net}.1`, tls: { own, operator: null } });
    const notify = await listenForNotify(join(vm.root, 'notify'));
    const launched = vm.launch(plan, { env: { NOTIFY_SOCKET: notify.address, WATCHDOG_USEC: '1000000' } });
    await notify.until((message) => message.startsWith('READY=1|STATUS=serving the Fleet API'));

    expect(
      await probeFleet({ host: `${net}.1`, port: 9092, ca: keys.ca.certPem }, 'grpc', 3_000),
    ).toMatchObject({
      ok: true,
    });
    const link = vm.link()!;
    expect(link).toMatchObject({ phase: 'serving', pid: launched.process.pid, node_id: null });
    expect(link.plan).toBe(createHash('sha256').update(formatPlan(plan)).digest('hex'));
    const inForce = optionsOf(link.options.server);
    const wanted = keepaliveOptions(
      { FL_GRPC_KEEPALIVE_TIME: 60, FL_GRPC_KEEPALIVE_TIMEOUT: 20 },
      'grpc',
    ).server;
    for (const [name, value] of wanted) expect(inForce.get(name), name).toBe(value);
    expect(inForce.size, 'no option is given twice').toBe(link.options.server.length);
    expect(inForce.get('grpc.max_receive_message_length'), "Flower's own options stay").toBe(2147483647);

    await notify.until((message) => message === 'WATCHDOG=1');
    const children = await childrenOf(launched);
    expect(environmentsOf(children), 'children must not speak to systemd for us').not.toMatch(
      /NOTIFY_SOCKET|WATCHDOG/,
    );
    expect(children.flatMap(filesOf), 'children must not write the state').not.toContain(vm.paths.flowerLink);
    expect(filesOf(String(launched.process.pid))).toContain(vm.paths.flowerLink);

    launched.process.kill('SIGTERM');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    await notify.until((message) => message.startsWith('STOPPING=1'));
    expect(vm.link()).toMatchObject({ phase: 'ended', detail: 'stopped as requested' });
    await notify.close();
  });

  test('started before a plan exists imports the modules of Flower, waits, and continues in the same process', async () => {
    const { vm, plan } = supernode(null);
    const notify = await listenForNotify(join(vm.root, 'notify'));
    const launched = vm.launchAhead({ env: { NOTIFY_SOCKET: notify.address } });
    await notify.until((message) => message === 'STATUS=waiting for the launch plan of flower-context');
    const maps = readFileSync(`/proc/${launched.process.pid}/maps`, 'utf8');
    expect(maps, 'gRPC is imported already').toContain('cygrpc');
    expect(vm.link(), 'nothing is claimed of a link before there is a plan').toMatchObject({
      phase: 'waiting',
      plan: null,
    });

    vm.writePlan(plan);
    await notify.until((message) => message.startsWith('STATUS=starting flower-supernode'));
    const link = await vm.phase(launched, 'lost');
    expect(link.pid).toBe(launched.process.pid);
    const inForce = optionsOf(link.options.client);
    expect(inForce.get('grpc.keepalive_time_ms')).toBe(60_000);
    await notify.close();
  });

  test('speaks to an abstract notification socket', async () => {
    const notify = await listenForNotify(`@flower-context-test-${process.pid}-${version}`);
    const { vm, plan } = supernode(null);
    vm.launch(plan, { env: { NOTIFY_SOCKET: notify.address } });
    await notify.until((message) => message.startsWith('STATUS=starting flower-supernode'));
    await notify.close();
  });

  it('detects inside Flower that a SuperNode was accepted, lost its SuperLink and reconnected, and stops cleanly', async () => {
    const link = await superlink();
    const node = supernode(link.keys.ca.certPem);
    const launched = node.vm.launch(node.plan);
    const accepted = await node.vm.phase(launched, 'accepted');
    expect(accepted.node_id).toMatch(/^\d{5,20}$/);
    expect(link.launched.output()).toContain(`Activated node_id=${accepted.node_id}`);
    const inForce = optionsOf(accepted.options.client);
    expect(inForce.get('grpc.keepalive_time_ms')).toBe(60_000);
    expect(inForce.get('grpc.keepalive_permit_without_calls')).toBe(1);

    link.launched.process.kill('SIGKILL');
    await link.launched.ended;
    const lost = await node.vm.phase(launched, 'lost');
    expect(lost.detail).toMatch(/nothing listens at|closed the connection/);
    await superlink({ keys: link.keys, in: link.vm });
    const back = await node.vm.phase(launched, 'accepted', 70_000);
    expect(back.node_id).toBe(accepted.node_id);
    expect(back.pid).toBe(accepted.pid);

    // It ends before systemd would kill it.
    launched.process.kill('SIGTERM');
    const kill = setTimeout(() => launched.process.kill('SIGKILL'), stopTimeoutMs('flower-supernode'));
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    clearTimeout(kill);
    expect(node.vm.link()).toMatchObject({ phase: 'ended', detail: 'stopped as requested' });
  });

  test('ends a SuperNode whose SuperLink came back with another CA, naming the reason', async () => {
    const link = await superlink();
    const node = supernode(link.keys.ca.certPem);
    const launched = node.vm.launch(node.plan);
    await node.vm.phase(launched, 'accepted');
    link.launched.process.kill('SIGKILL');
    await link.launched.ended;
    await superlink({ in: link.vm });
    const ended = await launched.ended;
    expect(ended.code).not.toBe(0);
    expect(node.vm.link()).toMatchObject({ phase: 'ended' });
    expect(node.vm.link()!.detail).toContain('is not signed by the CA this node trusts');
  });

  test('does not let Flower end with status 0 when its SuperLink came back with a new database', async () => {
    const link = await superlink();
    const node = supernode(link.keys.ca.certPem);
    const launched = node.vm.launch(node.plan);
    await node.vm.phase(launched, 'accepted');
    link.launched.process.kill('SIGKILL');
    await link.launched.ended;
    await superlink({ keys: link.keys, in: link.vm, database: 'state/other.db' });
    const ended = await launched.ended;
    expect(ended.signal).toBeNull();
    expect(ended.code).not.toBe(0);
    expect(node.vm.link()!.detail).toContain('it has no record of this node any more');
  });

  test('reports that the certificate does not name the address, where Flower only reports a failure', async () => {
    const link = await superlink({ keys: pki({ dns: ['elsewhere.example.org'] }) });
    const node = supernode(link.keys.ca.certPem);
    const launched = node.vm.launch(node.plan);
    const lost = await node.vm.phase(launched, 'lost');
    expect(lost.detail).toContain(`the certificate shown at ${net}.1:9092 does not name this address`);
    expect(lost.node_id).toBeNull();
    expect(launched.output()).not.toContain('Hostname');
  });

  test('distinguishes TLS from plaintext', async () => {
    const vm = newSetup(version);
    const link = vm.launch(vm.superlink({ loopback: `${net}.1`, tls: null }));
    await vm.phase(link, 'serving');
    const node = supernode(pki({ ip: [`${net}.1`] }).ca.certPem);
    const launched = node.vm.launch(node.plan);
    await launched.ended;
    expect(node.vm.link()!.detail).toContain(`${net}.1:9092 does not speak TLS`);
  });

  test("serves the Fleet API with the operator's certificate and the local listeners with its own", async () => {
    const vm = newSetup(version);
    const own = pki({ ip: [`${net}.1`] });
    const operator = pki({ dns: ['localhost'] });
    const plan = vm.superlink({
      loopback: `${net}.1`,
      // Below the ports that the kernel gives to clients.
      fleet: { host: '127.0.0.1', port: version === BAKED_FLOWER ? 21_392 : 21_312 },
      tls: {
        own: vm.credentials('own', own.server, own.ca.certPem),
        operator: vm.credentials('operator', operator.server, operator.ca.certPem),
      },
    });
    const launched = vm.launch(plan);
    await vm.phase(launched, 'serving');
    const port = Number(plan.fleet!.listen.split(':')[1]);
    expect(
      await probeFleet({ host: 'localhost', port, ca: operator.ca.certPem }, 'grpc', 3_000),
    ).toMatchObject({
      ok: true,
    });
    expect(await probeFleet({ host: 'localhost', port, ca: own.ca.certPem }, 'grpc', 3_000)).toMatchObject({
      reason: expect.stringContaining('not signed by the CA'),
    });
    // Trusting the own CA, the Control listener is met: it is TLS, and not a Fleet API.
    const control = await probeFleet({ host: `${net}.1`, port: 9093, ca: own.ca.certPem }, 'grpc', 3_000);
    expect(control).toMatchObject({ ok: false, reason: expect.stringContaining('answers, but') });
    // SuperExec verifies the name of the listener it dials; it would die in a traceback.
    await until('SuperExec', () => launched.output().includes('Starting Flower SuperExec'));
    await until('a child that lives', async () =>
      environmentsOf(await childrenOf(launched)).includes('FLWR_HOME'),
    );
    expect(launched.output()).not.toMatch(/Traceback|CERTIFICATE_VERIFY_FAILED/);
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)('starts another SuperExec when one has got %s', async (signal) => {
    const vm = newSetup(version);
    const launched = vm.launch(vm.superlink({ loopback: `${net}.3`, silence: 8 }));
    await vm.phase(launched, 'serving');
    const starts = () => launched.output().match(/Starting Flower SuperExec/g)?.length ?? 0;
    await until('SuperExec', () => starts() === 1, { detail: launched.output });
    const [child] = await childrenOf(launched);
    process.kill(Number(child), signal);
    await until('another SuperExec', () => starts() === 2, { timeoutMs: 40_000, detail: launched.output });
    expect(launched.output()).toMatch(
      signal === 'SIGKILL' ? /SuperExec ended \(killed by SIGKILL\)/ : /SuperExec was stopped by a signal/,
    );
    expect(vm.link()).toMatchObject({ phase: 'serving', pid: launched.process.pid });
    launched.process.kill('SIGTERM');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
  });

  test('replaces a SuperExec that does not ask for work, and no other', async () => {
    const vm = newSetup(version);
    const plan = vm.superlink({ loopback: `${net}.4`, silence: 15 });
    // SuperExec asks at its start, and then every 60 s instead of every second.
    const slow = { ...plan, environment: { ...plan.environment, FLWR_SUPEREXEC_TASK_POLL_INTERVAL: '60' } };
    const launched = vm.launch(slow);
    const replaced = /SuperExec hangs and has not asked for work for \d+ s; started another one/;
    await until('another one', () => replaced.test(launched.output()), {
      timeoutMs: 60_000,
      detail: launched.output,
    });
    launched.process.kill('SIGTERM');
    expect((await launched.ended).code).toBe(0);

    const again = vm.launch(plan);
    await vm.phase(again, 'serving');
    const began = Date.now();
    const answersFor = () => Date.parse(vm.link()?.answered_at ?? '') - began;
    await until('answers for longer than that', () => answersFor() > 20_000, {
      timeoutMs: 60_000,
      detail: again.output,
    });
    expect(again.output()).not.toContain('SuperExec hangs');
  });

  test.each([9092, 9093])('reports that port %i is in use, and ends with a failure', async (port) => {
    const taken = createServer().listen({ host: `${net}.2`, port });
    const vm = newSetup(version);
    const launched = vm.launch(vm.superlink({ loopback: `${net}.2` }));
    expect((await launched.ended).code).not.toBe(0);
    expect(vm.link()).toMatchObject({ phase: 'ended' });
    expect(vm.link()!.detail).toMatch(/already in use/);
    expect(vm.link()!.detail).toContain(String(port));
    taken.close();
  });

  describe('with one SuperLink that stays', () => {
    let link: Awaited<ReturnType<typeof superlink>>;
    let kept: FlowerSetup | undefined;
    beforeAll(async () => {
      link = await superlink({ keys: pki({ ip: [`${net}.1`] }) });
      kept = setups.pop();
    });
    afterAll(() => kept?.clear());

    test('names the reason when the CA is another one from the start', async () => {
      const node = supernode(pki({ ip: [`${net}.1`] }).ca.certPem);
      const launched = node.vm.launch(node.plan);
      expect((await launched.ended).code).not.toBe(0);
      expect(node.vm.link()!.detail).toContain('is not signed by the CA this node trusts');
    });

    // covers clock-supernode
    test('names the clock when the SuperLink refuses the timestamps of this node', async () => {
      const node = supernode(link.keys.ca.certPem);
      const launched = node.vm.launch(node.plan, {
        script: join(REPOSITORY, 'test/support/skewed-launch.py'),
        env: { SKEW_SECONDS: '30', LAUNCHER: join(REPOSITORY, 'appliance/lib/flower-launch.py') },
      });
      expect((await launched.ended).code).not.toBe(0);
      expect(node.vm.link()!.detail).toMatch(/refuses this node's timestamps: the clock of this VM/);
    });

    test('accepts a clock up to 5 s ahead and 305 s behind, and no other', async () => {
      const target = { host: `${net}.1`, port: 9092, ca: link.keys.ca.certPem };
      const accepts = (seconds: number) => acceptsClock(target, 'grpc', 3_000, Date.now() + seconds * 1_000);
      expect(await Promise.all([0, 3, -300].map(accepts))).toEqual([true, true, true]);
      expect(await Promise.all([7, -307, 42, -3_600].map(accepts))).toEqual([false, false, false, false]);
      expect(await acceptsClock({ ...target, port: 9099 }, 'grpc', 3_000, Date.now())).toBeUndefined();
    });

    test('ends a SuperNode that sends no more calls', async () => {
      // Flower asks every 3 s: with a limit of half a second it is always silent.
      const node = supernode(link.keys.ca.certPem, { silence: 0.5 });
      const launched = node.vm.launch(node.plan);
      expect(await launched.ended).toEqual({ code: 75, signal: null });
      expect(node.vm.link()!.detail).toMatch(/stopped calling the SuperLink; no call for \d+ s/);
    });

    test('writes journal lines with priorities and without colours', async () => {
      const own = link.launched
        .output()
        .split('\n')
        .filter((line) => line.includes('Fleet API'));
      expect(own.length).toBeGreaterThan(1);
      for (const line of own) expect(line).toMatch(/^<6>/);
      expect(own.join()).not.toContain('\u001b[');
    });
  });
});

describe('a launch plan that cannot be used', () => {
  beforeAll(async () => {
    environment = await flowerEnvironment(BAKED_FLOWER);
  }, FLOWER_ENV_TIMEOUT_MS);

  it('is refused before any start, with one line for each fault', async () => {
    const vm = newSetup(BAKED_FLOWER);
    const launched = vm.launch(
      JSON.stringify({
        version: 1,
        role: 'superlink',
        program: 'flower-supernode',
        argv: ['a', 2],
        fleet: null,
      }),
    );
    expect(await launched.ended).toEqual({ code: 78, signal: null });
    for (const fault of [
      "'argv' is not a list of text",
      "'program' does not fit 'role'",
      "'fleet' is missing",
    ]) {
      expect(launched.output()).toContain(fault);
    }
    expect(
      launched
        .output()
        .split('\n')
        .filter(Boolean)
        .every((line) => line.startsWith('<3>')),
    ).toBe(true);
    expect(vm.link()).toMatchObject({ phase: 'waiting', plan: null });
  });

  it('is refused with the name of a certificate that does not exist', async () => {
    const vm = newSetup(BAKED_FLOWER);
    const plan = vm.superlink({ loopback: '127.35.1.1' });
    const credentials = {
      certificate: '/nowhere/server.pem',
      key: '/nowhere/server.key',
      ca: '/nowhere/ca.pem',
    };
    const launched = vm.launch({ ...plan, fleet: { listen: '127.35.1.1:9092', credentials } });
    expect((await launched.ended).code).toBe(78);
    expect(vm.link()).toMatchObject({ phase: 'ended' });
    expect(vm.link()!.detail).toContain("cannot read the Fleet API's key /nowhere/server.key");
  });

  it('is refused when it is not JSON, or for a Flower that is not in the environment', async () => {
    const vm = newSetup(BAKED_FLOWER);
    const broken = vm.launch('{');
    expect((await broken.ended).code).toBe(78);
    expect(broken.output()).toContain('is not JSON');
    const other = vm.launch({ ...vm.superlink({ loopback: '127.35.1.1' }), flower_version: '1.38.0' });
    expect((await other.ended).code).toBe(78);
    expect(other.output()).toContain('the plan is for Flower 1.38.0, but');
  });
});

/** The environments of a launcher's children, joined. */
function childrenOf({ process: { pid } }: Launched): Promise<string[]> {
  return until('a child process', () => {
    const found = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      words(`/proc/${pid}/task/${task}/children`),
    );
    return found.length > 0 && found;
  });
}

const environmentsOf = (pids: readonly string[]): string =>
  pids.flatMap((pid) => words(`/proc/${pid}/environ`)).join('\n');

/** The files that a process has open. */
function filesOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((number) => realPath(join(folder, number)) ?? []);
}

/** What a file of /proc holds; nothing when its process has just gone. */
function words(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split(/[\s\0]/)
      .filter(Boolean);
  } catch {
    return [];
  }
}

describe('the launcher of an image', () => {
  it('starts the Flower of the plan when that is not the baked one', {
    timeout: 60_000,
  }, async () => {
    const [baked, wanted] = [await flowerEnvironment(BAKED_FLOWER), await flowerEnvironment('1.31.0')];
    const vm = new FlowerSetup('1.31.0', wanted);
    setups.push(vm);
    const notify = await listenForNotify(join(vm.root, 'notify'));
    const launched = vm.launchAhead({ baked, env: { NOTIFY_SOCKET: notify.address } });
    await notify.until((message) => message === 'STATUS=waiting for the launch plan of flower-context');
    vm.writePlan(
      vm.supernode({ loopback: '127.35.33.11', superlink: { host: '127.35.33.1', port: 9092 }, ca: null }),
    );
    await notify.until((message) => message.startsWith('STATUS=starting flower-supernode 1.31.0'));
    expect((await vm.phase(launched, 'lost')).pid).toBe(launched.process.pid);
    await notify.close();
  });

  it('does not use a plan that the agent replaced before the launcher reported it', {
    timeout: 60_000,
  }, async () => {
    const environment = await flowerEnvironment(BAKED_FLOWER);
    const vm = new FlowerSetup(BAKED_FLOWER, environment);
    setups.push(vm);
    const superlink = (port: number) => ({ host: '127.35.33.1', port });
    const [first, second] = [9092, 9192].map((port) =>
      vm.supernode({ loopback: '127.35.33.12', superlink: superlink(port), ca: null }),
    );
    vm.writePlan(first!);
    // The second plan comes in the moment in which the launcher reports the first.
    const script = vm.file(
      'late.py',
      `import os, runpy, sys
real = os.pwrite
def pwrite(descriptor, record, offset):
    size = real(descriptor, record, offset)
    if b'"phase": "starting"' in record and os.path.exists(${JSON.stringify(`${vm.paths.plan}.next`)}):
        os.replace(${JSON.stringify(`${vm.paths.plan}.next`)}, ${JSON.stringify(vm.paths.plan)})
    return size
os.pwrite = pwrite
sys.argv = [${JSON.stringify(join(REPOSITORY, 'appliance/lib/flower-launch.py'))}]
runpy.run_path(sys.argv[0], run_name='__main__')
`,
    );
    vm.file('run/flower-context/plan.json.next', formatPlan(second!));
    mkdirSync(join(vm.root, 'usr/lib'), { recursive: true });
    symlinkSync(join(REPOSITORY, 'appliance/lib'), join(vm.root, 'usr/lib/flower-context'));
    const launched = vm.launch(first!, { script });
    const hash = createHash('sha256').update(formatPlan(second!)).digest('hex');
    await until('the second plan to be in force', () => vm.link()?.plan === hash, {
      detail: launched.output,
    });
    expect(vm.link()!.pid).toBe(launched.process.pid);
  });
});

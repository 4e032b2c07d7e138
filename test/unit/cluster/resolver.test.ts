import { describe, expect, test } from 'vitest';
import {
  type DiscoveryOptions,
  type DiscoveryWait,
  findSuperLink,
  type SuperLink,
} from '../../../src/cluster/resolver.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { Problem } from '../../../src/core/problem.ts';
import { connectOneGate } from '../../../src/onegate/client.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { chance, SmallZone, type Template } from '../../support/small-zone.ts';

const READY: Template = {
  FL_READY: 'YES',
  FL_ENDPOINT: '172.20.0.101:9092',
  FL_TLS: 'YES',
  FL_CA_CERT: 'TFMwdExRPT0=',
  FL_VERSION: BAKED_FLOWER,
  FL_ERROR: '-',
};

/** A service with one SuperLink VM (id 1) and two SuperNodes (2, 3), seen by VM 2. */
function federation(options: Partial<DiscoveryOptions> = {}) {
  const clock = new FakeClock();
  const random = chance(1);
  const zone = new SmallZone(clock, random);
  const superLink = zone.add(zone.superLinks);
  zone.superNodes.cardinality = 2;
  zone.add(zone.superNodes);
  zone.add(zone.superNodes);
  const waits: DiscoveryWait[] = [];
  const paths: string[] = [];
  zone.onRequest = (_, path) => paths.push(path);
  const oneGate = connectOneGate({
    endpoint: 'http://127.34.0.1:5030',
    token: 'dA==',
    vmId: 2,
    clock,
    random,
    send: zone.send(2),
  });
  const find = (): Promise<SuperLink> =>
    findSuperLink({
      oneGate,
      clock,
      random,
      backoff: 'exponential',
      maxBackoffSeconds: 300,
      onWait: (wait) => waits.push(wait),
      ...options,
    });
  return { clock, zone, superLink, waits, paths, find };
}

async function problemOf(work: Promise<unknown>, clock: FakeClock): Promise<Problem> {
  const error = await clock.run(work).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Problem)) throw new Error(`not a problem: ${String(error)}`);
  return error;
}

describe('a SuperLink that is ready', () => {
  test('is found with two requests and without waiting', async () => {
    const { clock, superLink, paths, waits, find } = federation();
    Object.assign(superLink.template, READY);
    expect(await clock.run(find())).toMatchObject({
      endpoint: { host: '172.20.0.101', port: 9092 },
      tls: 'YES',
      caCert: 'TFMwdExRPT0=',
      vmId: 1,
      flowerVersion: BAKED_FLOWER,
      warnings: [],
    });
    expect(paths).toEqual(['GET /service', 'GET /vms/1']);
    expect(waits).toEqual([]);
  });

  test('is the oldest of several ready ones, with a warning', async () => {
    const { clock, zone, find } = federation();
    Object.assign(zone.add(zone.superLinks).template, READY);
    Object.assign(zone.add(zone.superLinks).template, { ...READY, FL_ENDPOINT: '172.20.0.102:9092' });
    const found = await clock.run(find());
    expect(found.vmId).toBe(4);
    expect(found.warnings).toEqual(['VMs 4, 5 all publish FL_READY=YES; VM 4, the oldest, is used']);
  });

  test('is found in the only other role, whatever its name', async () => {
    const { clock, zone, superLink, find } = federation();
    Object.assign(superLink.template, READY);
    Object.defineProperty(zone.superLinks, 'name', { value: 'aggregator' });
    expect((await clock.run(find())).vmId).toBe(1);
  });
});

describe('a SuperLink that is not ready yet', () => {
  test('is found after no VM, no READY and an error', async () => {
    const { clock, zone, superLink, waits, find } = federation();
    zone.superLinks.nodes.pop();
    const found = find();
    await clock.advance(3_000);
    expect(waits.at(-1)?.for).toBe('OneFlow to create the VM of role superlink');
    zone.superLinks.nodes.push(superLink);
    await clock.advance(8_000);
    expect(waits.at(-1)?.for).toBe('the SuperLink on VM 1 to publish FL_READY=YES');
    superLink.template.FL_ERROR = 'tls_setup_failed';
    await clock.advance(3_000);
    expect(waits.at(-1)).toMatchObject({
      for: 'the SuperLink on VM 1 to publish FL_READY=YES; it reports FL_ERROR=tls_setup_failed',
      check: '`flower-context status` on VM 1',
      until: undefined,
    });
    Object.assign(superLink.template, READY);
    expect((await clock.run(found)).vmId).toBe(1);
  });

  test('is polled at least every two seconds in the first minute of its VM, with one request each', async () => {
    const { clock, superLink, paths, find } = federation();
    const found = find();
    await clock.advance(25_000);
    expect(clock.sleeps.filter((ms) => ms > 300).every((ms) => ms <= 2_000)).toBe(true);
    expect(paths.filter((path) => path === 'GET /service')).toHaveLength(1);
    expect(paths.length).toBeGreaterThan(12);
    Object.assign(superLink.template, READY);
    await clock.run(found);
  });

  test('is polled with growing pauses afterwards, up to the cap, without end', async () => {
    const { clock, superLink, find } = federation({ maxBackoffSeconds: 100 });
    const found = find();
    await clock.advance(3 * 3_600_000);
    const last = clock.sleeps.filter((ms) => ms > 300).slice(-20);
    expect(Math.max(...last)).toBeLessThanOrEqual(100_000);
    expect(Math.min(...last)).toBeGreaterThanOrEqual(50_000);
    Object.assign(superLink.template, READY);
    expect((await clock.run(found)).vmId).toBe(1);
  });

  test('is polled by a large role at most ten times a second in total', async () => {
    const { clock, zone, find } = federation();
    for (let n = 0; n < 98; n++) zone.add(zone.superNodes);
    const stop = new AbortController();
    find().catch(() => {});
    await clock.advance(60_000);
    const waited = clock.sleeps.filter((ms) => ms > 300).slice(1);
    expect(Math.min(...waited)).toBeGreaterThanOrEqual(5_000);
    stop.abort();
  });

  test('with FL_EDGE_BACKOFF=fixed ends the wait after 30 tries, 10 s apart, and reports what was missing', async () => {
    const { clock, paths, waits, find } = federation({ backoff: 'fixed' });
    const problem = await problemOf(find(), clock);
    expect(problem.code).toBe('discovery_timeout');
    expect(problem.message).toMatch(
      /after 30 tries in 29\d s still waiting for the SuperLink on VM 1 to publish FL_READY=YES/,
    );
    expect(paths.filter((path) => path === 'GET /vms/1')).toHaveLength(30);
    expect(waits[0]!.until?.toISOString()).toBe('2026-11-21T06:04:50.000Z');
    const slept = clock.sleeps.filter((ms) => ms > 300);
    expect(slept).toHaveLength(29);
    expect(slept.slice(1, -1).every((ms) => ms === 10_000)).toBe(true);
    expect(slept[0]! + slept.at(-1)!).toBe(20_000);
  });

  test('with FL_EDGE_BACKOFF=fixed is not polled in the same second by nodes that booted in the same second', async () => {
    const firsts: number[] = [];
    for (const seed of [1, 2, 3, 4]) {
      const { clock, find } = federation({ backoff: 'fixed', random: chance(seed) });
      await problemOf(find(), clock);
      firsts.push(clock.sleeps.find((ms) => ms > 300)!);
    }
    expect(Math.max(...firsts) - Math.min(...firsts)).toBeGreaterThan(1_000);
    expect(firsts.every((ms) => ms >= 1_000 && ms <= 10_000)).toBe(true);
  });

  test('is no longer polled once the boot is stopped', async () => {
    const stop = new AbortController();
    const { clock, find } = federation({ signal: stop.signal });
    const end = expect(find()).rejects.toThrow('stopped');
    await clock.advance(5_000);
    stop.abort(new Error('stopped'));
    await end;
    expect(clock.pending).toBe(0);
  });
});

describe('a failure of OneGate', () => {
  test('is a wait that names its answer', async () => {
    const { clock, zone, superLink, waits, find } = federation();
    Object.assign(superLink.template, READY);
    zone.down = true;
    const found = find();
    await clock.advance(20_000);
    expect(waits.at(-1)?.for).toContain('connection refused');
    expect(waits.at(-1)?.check).toContain('opennebula-gate');
    zone.down = false;
    expect((await clock.run(found)).vmId).toBe(1);
  });

  test('is the cause when the fixed tries run out', async () => {
    const { clock, zone, find } = federation({ backoff: 'fixed' });
    zone.down = true;
    const problem = await problemOf(find(), clock);
    expect(problem.code).toBe('discovery_timeout');
    expect(problem.facts.cause).toMatchObject({ code: 'onegate_unreachable' });
  });

  test('outside a service is reported at once', async () => {
    const { clock, find } = federation({
      oneGate: connectOneGate({
        endpoint: 'http://127.34.0.1:5030',
        token: 'dA==',
        vmId: 2,
        clock: new FakeClock(),
        random: () => 0,
        send: async () => ({ status: 400, headers: {}, body: 'Empty or invalid SERVICE_ID' }),
      }),
    });
    const problem = await problemOf(find(), clock);
    expect(problem.code).toBe('not_in_service');
    expect(clock.sleeps).toEqual([]);
  });

  test('a SuperLink that is replaced while it is waited for is found on its new VM', async () => {
    const { clock, zone, superLink, find } = federation();
    const found = find();
    await clock.advance(5_000);
    zone.remove(zone.superLinks, superLink);
    Object.assign(zone.add(zone.superLinks).template, READY);
    expect((await clock.run(found)).vmId).toBe(4);
  });

  test('a second SuperLink that is added while the first never gets ready is found too', async () => {
    const { clock, zone, find } = federation();
    const found = find();
    await clock.advance(5_000);
    Object.assign(zone.add(zone.superLinks).template, READY);
    await clock.advance(40_000);
    expect((await clock.run(found)).vmId).toBe(4);
    expect(clock.monotonicMs()).toBe(45_000);
  });
});

describe('ambiguous roles', () => {
  test('are named in the problem that ends the boot', async () => {
    const { clock, zone, find } = federation();
    Object.defineProperty(zone.superLinks, 'name', { value: 'web' });
    const third = { name: 'data\n\u001b[31mbase', cardinality: 0, nodes: [] };
    zone.others.push(third);
    const problem = await problemOf(find(), clock);
    expect(problem.code).toBe('superlink_ambiguous');
    expect(problem.message).toContain('besides supernode it has the roles web, data base');
  });

  test('one of several is the SuperLink when it is named so, in any case', async () => {
    const { clock, zone, superLink, find } = federation();
    Object.assign(superLink.template, READY);
    Object.defineProperty(zone.superLinks, 'name', { value: 'SuperLink' });
    zone.others.push({ name: 'database', cardinality: 0, nodes: [] });
    expect((await clock.run(find())).vmId).toBe(1);
  });
});

describe('the attributes of a peer are checked', () => {
  test.each([
    ['an address with control characters', '172.20.0.101:9092\n--insecure', 'it has control characters'],
    ['an option', '--root-certificates=/etc/shadow:1', 'it has characters that no address has'],
    ['no port', '172.20.0.101', '172.20.0.101'],
    ['a very long one', 'a'.repeat(100_000), '100000 characters long'],
    ['none', undefined, 'no FL_ENDPOINT'],
    ['an object', { A: '1' }, 'no FL_ENDPOINT'],
  ])('%s is not used, and the wait continues', async (_, endpoint, why) => {
    const { clock, superLink, waits, find } = federation();
    Object.assign(superLink.template, READY, { FL_ENDPOINT: endpoint });
    const found = find();
    await clock.advance(10_000);
    expect(waits.at(-1)?.for).toContain(why);
    expect(waits.at(-1)!.for.length).toBeLessThan(300);
    expect(waits.at(-1)!.for).not.toMatch(/\p{Cc}/u);
    Object.assign(superLink.template, READY);
    expect((await clock.run(found)).endpoint.host).toBe('172.20.0.101');
  });

  test('an invalid CA, TLS mode or version is ignored, with a warning where it matters', async () => {
    const { clock, superLink, find } = federation();
    Object.assign(superLink.template, READY, {
      FL_CA_CERT: '-----BEGIN',
      FL_TLS: 'maybe',
      FL_VERSION: `${BAKED_FLOWER}; rm`,
    });
    const found = await clock.run(find());
    expect(found.caCert).toBeUndefined();
    expect(found.tls).toBeUndefined();
    expect(found.flowerVersion).toBeUndefined();
    expect(found.warnings).toHaveLength(2);
  });

  test('a CA of more than 64 KiB is ignored', async () => {
    const { clock, superLink, find } = federation();
    Object.assign(superLink.template, READY, { FL_CA_CERT: 'A'.repeat(65_540) });
    const found = await clock.run(find());
    expect(found.caCert).toBeUndefined();
    expect(found.warnings).toEqual([expect.stringContaining('FL_CA_CERT')]);
  });

  test('an FL_ERROR that is no code is mentioned without its value', async () => {
    const { clock, superLink, waits, find } = federation();
    superLink.template.FL_ERROR = '\u001b[2Jall is well';
    const stop = find();
    stop.catch(() => {});
    await clock.advance(2_000);
    expect(waits.at(-1)?.for).toContain('FL_ERROR=(not a problem code)');
  });

  test.each([
    [6, 'terminated'],
    [8, 'powered off'],
    [5, 'suspended'],
  ])('a VM in state %d has no SuperLink, whatever it published', async (state, word) => {
    const { clock, superLink, waits, find } = federation();
    Object.assign(superLink.template, READY);
    superLink.state = state;
    const found = find();
    await clock.advance(5_000);
    expect(waits.at(-1)?.for).toBe(`a SuperLink: its VM 1 is ${word}`);
    superLink.state = 3;
    await clock.run(found);
  });
});

// A SuperNode that waits at an address asks OneGate whether it is still the right one: often enough, and not too often.
import { describe, expect, test } from 'vitest';
import { followSuperLink } from '../../../src/cluster/follow.ts';
import { findSuperLink } from '../../../src/cluster/resolver.ts';
import { connectOneGate } from '../../../src/onegate/client.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { chance, SmallZone, type Template } from '../../support/small-zone.ts';

const READY: Template = {
  FL_READY: 'YES',
  FL_ENDPOINT: '172.20.0.101:9092',
  FL_TLS: 'YES',
  FL_CA_CERT: 'TFMwdExRPT0=',
  FL_ERROR: '-',
};

/** A node that has found its SuperLink in a service of so many nodes, and waits there. */
async function waiting(nodes = 2) {
  const clock = new FakeClock();
  const random = chance(1);
  const zone = new SmallZone(clock, random);
  const superLink = zone.add(zone.superLinks, READY);
  zone.superNodes.cardinality = nodes;
  for (let count = 0; count < nodes; count++) zone.add(zone.superNodes);
  const send = zone.send(2);
  const oneGate = connectOneGate({
    endpoint: 'http://127.34.0.1:5030',
    token: 'dA==',
    vmId: 2,
    clock,
    random,
    send,
  });
  const known = await clock.run(
    findSuperLink({ oneGate, clock, random, backoff: 'exponential', maxBackoffSeconds: 300 }),
  );
  let requests = 0;
  zone.onRequest = () => requests++;
  const reasons: (string | undefined)[] = [];
  let moved = false;
  const stop = new AbortController();
  const begin = (given?: 'by the operator'): void => {
    const onPending = (why: string | undefined): unknown => reasons.push(why);
    followSuperLink(
      { endpoint: known.endpoint, found: given === undefined ? known : undefined },
      {
        oneGate,
        clock,
        random,
        signal: stop.signal,
        onPending,
      },
    ).then(
      () => {
        moved = true;
      },
      () => undefined,
    );
  };
  return { clock, zone, superLink, begin, reasons, stop, requests: () => requests, moved: () => moved };
}

describe('a node that waits for its SuperLink', () => {
  test.each<[string, Template]>([
    ['address', { FL_ENDPOINT: '172.20.0.102:9092' }],
    ['port', { FL_ENDPOINT: '172.20.0.101:9192' }],
    ['TLS mode', { FL_TLS: 'NO', FL_CA_CERT: '-' }],
    ['CA', { FL_CA_CERT: 'TFMwdExRPT1B' }],
  ])('starts over within 40 s when the %s has changed', async (_, changes) => {
    const { clock, superLink, begin, moved } = await waiting();
    begin();
    await clock.advance(100_000);
    expect(moved()).toBe(false);
    Object.assign(superLink.template, changes);
    await clock.advance(40_000);
    expect(moved()).toBe(true);
  });

  test('follows the VM that replaces the SuperLink, and says meanwhile that there is none', async () => {
    const { clock, zone, superLink, begin, moved, reasons } = await waiting();
    begin();
    zone.remove(zone.superLinks, superLink);
    await clock.advance(90_000);
    expect(reasons.at(-1)).toMatch(/^OneGate says: wait for .*superlink/);
    expect(moved()).toBe(false);
    zone.add(zone.superLinks, { ...READY, FL_ENDPOINT: '172.20.0.103:9092' });
    await clock.advance(90_000);
    expect(moved()).toBe(true);
  });

  test('does not start over while the same SuperLink boots, fails and returns, nor while OneGate is down', async () => {
    const { clock, zone, superLink, begin, moved, reasons } = await waiting();
    begin();
    Object.assign(superLink.template, { FL_READY: 'NO', FL_ERROR: 'state_unwritable' });
    await clock.advance(60_000);
    expect(reasons.at(-1)).toContain('FL_ERROR=state_unwritable');
    zone.down = true;
    await clock.advance(120_000);
    expect(reasons.at(-1)).toContain('OneGate');
    zone.down = false;
    Object.assign(superLink.template, READY);
    await clock.advance(60_000);
    expect(reasons.at(-1)).toBeUndefined();
    expect(moved()).toBe(false);
  });

  test('asks nothing about an address of the operator', async () => {
    const { clock, begin, requests, moved } = await waiting();
    begin('by the operator');
    await clock.advance(600_000);
    expect([requests(), moved()]).toEqual([0, false]);
  });

  test('asks so seldom that 1,000 nodes send less than six requests a second together', async () => {
    const { clock, begin, requests } = await waiting(1_000);
    begin();
    const seconds = 6 * 3_600;
    await clock.advance(seconds * 1_000);
    expect(requests()).toBeGreaterThan(50);
    expect((requests() * 1_000) / seconds).toBeLessThan(6);
  });

  test('asks nothing after its wait has ended', async () => {
    const { clock, begin, requests, stop } = await waiting();
    begin();
    await clock.advance(60_000);
    stop.abort(new Error('accepted'));
    const before = requests();
    await clock.advance(600_000);
    expect(requests()).toBe(before);
  });
});

// The simulations run against a zone of a few lines (test/support/small-zone.ts). What the agent reads there is what it
// reads from the stub, which is checked against recorded exchanges: the same questions of the same service in the
// same state give the same answers.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realClock } from '../../src/core/clock.ts';
import { request } from '../../src/host/http.ts';
import { connectOneGate, ONCE, type OneGate } from '../../src/onegate/client.ts';
import { SERVICE_STATE, type Service, type Vm } from '../../src/onegate/replies.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Zone } from '../support/onegate/index.ts';
import { type SmallVm, SmallZone } from '../support/small-zone.ts';

const NODES = 3;
let zone: Zone;
let clock: FakeClock;
let small: SmallZone;
let vms: SmallVm[];

beforeEach(async () => {
  zone = await new Zone({ address: '127.34.0.8', firstVmId: 1, shutdownMs: 20, cooldownMs: 60_000 }).start();
  zone.addService({
    name: 'flower',
    gate: false,
    roles: [{ name: 'superlink' }, { name: 'supernode', cardinality: NODES }],
  });
  clock = new FakeClock();
  small = new SmallZone(clock, () => 0);
  vms = [small.add(small.superLinks), ...Array.from({ length: NODES }, () => small.add(small.superNodes))];
  small.superNodes.cardinality = NODES;
  await zone.until(() => zone.services[0]!.state === 'RUNNING');
});
afterEach(() => zone.stop());

/** What a reading of one and of the other says, without what the simulations do not need. */
const seen = ({ id, state, attributes }: Vm) => ({ id, state, attributes: Object.fromEntries(attributes) });
const summary = ({ state, roles }: Service) => ({
  state,
  roles: roles.map(({ name, cardinality, nodes }) => ({ name, cardinality, nodes: nodes.map(seen) })),
});

function asVm(id: number): { real: OneGate; made: OneGate } {
  const common = { endpoint: zone.endpoint, vmId: id, random: () => 0, policy: ONCE };
  const { token } = zone.vm(id);
  return {
    real: connectOneGate({ ...common, token, clock: realClock, send: request }),
    made: connectOneGate({ ...common, token, clock, send: small.send(id) }),
  };
}

/** All that the VM can ask, of both; equal, or the same problem. */
async function compare(id: number): Promise<unknown[]> {
  const { real, made } = asVm(id);
  const questions: ((gate: OneGate) => Promise<unknown>)[] = [
    (gate) => gate.vm().then(seen),
    (gate) => gate.service().then(summary),
    (gate) => gate.serviceInFull().then(summary),
    ...[1, 2, 9].map((peer) => (gate: OneGate) => gate.peer(peer).then(seen)),
  ];
  const answers: unknown[] = [];
  for (const question of questions) {
    const outcome = (work: Promise<unknown>) => work.catch((error: { code: string }) => error.code);
    const [one, other] = [await outcome(question(real)), await clock.run(outcome(question(made)))];
    expect(other).toEqual(one);
    answers.push(one);
  }
  return answers;
}

test('the zone of the simulations gives the agent the same answers as the stub', async () => {
  const [, own, full] = await compare(2);
  expect(own).toMatchObject({
    state: 2,
    roles: [{ name: 'superlink' }, { name: 'supernode', cardinality: NODES }],
  });
  expect(full).toMatchObject({ roles: [{}, { nodes: [{ state: 3 }, { state: 3 }, { state: 3 }] }] });

  const says = { FL_PARTITION_ID: '2', FL_NUM_PARTITIONS: '3', FL_NODE_READY: 'YES' };
  const { real, made } = asVm(3);
  await real.update(says, { ready: true });
  await clock.run(made.update(says, { ready: true }));
  const [, , claims] = await compare(4);
  expect(JSON.stringify(claims)).toContain('"FL_PARTITION_ID":"2"');

  // Ended from outside while the service runs: dropped from the list.
  zone.terminate(zone.vm(2));
  await zone.until(() => zone.vm(2).state === 'DONE');
  small.remove(small.superNodes, vms[1]!);
  small.superNodes.cardinality--;
  const [, , left] = await compare(3);
  expect(left).toMatchObject({ roles: [{}, { cardinality: 2, nodes: [{ id: 3 }, { id: 4 }] }] });

  // Ended from outside during a cooldown: still listed, as DONE.
  expect(zone.services[0]!.scale('supernode', 3)).toBeUndefined();
  await zone.until(() => zone.services[0]!.state === 'COOLDOWN');
  small.add(small.superNodes);
  small.superNodes.cardinality++;
  small.serviceState = SERVICE_STATE.cooldown;
  zone.terminate(zone.vm(3));
  await zone.until(() => zone.vm(3).state === 'DONE');
  vms[2]!.state = 6;
  const [, , done] = await compare(4);
  expect(done).toMatchObject({
    state: SERVICE_STATE.cooldown,
    roles: [{}, { nodes: [{ id: 3, state: 6 }, { id: 4, state: 3 }, { id: 5 }] }],
  });
});

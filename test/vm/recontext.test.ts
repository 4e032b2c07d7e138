import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Status } from '../../src/report/status.ts';
import type { Guest } from '../support/vm/guest.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';

const states = (status: Status): Record<string, string> =>
  Object.fromEntries(status.steps.map(({ id, state }) => [id, state]));

const pidOf = async (guest: Guest, unit: string): Promise<string> =>
  (await guest.unit(unit, 'MainPID')).MainPID!;

describe('a VM whose CONTEXT is changed while it runs', () => {
  let service: GuestService;
  let superlink: Guest;
  let flower: string;
  let agent: string;

  beforeAll(async () => {
    service = new GuestService({ make: container, supernodes: 0 });
    await service.up();
    superlink = service.superlink;
    flower = await pidOf(superlink, 'flower-superlink');
    agent = await pidOf(superlink, 'flower-context');
  });
  afterAll(() => service?.stop());

  test('an unchanged CONTEXT changes nothing', async () => {
    const before = await superlink.status();
    await superlink.recontextualize({});
    await superlink.until('the stages to be compared', async () =>
      (await superlink.journal('one-context-reconfigure')).includes('stage network: nothing changed'),
    );
    expect((await superlink.status())?.started_at).toBe(before?.started_at);
    expect(await pidOf(superlink, 'flower-superlink')).toBe(flower);
  });

  test('a forced run over the same CONTEXT keeps every step, and Flower', async () => {
    const before = (await superlink.status())!.started_at;
    await superlink.sh('one-contextd all force');
    const status = await superlink.waitFor(
      'a second look',
      ({ phase, started_at }) => phase === 'ready' && started_at !== before,
    );
    const { certificates, launch_plan, start_flower, publish } = states(status);
    expect({ certificates, launch_plan, start_flower, publish }).toEqual({
      certificates: 'kept',
      launch_plan: 'kept',
      start_flower: 'kept',
      publish: 'kept',
    });
    expect(await pidOf(superlink, 'flower-superlink')).toBe(flower);
  });

  test('a changed name gives a new certificate under the same CA, and restarts Flower', async () => {
    const before = (await superlink.status())!;
    await superlink.recontextualize({ FL_CERT_EXTRA_SAN: 'DNS:flower.example' });
    const status = await superlink.waitFor(
      'the new certificate',
      ({ phase, facts }) => phase === 'ready' && String(facts.sans).includes('flower.example'),
    );
    expect(status.facts.ca_sha256).toBe(before.facts.ca_sha256);
    expect(await pidOf(superlink, 'flower-superlink')).not.toBe(flower);
    expect(await pidOf(superlink, 'flower-context')).toBe(agent);
    expect(states(status).validate).toBe('done');
  });

  test('a wrong CONTEXT is reported and does not stop a Flower that serves', async () => {
    const running = await pidOf(superlink, 'flower-superlink');
    await superlink.recontextualize({ FL_NUM_ROUNDS: 'many' });
    const status = await superlink.whenFailed();
    expect(status.problems.map(({ variable }) => variable)).toContain('FL_NUM_ROUNDS');
    expect(status.serving).toBe(true);
    expect(await pidOf(superlink, 'flower-superlink')).toBe(running);
    await superlink.recontextualize({ FL_NUM_ROUNDS: '3' });
    await superlink.whenReady();
  });
});

describe('a SuperNode that waits for a SuperLink that does not exist', () => {
  let service: GuestService;
  afterAll(() => service?.stop());

  test('gets the right address and continues', async () => {
    service = new GuestService({
      make: container,
      supernodes: 1,
      // One call of the ready script instead of three: one-context is done sooner.
      supernode: { FL_SUPERLINK_ADDRESS: '172.16.100.99:9092', RETRY_COUNT: '1', RETRY_WAIT_PERIOD: '1' },
    });
    await service.deploy();
    await service.zone.until(() => service.supernodes.length === 1, 120_000, 'the gate to open');
    const [node] = service.supernodes;
    const ca = service.oneVm(service.superlink).userTemplate.get('FL_CA_CERT')!;
    await node!.waitFor(
      'the boot to fail or to wait',
      ({ phase, waiting }) => phase === 'failed' || waiting !== null,
    );
    // one-context continues only when its ready script has given up.
    await node!.until(
      'one-context to be done',
      async () => (await node!.unit('one-context')).ActiveState === 'active',
      120,
    );
    await node!.recontextualize({ FL_SUPERLINK_ADDRESS: '172.16.100.10:9092', FL_SSL_CA_CERTFILE: ca });
    await node!.whenReady();
    await service.zone.until(() => service.oneVm(node!).userTemplate.get('READY') === 'YES', 60_000, 'READY');
  });
});

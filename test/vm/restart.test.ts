import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Status } from '../../src/report/status.ts';
import type { Container } from '../support/nspawn/container.ts';
import { container } from '../support/vm/machines.ts';
import { GuestService } from '../support/vm/service.ts';

const TLS = '/var/lib/flower-context/tls';

/** What a VM must never lose: by name, whatever identifies it. */
function identity(guest: Container): Record<string, string> {
  const files = ['ca.key', 'ca.pem', 'server.key', 'server.pem', 'superlink-ca.pem'];
  const kept: Record<string, string> = {};
  for (const name of files) {
    try {
      kept[name] = readFileSync(guest.path(join(TLS, name)), 'utf8');
    } catch {
      // Not this role's, or not made yet.
    }
  }
  return kept;
}

/** Temporary files that a cut-off write leaves must not pile up, and what is named must be whole. */
function leftovers(guest: Container): string[] {
  return readdirSync(guest.path('/var/lib/flower-context'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => /(^|\/)\.[^/]+\.\d+-\d+$/.test(name),
  );
}

/** The facts of the agent, without the id that Flower gives to a self-registered node at each start. */
const known = ({ facts: { node_id, ...facts } }: Status): Status['facts'] => facts;

const reached = (status: Status | undefined, step: number): boolean =>
  status?.steps[step] !== undefined && status.steps[step].state !== 'pending';

describe('a SuperLink and a SuperNode that lose power or reboot', () => {
  let service: GuestService;
  let superlink: Container;
  let supernode: Container;
  let first: Record<
    'superlink' | 'supernode',
    { facts: Status['facts']; files: Record<string, string>; ms: number }
  >;

  const took = ({ started_at, updated_at }: Status): number =>
    Date.parse(updated_at) - Date.parse(started_at);

  beforeAll(async () => {
    service = new GuestService({ make: container, supernodes: 1 });
    await service.up();
    superlink = service.superlink as Container;
    supernode = service.supernodes[0] as Container;
    const of = async (guest: Container) => {
      const status = (await guest.status())!;
      return { facts: known(status), files: identity(guest), ms: took(status) };
    };
    first = { superlink: await of(superlink), supernode: await of(supernode) };
  });
  afterAll(() => service?.stop());

  test('a reboot keeps CA, keys, certificates, node identity and partition', async () => {
    await supernode.shutdown();
    await superlink.shutdown();
    await superlink.powerOn();
    const again = await superlink.whenReady();
    expect(known(again)).toEqual(first.superlink.facts);
    expect(identity(superlink)).toEqual(first.superlink.files);
    await supernode.powerOn();
    const node = await supernode.whenReady();
    expect(known(node)).toEqual(first.supernode.facts);
    expect(identity(supernode)).toEqual(first.supernode.files);
    console.log(
      `boot to ready: SuperLink ${first.superlink.ms} ms, after a reboot ${took(again)} ms; SuperNode ${first.supernode.ms} ms, ${took(node)} ms`,
    );
  });

  test.each(['superlink', 'supernode'] as const)(
    'the power goes at every step of the boot of a %s: the next boot completes, nothing is lost',
    async (role) => {
      const guest = role === 'superlink' ? superlink : supernode;
      const steps = (await guest.status())!.steps.map(({ id }) => id);
      const cuts: string[] = [];
      await guest.powerCut();
      for (const [number, step] of steps.entries()) {
        await guest.powerOn();
        const end = performance.now() + 30_000;
        while (!reached(guest.statusNow(), number) && performance.now() < end) await turn();
        const at = guest.statusNow()!;
        await guest.powerCut();
        expect(reached(at, number), `step ${step} was reached`).toBe(true);
        cuts.push(at.steps.map(({ state }) => state[0]).join(''));
        await guest.powerOn();
        const status = await guest.whenReady();
        expect(known(status), `after a cut at ${step}`).toEqual(first[role].facts);
        expect(identity(guest), `after a cut at ${step}`).toEqual(first[role].files);
        expect(status.problems.filter(({ kind }) => kind === 'fatal')).toEqual([]);
        expect(leftovers(guest)).toEqual([]);
        await guest.powerCut();
      }
      console.log(`${role}: cut at ${cuts.join(' ')}`);
      await guest.powerOn();
      await guest.whenReady();
    },
  );
});

// SuperNodes reconnect without intervention: the SuperLink restarts, loses its database, moves, gets another CA. One federation goes
// through all of it, in this order; the test never restarts the SuperNodes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Federation } from '../support/zone/federation.ts';
import { until } from '../support/zone/process.ts';
import { NET } from '../support/zone/test-zone.ts';
import { train } from '../support/zone/training.ts';
import type { Vm } from '../support/zone/vm.ts';

const BACK_WITHIN_MS = 120_000;
/** RESTARTS_VERSION=1.42.0 runs it over HTTP. */
const VERSION = process.env.RESTARTS_VERSION;

let federation: Federation;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'restarts-'));
  federation = new Federation({
    dir,
    net: NET,
    ...(VERSION !== undefined && { flower: { version: VERSION } }),
    superlink: { FL_NUM_ROUNDS: '1' },
    supernode: { FL_EDGE_MAX_BACKOFF: '5' },
    zone: { address: `${NET}.0.36` },
  });
  await federation.up(90_000);
});
afterAll(async () => {
  await federation.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Whether Flower on a SuperNode has been accepted since a moment; its own launcher says so. */
const acceptedSince = (vm: Vm, moment: Date): boolean => {
  const link = vm.flowerLink();
  return link?.phase === 'accepted' && new Date(link.since) > moment;
};

/** Does something to the SuperLink and waits until every SuperNode was lost and is accepted again. */
async function backAfter(what: string, harm: () => Promise<void>): Promise<void> {
  const moment = new Date();
  await harm();
  const detail = (): string => federation.vms.map((vm) => vm.diagnostics()).join('\n');
  const all = (): boolean => federation.supernodes.every((vm) => acceptedSince(vm, moment));
  await until(`both SuperNodes to be back after ${what}`, all, {
    timeoutMs: BACK_WITHIN_MS,
    everyMs: 200,
    detail,
  });
  const serving = (): boolean => federation.vms.every((vm) => vm.status()?.serving === true);
  await until('every agent to report that it serves', serving, { timeoutMs: 60_000, everyMs: 200, detail });
}

const trains = async (): Promise<void> => {
  const training = await train(federation.superlink, { dir: join(dir, `run-${performance.now()}`) });
  expect(training.code, training.output).toBe(0);
  expect(training.rounds.map(({ results }) => results)).toEqual([2]);
};

describe('SuperNodes reconnect without intervention when the SuperLink', () => {
  // covers superlink-restarts
  test('is killed and started again on the same database', async () => {
    await backAfter(
      'a kill',
      async () => void (await federation.superlink.systemctl('kill', '-s', 'KILL', 'flower-superlink')),
    );
  });

  test('comes back with an empty database, where Flower itself would exit with status 0', async () => {
    const vm = federation.superlink;
    await backAfter('the loss of the database', async () => {
      await vm.systemctl('stop', 'flower-superlink');
      rmSync(vm.at('var/lib/flower/superlink/state'), { recursive: true });
      await vm.systemctl('restart', '--no-block', 'flower-context');
    });
  });

  // covers superlink-moves
  test('moves to another address', async () => {
    const vm = federation.superlink;
    const { ip } = federation.seenBy(vm);
    await backAfter('a move', () => vm.recontextualize({ FL_FLEET_API_ADDRESS: `${ip}:9192` }));
    expect(federation.seenBy(vm).userTemplate.get('FL_ENDPOINT')).toBe(`${ip}:9192`);
    for (const node of federation.supernodes)
      expect(node.status()?.facts).toMatchObject({ superlink: `${ip}:9192` });
  });

  // covers superlink-new-ca
  test('comes back with another CA, where Flower itself would keep running without a connection', async () => {
    const vm = federation.superlink;
    const before = federation.seenBy(vm).userTemplate.get('FL_CA_CERT');
    await backAfter('a new CA', async () => {
      await vm.shutdown();
      rmSync(vm.at('var/lib/flower-context'), { recursive: true });
      await vm.boot();
      await vm.whenReady(60_000);
    });
    expect(federation.seenBy(vm).userTemplate.get('FL_CA_CERT')).not.toBe(before);
    await trains();
  });
});

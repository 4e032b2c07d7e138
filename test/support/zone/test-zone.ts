// A zone for one test of vitest: the quick fake Flower, short pauses, addresses of its own, always cleaned up.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Vm as OneVm, RequestRecord } from '../onegate/index.ts';
import { Federation, type FederationSpec } from './federation.ts';
import type { Vm } from './vm.ts';

/** What only costs time in a test: how long systemd and one-context pause. */
const IMPATIENT = {
  'flower-context': '[Service]\nRestartSec=300ms',
  'flower-superlink': '[Service]\nRestartSec=300ms',
  'flower-supernode': '[Service]\nRestartSec=300ms',
  'flower-superexec': '[Service]\nRestartSec=1s',
};
/**
 * First half of every address: of this run of vitest and this worker of it alone, so that two workers, and two checkouts, can
 * be tested side by side on one machine.
 */
export const NET = `127.${64 + ((process.ppid * 4 + (Number(process.env.VITEST_POOL_ID ?? 1) % 4)) % 160)}`;

/** A VM takes one number, which is also in its address: so many per worker, so many per zone of it. */
const VMS_PER_WORKER = 50;
const VMS_PER_ZONE = 5;
let serial = 0;

/** vitest's onTestFinished; tests that run side by side must pass their own. */
type Finished = (clean: () => void | Promise<void>) => void;

/** A folder that is gone after the test. */
export function temporaryFolder(finished: Finished = onTestFinished): string {
  const dir = mkdtempSync(join(tmpdir(), 'zone-'));
  finished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/** A zone that is not deployed yet; its VMs end with the test. */
export function zone(spec: Partial<FederationSpec> = {}, finished: Finished = onTestFinished): Federation {
  const worker = Number(process.env.VITEST_POOL_ID ?? 1) % 4;
  const firstVmId = worker * VMS_PER_WORKER + ((serial++ * VMS_PER_ZONE) % VMS_PER_WORKER);
  const federation = new Federation({
    dir: temporaryFolder(finished),
    net: NET,
    flower: { fake: true },
    ...spec,
    dropIns: { ...IMPATIENT, ...spec.dropIns },
    env: { RETRY_WAIT_PERIOD: '0.3', ...spec.env },
    zone: { address: `${NET}.0.${worker + 1}`, port: 0, firstVmId, ...spec.zone },
  });
  finished(() => federation.stop());
  return federation;
}

/** A deployed zone of a SuperLink alone, its boot begun. */
export async function superlink(
  context: FederationSpec['superlink'] = {},
  spec: Partial<FederationSpec> = {},
) {
  const federation = zone({ supernodes: 0, superlink: context, ...spec });
  await federation.deploy();
  return {
    federation,
    zone: federation.zone,
    vm: federation.superlink,
    one: federation.seenBy(federation.superlink),
  };
}

/** A deployed zone whose SuperLink only exists on OneGate, as `says`; its one SuperNode's boot begun. */
export async function supernode(
  says: Readonly<Record<string, string>>,
  context: FederationSpec['superlink'] = {},
  spec: Partial<FederationSpec> = {},
) {
  const withoutAgent = (vm: OneVm): boolean => vm.role === 'superlink';
  const federation = zone({ supernodes: 1, supernode: context, withoutAgent, gate: false, ...spec });
  await federation.deploy();
  const peer = federation.zone.vms[0]!;
  for (const [name, value] of Object.entries(says)) peer.userTemplate.set(name, value);
  const [vm] = federation.supernodes as [Vm];
  return { federation, zone: federation.zone, peer, vm, one: federation.seenBy(vm) };
}

/** What a VM sent to OneGate, and in which order it was answered well. */
export const updates = (federation: Federation, one: OneVm): readonly Readonly<Record<string, string>>[] =>
  federation.zone.log
    .filter((entry: RequestRecord) => entry.vm === one.id && entry.method === 'PUT' && entry.status === 200)
    .filter(({ fault }) => fault !== 'garbage')
    .map(({ attributes }) => attributes);

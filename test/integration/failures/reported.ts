// Each problem that does not end a boot, and how to cause it in the built program.

import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import type { ProblemCode, Severity } from '../../../src/core/catalogue.ts';
import { issueCa, issueServer } from '../../../src/tls/issue.ts';
import { HURRY, NOBODY, superlink, supernode, type Target, targetOf, zone } from './setup.ts';

export interface Reported {
  readonly title: string;
  cause(): Promise<Target>;
  readonly says: readonly (string | RegExp)[];
  /** The step that is done in spite of the problem. */
  readonly until: string;
  /** Where it is another one than the catalogue's. */
  readonly kind?: Severity;
}

const PLAIN = { FL_READY: 'YES', FL_ENDPOINT: NOBODY, FL_TLS: 'NO' };

/** A SuperLink that comes back with certificates of next month: its clock was ahead, or is set back. */
async function backInTime(): Promise<Target> {
  const target = await superlink();
  const { vm } = target;
  await vm.whenReady();
  await vm.shutdown();
  const now = new Date(Date.now() + 30 * 86_400_000);
  const ca = issueCa({ now, commonName: 'flower-context CA of next month' });
  const names = { dns: ['localhost'], ip: ['127.0.0.1'] };
  const server = issueServer({ ca, names, now });
  const tls = vm.at('var/lib/flower-context/tls');
  writeFileSync(join(tls, 'ca.pem'), ca.certPem);
  writeFileSync(join(tls, 'ca.key'), ca.keyPem, { mode: 0o600 });
  writeFileSync(join(tls, 'server.pem'), server.certPem);
  writeFileSync(join(tls, 'server.key'), server.keyPem, { mode: 0o640 });
  void vm.boot();
  return target;
}

/**
 * A SuperNode that its SuperLink refuses for its timestamps. Flower ends a second after that, and the boot with it
 * (launcher-fake.test.ts); this one tries again, so that the agent reads the state before Flower ends.
 */
async function refusedForItsClock(): Promise<Target> {
  const federation = zone({
    supernodes: 1,
    env: HURRY,
    prepare: (vm) =>
      vm.orderFake(vm.spec.role === 'superlink' ? 'refuse UNAUTHENTICATED Invalid timestamp' : 'stay'),
  });
  await federation.deploy();
  await federation.superlink.whenReady();
  return targetOf(federation, (vms) => vms.find(({ spec }) => spec.role === 'supernode'));
}

/** A SuperNode that has trusted another CA at this address before. */
async function anotherCa(): Promise<Target> {
  const [before, now] = ['before', 'now'].map(
    (commonName) => issueCa({ now: new Date(), commonName }).certPem,
  );
  const published = { ...PLAIN, FL_TLS: 'YES', FL_CA_CERT: Buffer.from(now!).toString('base64') };
  const prepare = (vm: Target['vm']): void => {
    const tls = vm.at('var/lib/flower-context/tls');
    mkdirSync(tls, { recursive: true });
    writeFileSync(join(tls, 'superlink-ca.pem'), before!);
  };
  return supernode(published, {}, { prepare });
}

export const REPORTED: Partial<Record<ProblemCode, readonly Reported[]>> = {
  config_suspicious: [
    {
      title: 'keepalive pings that many servers refuse',
      cause: () => superlink({ FL_GRPC_KEEPALIVE_TIME: '5', FL_GRPC_KEEPALIVE_TIMEOUT: '2' }),
      says: ['FL_GRPC_KEEPALIVE_TIME'],
      until: 'publish',
    },
    {
      title: 'plaintext because the SuperLink publishes it',
      cause: () => supernode(PLAIN),
      says: ['FL_TLS=NO', 'nothing is encrypted'],
      until: 'start_flower',
    },
  ],
  superlink_unreachable: [
    {
      title: 'an address at which nobody listens',
      cause: () => supernode(PLAIN),
      says: [NOBODY, 'connection refused', 'firewall'],
      until: 'start_flower',
    },
  ],
  peer_suspicious: [
    {
      title: 'an FL_TLS that is neither YES nor NO',
      cause: () => supernode({ ...PLAIN, FL_TLS: 'MAYBE' }, { FL_TLS_ENABLED: 'NO' }),
      says: [/VM \d+ publishes an FL_TLS that is neither YES nor NO/],
      until: 'start_flower',
    },
    {
      title: 'another CA than the one of the last boot',
      cause: anotherCa,
      kind: 'degraded',
      says: [
        /publishes the CA [\dA-F:]{23}.* instead of [\dA-F:]{23}/,
        'superlink-ca.previous.pem',
        'ca` on the SuperLink',
      ],
      until: 'start_flower',
    },
  ],
  flower_version_differs: [
    {
      title: 'a SuperLink of another version',
      cause: () => supernode({ ...PLAIN, FL_VERSION: '1.31.0' }),
      says: ['1.31.0', BAKED_FLOWER, 'FLOWER_VERSION'],
      until: 'start_flower',
    },
  ],
  flower_generation_differs: [
    {
      title: 'a SuperLink that publishes a version of the other generation',
      cause: () => supernode({ ...PLAIN, FL_VERSION: '1.42.0' }),
      says: ['Flower 1.42.0', 'Flower 1.39.0', 'FLOWER_VERSION', 'joins by itself'],
      until: 'start_flower',
    },
  ],
  clock_off: [
    {
      // covers clock-superlink
      title: 'certificates of next month',
      cause: backInTime,
      kind: 'degraded',
      says: ['CA of next month', 'timedatectl', 'Replace the CA'],
      until: 'certificates',
    },
    {
      // covers clock-supernode-reported
      title: 'a SuperLink that refuses the timestamps of this node',
      cause: refusedForItsClock,
      says: [
        "it refuses this node's timestamps: the clock of this VM is more than 5 s ahead of the SuperLink's",
        'timedatectl',
      ],
      until: 'start_flower',
    },
  ],
  gpu_not_found: [
    {
      title: 'FL_GPU_ENABLED=YES on a VM without a GPU',
      cause: () => supernode(PLAIN, { FL_GPU_ENABLED: 'YES' }),
      says: ['nvidia-smi', 'the CPU'],
      until: 'start_flower',
    },
  ],
  dcgm_unavailable: [
    {
      title: 'FL_DCGM_ENABLED=YES in an image without the exporter',
      cause: () => supernode(PLAIN, { FL_GPU_ENABLED: 'YES', FL_DCGM_ENABLED: 'YES' }),
      says: ['nvidia-dcgm-exporter.service not found', ' dcgm-exporter.service not found'],
      until: 'start_flower',
    },
  ],
  metrics_unavailable: [
    {
      title: 'a metrics port that is taken',
      cause: async () => {
        const other = createServer();
        const port = await new Promise<number>((resolve) =>
          other.listen(0, () => resolve((other.address() as { port: number }).port)),
        );
        onTestFinished(() => void other.close());
        return superlink({ FL_METRICS_ENABLED: 'YES', FL_METRICS_PORT: String(port) });
      },
      says: ['EADDRINUSE', 'FL_METRICS_PORT'],
      until: 'publish',
    },
  ],
};

// Each problem that ends a boot, and how to cause it in the built program.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import type { ProblemCode } from '../../../src/core/catalogue.ts';
import { issueCa } from '../../../src/tls/issue.ts';
import type { Vm as OneVm } from '../../support/onegate/index.ts';
import { temporaryFolder } from '../../support/zone/test-zone.ts';
import type { Vm } from '../../support/zone/vm.ts';
import {
  base64,
  HURRY,
  NOBODY,
  OTHER_CA,
  operator,
  superlink,
  supernode,
  type Target,
  targetOf,
  zone,
} from './setup.ts';

export interface Fatal {
  readonly title: string;
  /** 2: only another CONTEXT can help, so nothing is tried again. */
  readonly exit: 1 | 2;
  cause(): Promise<Target>;
  /** What a person must be able to read in the journal. */
  readonly says: readonly (string | RegExp)[];
  /** Flower was running when the problem was found. */
  readonly flowerRuns?: true;
}

const PUBLISHED = { FL_READY: 'YES', FL_ENDPOINT: NOBODY, FL_TLS: 'YES' };

/** A SuperLink whose disk was prepared before it was switched on. */
async function prepared(prepare: (vm: Vm) => void | Promise<void>): Promise<Target> {
  const federation = zone({ supernodes: 0, superlink: {}, prepare });
  await federation.deploy();
  return targetOf(federation);
}

/** A SuperNode beside a real SuperLink. */
async function besideSuperLink(supernodeContext: Readonly<Record<string, string>>): Promise<Target> {
  const federation = zone({ supernodes: 1, supernode: supernodeContext });
  await federation.deploy();
  await federation.superlink.whenReady();
  return targetOf(federation, (vms) => vms.find(({ spec }) => spec.role === 'supernode'));
}

async function inServiceOf(roles: readonly string[]): Promise<Target> {
  const federation = zone({ supernodes: 0, withoutAgent: (vm: OneVm) => vm.role !== 'supernode' });
  await federation.zone.start();
  federation.zone.addService({
    name: 'odd',
    gate: false,
    roles: roles.map((name) => ({ name, cardinality: 1 })),
  });
  return targetOf(federation);
}

/** More CAs than OneGate takes in one update; the first is the one that matters. */
const manyCas = (): string =>
  Array.from({ length: 220 }, (_, number) =>
    number === 0 ? OTHER_CA.certPem : issueCa({ now: new Date(), commonName: `spare CA ${number}` }).certPem,
  ).join('');

export const FATAL = {
  config_validation_failed: {
    title: 'a value that no Flower takes',
    exit: 2,
    cause: () => superlink({ FL_STRATEGY: 'FedBest' }),
    says: ['FL_STRATEGY', 'FedAvg', 'expected:'],
  },
  image_incomplete: {
    title: 'an image without Flower',
    exit: 1,
    cause: () => prepared((vm) => rmSync(vm.at('opt/flower/envs'), { recursive: true })),
    says: [`no environment with Flower ${BAKED_FLOWER}`, 'install script'],
  },
  state_unwritable: {
    title: 'a file where the folder for the state should be',
    exit: 1,
    cause: () =>
      prepared((vm) => {
        mkdirSync(vm.at('var/lib'), { recursive: true });
        writeFileSync(vm.at('var/lib/flower-context'), '');
      }),
    says: ['flower-context', 'writable'],
  },
  tls_setup_failed: {
    title: "an operator's key that belongs to another certificate",
    exit: 2,
    cause: async () => {
      const [one, other] = [operator('127.42.9.9'), operator('127.42.9.9')];
      return superlink({ ...one, FL_SSL_KEYFILE: other.FL_SSL_KEYFILE });
    },
    says: ['FL_SSL_KEYFILE does not belong to', 'openssl'],
  },
  address_not_in_certificate: {
    title: "an operator's certificate for another machine",
    exit: 2,
    cause: () => superlink(operator('203.0.113.9')),
    says: ['IP:203.0.113.9', /issued again with IP:127\.42\./],
  },
  ca_missing: {
    title: 'a SuperLink that publishes TLS without a CA',
    exit: 1,
    cause: () => supernode(PUBLISHED),
    says: ['FL_SSL_CA_CERTFILE', 'flower-context ca --base64'],
  },
  ca_invalid: {
    // covers ca-not-a-ca
    title: 'a server certificate instead of the CA',
    exit: 1,
    cause: () => supernode({ ...PUBLISHED, FL_CA_CERT: operator('127.42.9.9').FL_SSL_CERTFILE }),
    says: ['is not a CA', 'a CA of somebody else'],
  },
  ca_mismatch: {
    title: 'a pinned CA that is not the SuperLink’s',
    exit: 1,
    cause: () => besideSuperLink({ FL_SSL_CA_CERTFILE: base64(OTHER_CA.certPem) }),
    says: ['a CA of somebody else', 'SHA-256', 'flower-context CA'],
  },
  tls_mode_mismatch: {
    title: 'TLS on this node, plaintext on the SuperLink',
    exit: 1,
    cause: () =>
      supernode(
        { ...PUBLISHED, FL_TLS: 'NO' },
        { FL_TLS_ENABLED: 'YES', FL_SSL_CA_CERTFILE: base64(OTHER_CA.certPem) },
      ),
    says: ['FL_TLS=NO', 'FL_TLS_ENABLED=YES'],
  },
  not_in_service: {
    title: 'a SuperNode outside any service',
    exit: 1,
    cause: async () => {
      const federation = zone({ supernodes: 0 });
      await federation.zone.start();
      federation.zone.addVm({ name: 'alone' });
      return targetOf(federation);
    },
    says: ['OneGate says: Empty or invalid SERVICE_ID', 'FL_SUPERLINK_ADDRESS'],
  },
  superlink_ambiguous: {
    title: 'three roles, none of them named superlink',
    exit: 1,
    cause: () => inServiceOf(['server', 'monitor', 'supernode']),
    says: ['server, monitor', 'one role named superlink'],
  },
  discovery_timeout: {
    // covers superlink-never
    title: 'a SuperLink that never becomes ready, polled with FL_EDGE_BACKOFF=fixed',
    exit: 1,
    cause: () =>
      supernode(
        { FL_READY: 'NO', FL_ERROR: 'flower_start_failed' },
        { FL_EDGE_BACKOFF: 'fixed' },
        { env: HURRY },
      ),
    says: ['after 30 tries', 'FL_ERROR=flower_start_failed', 'exponential waits without end'],
  },
  flower_version_unsupported: {
    title: 'a version of Flower that does not exist',
    exit: 2,
    cause: () => superlink({ FLOWER_VERSION: '1.43.0' }),
    says: ['1.43.0', '1.31 to 1.42'],
  },
  flower_start_failed: {
    title: 'Flower that ends at once',
    exit: 1,
    cause: () => superlink({}, { flower: { fake: true, order: 'exit 7 OSError: no such planet' } }),
    says: ['it ended', 'OSError: no such planet', 'journalctl -u'],
    flowerRuns: true,
  },
  health_check_timeout: {
    title: 'Flower that runs and logs that it serves, but does not answer',
    exit: 1,
    cause: () => superlink({}, { env: HURRY, flower: { fake: true, order: 'mute' } }),
    says: ['does not answer as a Fleet API', 'verified with the CA'],
    flowerRuns: true,
  },
  no_address: {
    title: 'a SuperLink without a network',
    exit: 1,
    cause: () => superlink({ ETH0_IP: '', FL_FLEET_API_ADDRESS: '0.0.0.0:9092' }),
    says: ['no ETHx_IP in the CONTEXT', 'NETWORK=YES'],
  },
  port_in_use: {
    title: 'another program on the port of the Fleet API',
    exit: 1,
    cause: () =>
      prepared(async ({ spec }) => {
        const other = createServer();
        await new Promise<void>((resolve) => other.listen(9092, spec.context.ETH0_IP, resolve));
        onTestFinished(() => void other.close());
      }),
    says: [':9092', 'another program listens there', 'ss -ltnp'],
  },
  onegate_value_refused: {
    title: 'more CAs than OneGate takes',
    exit: 1,
    cause: async () => {
      const federation = zone({ supernodes: 0, superlink: {} });
      const ip = `127.42.${(federation.zone.nextVmId ?? 0) + 1}.2`;
      const given = { ...operator(ip), FL_SSL_CA_CERTFILE: base64(manyCas()) };
      Object.assign(federation.spec.superlink as object, given);
      await federation.deploy();
      return targetOf(federation);
    },
    says: [/FL_CA_CERT alone has \d+/, 'FL_SSL_CA_CERTFILE'],
    flowerRuns: true,
  },
  internal_error: {
    title: 'an unexpected error of the operating system',
    exit: 1,
    cause: async () => {
      const sabotage = join(temporaryFolder(), 'sabotage.cjs');
      writeFileSync(
        sabotage,
        // The logger asks once while it is loaded.
        "let asked = 0; require('node:os').hostname = () => { if (asked++ > 0) throw new Error('no host, no name'); return 'vm'; };",
      );
      return superlink({}, { env: { NODE_OPTIONS: `--require=${sabotage}` } });
    },
    says: ['no host, no name', 'read the CONTEXT', 'to the maintainers'],
  },
} as const satisfies Partial<Record<ProblemCode, Fatal>>;

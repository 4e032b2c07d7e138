// The start of a federation with real Flower: with an operator's certificate, and with SuperNodes that boot first.
import { expect, test } from 'vitest';
import { issueCa, issueServer } from '../../src/tls/issue.ts';
import { subjectNames } from '../../src/tls/names.ts';
import { until } from '../support/zone/process.ts';
import { NET, temporaryFolder, zone } from '../support/zone/test-zone.ts';
import { train } from '../support/zone/training.ts';
import type { Vm } from '../support/zone/vm.ts';

const UP_WITHIN_MS = 90_000;
const REAL = { flower: { version: '1.39.0' } } as const;

test('SuperNodes connect and runs start with an operator certificate that does not name the loopback address', async () => {
  const now = new Date();
  const ca = issueCa({ now, commonName: 'the CA of an operator' });
  const address = (vmId: number): string => `${NET}.${vmId + 1}.2`;
  // Which VM id the SuperLink gets is the zone's to say: the certificate names them all, and no 127.0.0.1.
  const names = {
    ...subjectNames({ addresses: [], loopback: address(0) }),
    dns: ['superlink.example'],
    ip: Array.from({ length: 253 }, (_, id) => address(id)),
  };
  const server = issueServer({ ca, names, now });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const federation = zone({
    ...REAL,
    superlink: {
      FL_NUM_ROUNDS: '1',
      FL_SSL_CA_CERTFILE: base64(ca.certPem),
      FL_SSL_CERTFILE: base64(server.certPem),
      FL_SSL_KEYFILE: base64(server.keyPem),
    },
  });
  await federation.up(UP_WITHIN_MS);
  expect(federation.superlink.status()?.facts.sans).not.toContain('IP:127.0.0.1');
  const training = await train(federation.superlink, { dir: temporaryFolder() });
  expect(training.code, training.output).toBe(0);
  expect(training.rounds).toHaveLength(1);
});

test('SuperNodes that boot before their SuperLink wait for it and are accepted when it starts', async () => {
  const late = zone({
    ...REAL,
    gate: false,
    supernodes: 1,
    supernode: { FL_EDGE_MAX_BACKOFF: '2' },
    withoutAgent: ({ role }) => role === 'superlink',
  });
  await late.deploy();
  const one = late.zone.vms.find(({ role }) => role === 'superlink')!;
  const [node] = late.supernodes as [Vm];
  await node.waitFor('the wait', ({ waiting }) => waiting !== null);
  const { id } = late.seenBy(node);
  const questions = (): number =>
    late.zone.log.filter(({ vm, method }) => vm === id && method === 'GET').length;
  const asked = questions();
  await until('four more questions for the SuperLink', () => questions() >= asked + 4, { timeoutMs: 60_000 });
  expect(node.status()).toMatchObject({
    phase: 'booting',
    waiting: { for: expect.stringContaining('SuperLink') },
  });
  await late.switchOn(one);
  await late.superlink.whenReady(60_000);
  await node.whenReady(120_000);
});

// Flower's own gRPC (BoringSSL) is the judge: what explainPeer lets pass is accepted, what it objects to is refused, and
// what is taken from an operator can be served with. Where this fails, gRPC has changed its mind.
import { spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { issueCa, issueServer, type KeyPair } from '../../src/tls/issue.ts';
import { subjectNames } from '../../src/tls/names.ts';
import { takeOperatorCertificates } from '../../src/tls/operator.ts';
import { explainPeer } from '../../src/tls/peer.ts';
import { extension } from '../../src/tls/write.ts';
import {
  clientAuth,
  fixture,
  keyEnciphermentOnly,
  make,
  makeCa,
  makeServer,
} from '../support/certificates.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';

interface Case {
  readonly name: string;
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly host: string;
}

const HOST = '10.0.0.5';
const now = new Date();
const day = (count: number): Date => new Date(now.getTime() + count * 86_400_000);
const valid = { from: day(-2), until: day(50) };

const root = makeCa({ cn: 'Root', ...valid });
const middle = makeCa({ cn: 'Middle', by: root, pathLength: 0, ...valid });
const below = makeCa({ cn: 'Below', by: middle, ...valid });
const other = makeCa({ cn: 'Other', ...valid });
const namesake = makeCa({ cn: 'Root', ...valid });
const past = { from: day(-9), until: day(-1) };
const oldRoot = makeCa({ cn: 'Old root', ...past });
const oldMiddle = makeCa({ cn: 'Old middle', by: root, ...past });
const server = (wish: Parameters<typeof makeServer>[0]) =>
  makeServer({
    ip: [HOST, 'fd00::5', '::ffff:10.0.0.6'],
    dns: ['super.example.org', '*.fl.example.org'],
    ...valid,
    ...wish,
  });
const self = server({ cn: 'self' });
const plain = server({ by: root });

const certs = (...list: readonly Pick<KeyPair, 'certPem'>[]): string =>
  list.map(({ certPem }) => certPem).join('');
const of = (
  name: string,
  leaf: KeyPair,
  chain: readonly KeyPair[],
  cas: readonly KeyPair[],
  host = HOST,
): Case => ({
  name,
  cert: certs(leaf, ...chain),
  key: leaf.keyPem,
  ca: certs(...cas),
  host,
});

const HOSTS = [
  HOST,
  '10.0.0.7',
  'fd00::5',
  'fd00::6',
  '::ffff:10.0.0.6',
  '::ffff:10.0.0.5',
  'super.example.org',
  'SUPER.example.org',
];
const NAMES = [
  'super.example.org.',
  'a.fl.example.org',
  'fl.example.org',
  'a.b.fl.example.org',
  'example.org',
];

const ca = issueCa({ now, commonName: 'flower-context CA' });
const renewedCa = issueCa({ now, commonName: 'flower-context CA' });
const own = issueServer({
  ca,
  now,
  names: subjectNames({ addresses: [HOST, 'fd00::5'], hostname: 'super.example.org' }),
});

const presented: Case[] = [
  ...[...HOSTS, ...NAMES].map((host) => of(`asked for ${host}`, plain, [], [root], host)),
  ...[HOST, 'fd00::5', '::1', 'localhost', 'super.example.org', '10.0.0.7'].map((host) =>
    of(`made here, asked for ${host}`, own, [], [ca], host),
  ),
  of('made here, old and new CA trusted', own, [], [renewedCa, ca]),
  of('made here, only the new CA of the same name trusted', own, [], [renewedCa]),
  of('another CA of the same name', plain, [], [namesake]),
  of('one of several CAs', plain, [], [other, root]),
  of('a chain', server({ by: middle }), [middle], [root]),
  of('a chain out of order with a stranger in it', server({ by: middle }), [other, root, middle], [root]),
  of('a chain with a link missing', server({ by: middle }), [], [root]),
  of('an intermediate as trust anchor', server({ by: middle }), [], [middle]),
  of('a CA below one that allows none', server({ by: below }), [below, middle], [root]),
  of('an expired certificate', server({ by: root, ...past }), [], [root]),
  of('a certificate of the future', server({ by: root, from: day(1), until: day(9) }), [], [root]),
  of('an expired CA', server({ by: oldRoot }), [], [oldRoot]),
  of('an expired intermediate', server({ by: oldMiddle }), [oldMiddle], [root]),
  of('a self-signed certificate that is trusted', self, [], [self]),
  of('a self-signed certificate that is not', self, [], [root]),
  of('an issuer that is no CA', server({ by: self }), [], [self]),
  of(
    'an authorityKeyIdentifier that does not fit',
    server({ by: root, extra: [extension.authorityKeyIdentifier(Buffer.alloc(20, 7))] }),
    [],
    [root],
  ),
  of('a certificate for clients', server({ by: root, extra: [clientAuth()] }), [], [root]),
  of('no usages at all', server({ by: root, extra: [] }), [], [root]),
  of('keyEncipherment only', server({ by: root, key: rsa(), extra: [keyEnciphermentOnly()] }), [], [root]),
  of(
    'the host in the CN, no subjectAltName',
    make({ by: root, cn: 'super.example.org', ...valid }),
    [],
    [root],
    'super.example.org',
  ),
];

const files = (...names: readonly string[]): string => names.map(fixture).join('');
const crlf = (text: string): string => `\ufeff${text.replaceAll('\n', '\r\n')}`;
const OPERATOR: Record<string, [caPem: string, certPem: string, keyPem: string, host: string]> = {
  'PKCS#1, chain in the wrong order, CRLF': [
    files('root.pem'),
    crlf(files('intermediate.pem', 'server.pem')),
    crlf(fixture('server.pkcs1.key')),
    '203.0.113.7',
  ],
  'SEC1 under a root without extensions': [
    files('v1-root.pem'),
    files('ec.pem'),
    files('ec.sec1.key'),
    '203.0.113.7',
  ],
  'EC P-384': withKey(ec('P-384')),
  'RSA-4096': withKey(rsa(4096)),
};
const REFUSED_KEYS: Record<string, KeyObject> = {
  'P-521': ec('P-521'),
  'P-224': ec('secp224r1'),
  secp256k1: ec('secp256k1'),
  Ed25519: generateKeyPairSync('ed25519').privateKey,
  'RSA-PSS': generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
};

function ec(namedCurve: string): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey;
}
function rsa(modulusLength = 2048): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}
function withKey(key: KeyObject): [string, string, string, string] {
  const made = server({ by: root, key });
  return [root.certPem, made.certPem, made.keyPem, HOST];
}

/** What gRPC in a real Flower environment says to each case. */
async function judge(python: string, cases: readonly Case[]): Promise<{ accepted: boolean; why: string }[]> {
  const child = spawn(python, ['-I', join(import.meta.dirname, '../support/grpc-judge.py')], {
    env: { ...process.env, GRPC_VERBOSITY: 'NONE' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stdin.end(JSON.stringify(cases));
  await new Promise((done) => child.once('close', done));
  return JSON.parse(Buffer.concat(output).toString());
}

describe.each(['1.31.0', '1.39.0'])('with the gRPC of Flower %s', (version) => {
  let python: string;
  beforeAll(async () => {
    python = join(await flowerEnvironment(version), 'bin/python');
  }, FLOWER_ENV_TIMEOUT_MS);

  test('explainPeer objects to what is refused, and to nothing else', async () => {
    const verdicts = await judge(python, presented);
    const ours = presented.map(
      ({ cert, ca: caPem, host }) => explainPeer({ chainPem: cert, caPem, host, now }) === undefined,
    );
    const told = (accepted: readonly boolean[]): string[] =>
      presented.map(({ name }, at) => `${name}: ${accepted[at] ? 'accepted' : 'refused'}`);
    expect(told(ours)).toEqual(told(verdicts.map(({ accepted }) => accepted)));
    expect(ours.filter(Boolean).length).toBeGreaterThan(15);
    expect(ours.filter((fine) => !fine).length).toBeGreaterThan(15);
  });

  test('what is taken from an operator can be served with', async () => {
    const cases = Object.entries(OPERATOR).map(([name, [caPem, certPem, keyPem, host]]) => {
      const taken = takeOperatorCertificates({ caPem, certPem, keyPem }, { now, addresses: [host] });
      return { name, cert: taken.certPem, key: taken.keyPem, ca: taken.caPem, host };
    });
    expect(await judge(python, cases)).toEqual(cases.map(() => ({ accepted: true, why: '' })));
  });

  test('the kinds of key that are refused would not have worked', async () => {
    const cases = Object.entries(REFUSED_KEYS).map(([name, key]) =>
      of(name, server({ by: root, key }), [], [root]),
    );
    expect((await judge(python, cases)).map(({ accepted }) => accepted)).toEqual(cases.map(() => false));
    for (const { ca: caPem, cert: certPem, key: keyPem } of cases) {
      expect(() => takeOperatorCertificates({ caPem, certPem, keyPem }, { now, addresses: [HOST] })).toThrow(
        /gRPC cannot serve/,
      );
    }
  });
});

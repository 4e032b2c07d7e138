// Flower's own gRPC (BoringSSL) is the judge, and it really dials (test/support/grpc-judge.py): what explainPeer lets pass
// is accepted, what it refuses is refused, and Flower can serve with what is accepted from an operator. Where this fails,
// gRPC has changed its rules. Where the agent is stricter on purpose, POLICY says so.
import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseHostPort } from '../../src/core/hostport.ts';
import { parseIp } from '../../src/core/ip.ts';
import { Problem } from '../../src/core/problem.ts';
import { run } from '../../src/host/process.ts';
import { issueCa, issueServer, type KeyPair } from '../../src/tls/issue.ts';
import { subjectNames } from '../../src/tls/names.ts';
import { takeOperatorCertificates } from '../../src/tls/operator.ts';
import { explainPeer } from '../../src/tls/peer.ts';
import { firstCertificate } from '../../src/tls/texts.ts';
import { extension } from '../../src/tls/x509-write.ts';
import {
  chainWith,
  clientAuth,
  type DIGESTS,
  fixture,
  keyEnciphermentOnly,
  keyOf,
  mailAddress,
  make,
  makeCa,
  makeServer,
} from '../support/certificates.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';

interface Verdict {
  readonly accepted: boolean;
  readonly why: string;
}

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
const server = (options: Parameters<typeof makeServer>[0]) =>
  makeServer({
    ip: [HOST, 'fd00::5', '::ffff:10.0.0.6'],
    dns: ['super.example.org', '*.fl.example.org'],
    ...valid,
    ...options,
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
  'a.fl.example.org.',
  'fl.example.org',
  'a.b.fl.example.org',
  'example.org',
];
/** The CN of a certificate without subjectAltName, and the host that is dialled. */
const COMMON_NAMES = [
  ['super.example.org', 'super.example.org'],
  ['SUPER.example.org', 'super.example.org'],
  ['super.example.org.', 'super.example.org'],
  ['super.example.org', 'super.example.org.'],
  ['other.example.org', 'super.example.org'],
  ['*.fl.example.org', 'a.fl.example.org'],
  ['*.org', 'example.org'],
  ['localhost', 'localhost'],
  ['10.0.0.5.example.org', '10.0.0.5.example.org'],
  ['10.0.0.5', '10.0.0.5'],
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['::ffff:10.0.0.6', '::ffff:10.0.0.6'],
  ['2001:db8::5', '2001:db8::5'],
  // gRPC takes these for names, because a letter comes before the first colon.
  ['2a00::5', '2a00::5'],
  ['fd00::5', 'fd00::5'],
  ['FD00::5', 'fd00::5'],
  ['fd00:0:0::5', 'fd00::5'],
  ['fd00::6', 'fd00::5'],
] as const;

const ca = issueCa({ now, commonName: 'flower-context CA' });
const renewedCa = issueCa({ now, commonName: 'flower-context CA' });
const own = issueServer({
  ca,
  now,
  names: subjectNames({ addresses: [HOST, 'fd00::5'], hostNames: ['super.example.org'] }),
});

/** A CA whose certificate was lost: made again with the same key and name, later and with other dates. */
const again = issueCa({
  now: day(3),
  built: day(-40),
  commonName: 'another host',
  key: createPrivateKey(ca.keyPem),
  subject: firstCertificate(ca.certPem).subjectDer,
});
const names = subjectNames({ addresses: [HOST] });
/** What a first boot makes at this time, with an image of last month. */
const bornAt = (at: Date, wrongClock: boolean): [KeyPair, KeyPair] => {
  const born = issueCa({ now: at, built: day(-30), commonName: 'CA' });
  return [issueServer({ ca: born, names, now: at, built: day(-30), wrongClock }), born];
};
const [of1970, ca1970] = bornAt(new Date(90_000), true);
const [of2099, ca2099] = bornAt(new Date('2099-01-01T00:00:00Z'), false);
const SAME_CA = [
  of(
    'a CA made again, the earlier certificate of it trusted',
    issueServer({ ca: again, names, now }),
    [],
    [ca],
  ),
  of('a CA made again, and the server certificate of before', own, [], [again]),
  of('made at a first boot in 1970', of1970, [], [ca1970]),
  of('made at a first boot in 2099', of2099, [], [ca2099]),
];

/** Without subjectAltName, or with an empty one, gRPC compares the CN. */
const WITHOUT_NAMES: Case[] = [
  ...COMMON_NAMES.map(([cn, host]) =>
    of(
      `CN=${cn} and no subjectAltName, asked for ${host}`,
      make({ by: root, cn, ...valid }),
      [],
      [root],
      host,
    ),
  ),
  of(
    'the host in the CN and an empty subjectAltName',
    server({ by: root, cn: 'super.example.org', ip: [], dns: [] }),
    [],
    [root],
    'super.example.org',
  ),
];

const POSITIONS = ['CA', 'intermediate', 'server'] as const;
const keyCase = (kind: string, at: (typeof POSITIONS)[number]): Case => {
  const made = chainWith(kind, at, { ip: [HOST], ...valid });
  return of(`a key of kind ${kind} in the ${at}`, made.server, [made.intermediate], [made.ca]);
};
const digestCase = (digest: keyof typeof DIGESTS, kind: string): Case => {
  const issuer = makeCa({ cn: 'Digest CA', key: keyOf(kind), ...valid });
  return of(`signed with ${digest} and ${kind}`, server({ by: issuer, digest }), [], [issuer]);
};
const KEYS = [
  ...[
    'rsa 2048',
    'rsa 2048 e=3',
    'rsa 3072',
    'rsa-pss 2048',
    'P-256',
    'P-384',
    'P-521',
    'secp224r1',
    'prime192v1',
    'secp256k1',
    'brainpoolP256r1',
    'ed25519',
    'ed448',
  ].flatMap((kind) => POSITIONS.map((at) => keyCase(kind, at))),
  keyCase('rsa 512', 'server'),
  digestCase('md5', 'rsa 2048'),
  ...(['sha224', 'sha256', 'sha384', 'sha512', 'sha3-256'] as const).flatMap((digest) => [
    digestCase(digest, 'rsa 2048'),
    digestCase(digest, 'P-256'),
  ]),
];
/** RSA keys below 2048 bits and SHA-1: gRPC accepts them, and others can forge them. */
const FORGEABLE = [
  ...['rsa 1024', 'rsa 1536', 'rsa 2047'].flatMap((kind) => POSITIONS.map((at) => keyCase(kind, at))),
  keyCase('rsa 512', 'CA'),
  keyCase('rsa 512', 'intermediate'),
  digestCase('sha1', 'rsa 2048'),
  digestCase('sha1', 'P-256'),
];

const presented: Case[] = [
  ...[...HOSTS, ...NAMES].map((host) => of(`asked for ${host}`, plain, [], [root], host)),
  ...[HOST, 'fd00::5', '::1', 'localhost', 'super.example.org', '10.0.0.7'].map((host) =>
    of(`made here, asked for ${host}`, own, [], [ca], host),
  ),
  of('made here, old and new CA trusted', own, [], [renewedCa, ca]),
  of('made here, only the new CA of the same name trusted', own, [], [renewedCa]),
  ...SAME_CA,
  of('another CA of the same name', plain, [], [namesake]),
  of('one of several CAs', plain, [], [other, root]),
  of('a chain', server({ by: middle }), [middle], [root]),
  of(
    'a chain out of order that contains an unrelated certificate',
    server({ by: middle }),
    [other, root, middle],
    [root],
  ),
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
  ...WITHOUT_NAMES,
  ...KEYS,
  ...Object.entries({
    'another address': server({ by: root, cn: 'super.example.org', dns: [] }),
    'another name': server({ by: root, cn: 'super.example.org', dns: ['example.org'] }),
    'a mail address': make({
      by: root,
      cn: 'super.example.org',
      ...valid,
      extensions: [mailAddress('admin@example.org')],
    }),
  }).map(([name, leaf]) =>
    of(`the host in the CN, ${name} in the subjectAltName`, leaf, [], [root], 'super.example.org'),
  ),
  of('a star above one label', server({ by: root, dns: ['*.org'] }), [], [root], 'example.org'),
  of('a final dot in the certificate', server({ by: root, dns: ['a.org.'] }), [], [root], 'a.org'),
  of('a star in an address', server({ by: root, ip: [], dns: ['*.0.0.5'] }), [], [root], HOST),
];

/**
 * What the agent refuses though gRPC accepts it:
 * - keys and signatures that can be forged (FORGEABLE).
 * - an address as a DNS name in the subjectAltName. gRPC compares texts, but by RFC 5280 (4.2.1.6) an address belongs into
 *   an iPAddress entry, and other clients (OpenSSL, Go) look for it only there.
 * - from an operator, also a certificate without subjectAltName (WITHOUT_NAMES): the CN does not count for the addresses
 *   that SuperNodes usually dial, and other clients do not look at it (RFC 6125).
 */
const POLICY = [
  ...FORGEABLE,
  ...[HOST, 'fd00::5', '::1', '::ffff:10.0.0.6'].map((host) =>
    of(`${host} as a DNS name`, server({ by: root, ip: [], dns: [host] }), [], [root], host),
  ),
];

/**
 * What gRPC refuses though the agent has no objection: gRPC 1.85 compares the address in the certificate with the text
 * that is dialled. The agent reads any spelling, and none of these is dialled: readHostPort gives an address its one
 * spelling and refuses IPv4-mapped ones.
 */
const SPELLINGS = ['FD00::5', 'fd00:0:0::5', '::ffff:a00:6'].map((host) =>
  of(`asked for ${host} in this spelling`, plain, [], [root], host),
);

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

/** Hosts are dialled in namespaces of their own, which take root, or a kernel that gives them to anybody. */
const UNSHARE = ['unshare', process.getuid?.() === 0 ? '-nm' : '-rnm'] as const;
const tried = await run(UNSHARE[0], [UNSHARE[1], 'ip', 'link', 'set', 'lo', 'up']);
const refused = tried.code === 0 ? undefined : (tried.failedToStart ?? tried.stderr.trim());
if (refused !== undefined)
  console.warn(`gRPC is not asked about certificates, for want of network and mount namespaces: ${refused}`);

/** What gRPC in a real Flower environment says to each case. No proxy, resolver or other option comes from outside. */
async function judge(python: string, cases: readonly Case[]): Promise<Map<Case, Verdict>> {
  const program = [python, '-I', join(import.meta.dirname, '../support/grpc-judge.py')];
  const child = spawn(UNSHARE[0], [UNSHARE[1], ...program], {
    env: { PATH: process.env.PATH, GRPC_VERBOSITY: 'NONE' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stdin.end(JSON.stringify(cases));
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`grpc-judge.py ended with ${code}`);
  const verdicts = JSON.parse(Buffer.concat(output).toString()) as Verdict[];
  return new Map(cases.map((one, at) => [one, verdicts[at]!]));
}

const accepts = ({ cert, ca: caPem, host }: Case): boolean =>
  explainPeer({ chainPem: cert, caPem, host, now }) === undefined;

/** The certificates of a case as the agent would serve them; undefined when it does not take them from an operator. */
function taken({ name, cert, key, ca: trusted, host }: Case): Case | undefined {
  try {
    const { certPem, keyPem, caPem } = takeOperatorCertificates(
      { caPem: trusted, certPem: cert, keyPem: key },
      parseIp(host) ? { now, addresses: [host] } : { now, addresses: [], dialNames: [host] },
    );
    return { name, cert: certPem, key: keyPem, ca: caPem, host };
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

const outcomes = (cases: readonly Case[], accepted: (one: Case) => boolean): string[] =>
  cases.map((one) => `${one.name}: ${accepted(one) ? 'accepted' : 'refused'}`);

describe.skipIf(refused !== undefined).each(['1.31.0', '1.39.0'])('with the gRPC of Flower %s', (version) => {
  const served = presented.flatMap((one) => taken(one) ?? []);
  const brought = Object.entries(OPERATOR).map(([name, [caPem, certPem, keyPem, host]]) =>
    taken({ name, cert: certPem, key: keyPem, ca: caPem, host }),
  );
  const withBadKeys = Object.entries(REFUSED_KEYS).map(([name, key]) =>
    of(name, server({ by: root, key }), [], [root]),
  );
  let verdicts: Map<Case, Verdict>;
  const gRPC = (one: Case): boolean => verdicts.get(one)!.accepted;
  beforeAll(async () => {
    const python = join(await flowerEnvironment(version), 'bin/python');
    const usable = brought.filter((one) => one !== undefined);
    verdicts = await judge(python, [
      ...presented,
      ...POLICY,
      ...SPELLINGS,
      ...served,
      ...usable,
      ...withBadKeys,
    ]);
  }, FLOWER_ENV_TIMEOUT_MS);

  test('explainPeer refuses exactly the certificates that gRPC refuses', () => {
    expect(outcomes(presented, accepts)).toEqual(outcomes(presented, gRPC));
    expect(presented.filter(gRPC).length).toBeGreaterThan(15);
    expect(presented.filter((one) => !gRPC(one)).length).toBeGreaterThan(15);
  });

  test('a CA that was made again is the same CA, and a first boot by a wrong clock makes certificates that hold', () =>
    expect(outcomes(SAME_CA, gRPC)).toEqual(outcomes(SAME_CA, () => true)));

  test('the agent is stricter only where its policy says so', () => {
    expect(POLICY.map((one) => [one.name, gRPC(one), accepts(one)])).toEqual(
      POLICY.map(({ name }) => [name, true, false]),
    );
  });

  test('the agent dials an address in the spelling that gRPC compares', () => {
    expect(SPELLINGS.map((one) => [one.name, gRPC(one), accepts(one)])).toEqual(
      SPELLINGS.map(({ name }) => [name, false, true]),
    );
    for (const { host } of SPELLINGS) expect(parseHostPort(`[${host}]:9092`)?.host).not.toBe(host);
  });

  test('Flower can serve with each certificate that the agent accepts from an operator', () => {
    expect(brought).not.toContain(undefined);
    expect(outcomes(brought as Case[], gRPC)).toEqual(outcomes(brought as Case[], () => true));
    expect(outcomes(served, gRPC)).toEqual(outcomes(served, () => true));
  });

  test('gRPC refuses each certificate that the agent refuses, except by policy', () => {
    const stricter = [...presented, ...POLICY].filter((one) => taken(one) === undefined && gRPC(one));
    expect(outcomes(stricter, gRPC)).toEqual(
      outcomes([...WITHOUT_NAMES.filter(gRPC), ...POLICY], () => true),
    );
  });

  test('gRPC refuses the kinds of key that the agent refuses', () => {
    expect(outcomes(withBadKeys, gRPC)).toEqual(outcomes(withBadKeys, () => false));
    for (const { ca: caPem, cert: certPem, key: keyPem } of withBadKeys) {
      expect(() => takeOperatorCertificates({ caPem, certPem, keyPem }, { now, addresses: [HOST] })).toThrow(
        /gRPC cannot serve/,
      );
    }
  });
});

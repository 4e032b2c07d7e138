// What peers of the service, and who can change the traffic to OneGate, may say: over several boots, and in chains of every
// kind of key.
import * as fc from 'fast-check';
import { attempt, Problem } from '../../src/core/problem.ts';
import { LIMITS, overLimits } from '../../src/onegate/limits.ts';
import { readCa } from '../../src/tls/ca.ts';
import { takeOperatorCertificates } from '../../src/tls/operator.ts';
import { explainPeer } from '../../src/tls/peer.ts';
import { trustDecision } from '../../src/tls/trust.ts';
import { remembered, type TrustMemory } from '../../src/tls/trust-memory.ts';
import { keyOf, type Made, makeCa, makeServer, NOW } from '../support/certificates.ts';
import { must, type Target, target } from './target.ts';
import { noise } from './texts.ts';

// Trust over several boots ---------------------------------------------------------------------------------------------

const cas = ['one', 'two', 'three'].map((cn) => makeCa({ cn }).certPem);
const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
const fingerprintOf = (pem: string): string => readCa(pem, { variable: 'x', now: NOW }).fingerprintSha256;

const boots = fc.array(
  fc.record({
    published: fc.record({
      tls: fc.constantFrom('YES' as const, 'NO' as const, undefined),
      caCert: fc.oneof(
        fc.subarray(cas).map((some) => base64(some.join(''))),
        fc.constantFrom(undefined, '-', 'QUJD'),
        noise,
      ),
    }),
    address: fc.constantFrom('10.0.0.5:9092', '10.0.0.66:9092', 'evil.example.org:1'),
    tlsEnabled: fc.constantFrom(undefined, undefined, undefined, true, false),
    pinned: fc.constantFrom(undefined, undefined, undefined, ...cas),
    reboot: fc.boolean(),
  }),
  { minLength: 2, maxLength: 5 },
);

const trustOverBoots = target('trust over several boots', 8, boots, (lives) => {
  let last: TrustMemory | undefined;
  let bootId = 0;
  for (const { published: given, address, tlsEnabled, pinned, reboot } of lives) {
    if (reboot) bootId++;
    const { caCert, ...rest } = given;
    const published = { ...rest, ...(caCert !== undefined && { caCert }) };
    const before = last;
    const decision = attempt(() =>
      trustDecision({
        tlsEnabled,
        mode: 'discovery',
        published,
        now: NOW,
        last,
        ...(pinned !== undefined && { pinnedCaPem: pinned }),
      }),
    );
    if (decision instanceof Problem) continue;
    const isPinned = decision.tls && decision.source === 'FL_SSL_CA_CERTFILE';
    last = remembered(last, {
      vmId: 1,
      tls: decision.tls,
      ca: decision.tls ? decision.fingerprints : [],
      address,
      tlsEnabled: tlsEnabled ?? null,
      at: NOW.toISOString(),
      bootId: `${bootId}`,
      pinned: isPinned,
    });
    must(decision.tls || tlsEnabled === false || before?.tls !== true, 'TLS never ends by itself');
    must(!decision.tls || tlsEnabled !== false, 'FL_TLS_ENABLED=NO is plaintext');
    must(last.tls === decision.tls && last.address === address, 'what is trusted is remembered');
    if (pinned !== undefined && decision.tls)
      must(last.ca.join() === fingerprintOf(pinned), 'with a pinned CA no other is trusted');
    const added = last.ca.some((one) => !before?.ca.includes(one));
    if (before?.tls && decision.tls && !isPinned && added && before.tlsEnabled === (tlsEnabled ?? null))
      must(last.suspicion !== null, 'another CA is reported');
  }
});

// Chains with keys of all kinds -----------------------------------------------------------------------------------------

const FIT_ISSUERS = ['rsa 2048', 'rsa 2048 e=3', 'secp224r1', 'P-256', 'P-384', 'P-521', 'ed25519'];
const UNFIT_ISSUERS = [
  'rsa 512',
  'rsa 1024',
  'rsa 2047',
  'secp256k1',
  'prime192v1',
  'brainpoolP384r1',
  'ed448',
];
const FIT_SERVERS = ['rsa 2048', 'rsa 2048 e=3', 'P-256', 'P-384'];
const KINDS = [...new Set([...FIT_ISSUERS, ...UNFIT_ISSUERS, ...FIT_SERVERS])];
const DIGESTS = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
const made = new Map<string, Made>();
const once = (name: string, make: () => Made): Made => {
  const known = made.get(name) ?? make();
  made.set(name, known);
  return known;
};

const chains = target(
  'chains with keys of all kinds',
  2,
  fc.record({
    kinds: fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 4 }),
    serverKind: fc.constantFrom(...KINDS),
    digest: fc.constantFrom(...DIGESTS),
  }),
  ({ kinds, serverKind, digest }) => {
    // RSA keys of 512 bits are too short for the longer digests.
    const used = [serverKind, ...kinds].includes('rsa 512') ? 'sha256' : digest;
    let by: Made | undefined;
    let name = used as string;
    const issuers: Made[] = [];
    for (const kind of kinds) {
      name += `|${kind}`;
      const issuer = by;
      by = once(name, () =>
        makeCa({
          cn: `CA ${issuers.length}`,
          key: keyOf(kind),
          digest: used,
          ...(issuer && { by: issuer }),
        }),
      );
      issuers.push(by);
    }
    const server = once(`${name}|server ${serverKind}`, () =>
      makeServer({ by: by!, key: keyOf(serverKind), digest: used }),
    );
    const [root, ...intermediates] = issuers;
    const certPem = [server, ...intermediates].map((one) => one.certPem).join('');
    const caPem = root!.certPem;
    // The signature of the root is verified by nobody; with Ed25519 and Ed448 there is no digest to choose.
    const signers = kinds.filter((kind) => !kind.startsWith('ed'));
    const fit =
      FIT_SERVERS.includes(serverKind) &&
      kinds.every((kind) => FIT_ISSUERS.includes(kind)) &&
      !(used === 'sha1' && signers.length > 0);
    const texts = { caPem, certPem, keyPem: server.keyPem };
    const own = attempt(() => takeOperatorCertificates(texts, { now: NOW, addresses: ['10.0.0.5'] }));
    const peer = explainPeer({ chainPem: certPem, caPem, host: '10.0.0.5', now: NOW });
    must(
      own instanceof Problem === !fit,
      `an operator's chain is judged by its keys (${name} ${serverKind})`,
    );
    must((peer === undefined) === fit, `a SuperLink's chain is judged by its keys (${name} ${serverKind})`);
    for (const problem of [own, peer])
      if (problem instanceof Problem)
        must(
          problem.all.every(({ facts }) => facts.found.length < 400 && !/\p{Cc}/u.test(facts.found)),
          'a problem prints on one line',
        );
  },
);

// The size of a reply ---------------------------------------------------------------------------------------------------

const counted = target(
  'the limits of a reply',
  8,
  fc.oneof(
    fc.json(),
    fc
      .array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '1', 'a', '\\"', '\\\\'))
      .map((all) => all.join('')),
    noise,
  ),
  (text) => {
    let value: unknown;
    const why = overLimits(text, { ...LIMITS.vm, containers: 20, values: 40 });
    try {
      value = JSON.parse(text);
    } catch {
      return;
    }
    const { containers, separators, depth } = sizeOf(value);
    const within = containers <= 20 && separators <= 40 && depth <= 64;
    must((why === undefined) === within, `what is counted is what is parsed (${why})`);
  },
);

function sizeOf(value: unknown): { containers: number; separators: number; depth: number } {
  if (typeof value !== 'object' || value === null) return { containers: 0, separators: 0, depth: 0 };
  const items = Object.values(value).map(sizeOf);
  return {
    containers: 1 + items.reduce((sum, { containers }) => sum + containers, 0),
    separators: Math.max(0, items.length - 1) + items.reduce((sum, { separators }) => sum + separators, 0),
    depth: 1 + Math.max(0, ...items.map(({ depth }) => depth)),
  };
}

export const hostilePeers: readonly Target[] = [trustOverBoots, chains, counted];

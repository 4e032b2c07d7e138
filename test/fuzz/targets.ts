// What reads foreign text, and what must hold whatever the text is. A case may end with a Problem (or, where a parser is
// only asked whether it can read something, with its refusal); anything else that is thrown is a finding, and so is a
// case that takes too long (fuzz.ts, test/unit/fuzz).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import * as z from 'zod';
import { checkContext } from '../../src/boot/checks.ts';
import { preview } from '../../src/boot/preview.ts';
import { choosePartition, membersOf } from '../../src/cluster/partition.ts';
import { splitRoles } from '../../src/cluster/resolver.ts';
import { selectSuperLink } from '../../src/cluster/select.ts';
import { parseVariables } from '../../src/config/parse.ts';
import { ALL_NAMES } from '../../src/config/table.ts';
import { parseIp } from '../../src/core/ip.ts';
import { pemOf } from '../../src/core/pem.ts';
import { Problem } from '../../src/core/problem.ts';
import { formatPlan, launchPlanSchema } from '../../src/flower/plan.ts';
import { parseFlowerState } from '../../src/flower/state-file.ts';
import { realHost } from '../../src/host/host.ts';
import { realMachine, sha256 } from '../../src/host/machine.ts';
import { errorIn, failureText, remedyFor } from '../../src/onegate/error.ts';
import { PUBLISHED, parseService, parseVm, type Vm } from '../../src/onegate/replies.ts';
import { parseStatus } from '../../src/report/status.ts';
import { decodeCaBase64, readCa } from '../../src/tls/ca.ts';
import { takeOperatorCertificates } from '../../src/tls/operator.ts';
import { explainPeer } from '../../src/tls/peer.ts';
import { trustDecision } from '../../src/tls/trust.ts';
import { parseVariableFile } from '../../src/vm/context-file.ts';
import { parseContextSh } from '../../src/vm/context-sh.ts';
import { tokenFrom } from '../../src/vm/credentials.ts';
import { parseImage } from '../../src/vm/image.ts';
import { addressesOf, nicsFrom } from '../../src/vm/nics.ts';
import { fixture, makeCa, makeServer, NOW } from '../support/certificates.ts';
import { renderContextSh } from '../support/context-sh.ts';
import { isPlain } from '../support/foreign-texts.ts';
import { hostileContexts } from '../support/hostile.ts';
import { recorded } from '../support/recorded.ts';
import { inFolders } from './environments.ts';
import { hostilePeers } from './hostile-peers.ts';
import { outside } from './outside.ts';
import { must, type Target, target } from './target.ts';
import { damaged, noise, pieces, reshaped } from './texts.ts';

// OneGate ------------------------------------------------------------------------------------------------------------

const replies = ['02', '03', '04', '05', '15', '20', '21', '24', '311', '314', '324'].map(
  (number) => recorded(number).body,
);
const documents = replies.map((body) => JSON.parse(body) as unknown);
const JSON_WORDS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  'null',
  '{}',
  '[]',
  '"VM"',
  '"SERVICE"',
  '"nodes"',
  '"NIC"',
  '"ID"',
  '"__proto__"',
  '\\u0000',
  '1e999',
  '-',
];
const someReply = fc.oneof(
  { weight: 6, arbitrary: reshaped(documents).map((document) => JSON.stringify(document) ?? '') },
  { weight: 3, arbitrary: damaged(replies, JSON_WORDS) },
  { weight: 1, arbitrary: fc.oneof(pieces(JSON_WORDS), noise) },
);

function holdsForVm(vm: Vm): void {
  must(Number.isInteger(vm.id) && vm.id >= 0, 'a VM id is a whole number');
  for (const [name, value] of vm.attributes)
    must(
      PUBLISHED.includes(name) && typeof value === 'string' && value !== '',
      'an attribute is a known text',
    );
  must(
    vm.addresses.every((address) => typeof address === 'string'),
    'addresses are texts',
  );
}

const oneGate = target(
  'OneGate replies',
  12,
  someReply,
  (body) => {
    const json: unknown = JSON.parse(body);
    for (const read of [() => holdsForVm(parseVm(json)), () => holdsForService(json)]) {
      try {
        read();
      } catch (error) {
        if (!(error instanceof z.ZodError) && !(error instanceof Problem)) throw error;
      }
    }
  },
  [SyntaxError],
);

function holdsForService(json: unknown): void {
  const service = parseService(json);
  for (const { nodes } of service.roles) for (const vm of nodes) holdsForVm(vm);
  const ids = service.roles.flatMap(({ nodes }) => nodes.map(({ id }) => id));
  for (const myVmId of [1, ids[0] ?? 0]) {
    const { nodes } = membersOf(service, myVmId);
    const { id, of } = choosePartition({ myVmId, nodes, remembered: 3 });
    must(Number.isInteger(id) && id >= 0 && id < of, 'a partition is one of 0..N-1');
    splitRoles(service, myVmId);
  }
}

const peerText = fc.oneof(
  fc.constantFrom(
    'YES',
    'NO',
    '-',
    '127.0.0.1:9092',
    '0.0.0.0:1',
    '[::1]:9092',
    'fd00::5:9092',
    'a:0',
    'a:65536',
    ':',
    '1.39.0',
    'flower_start_failed',
    'QUJD',
  ),
  pieces([':', '[', ']', '.', '-', '1', 'f', '9092', '::', '/', '@', '$(x)', '\n', ' ', '\u202e'], 12),
  noise,
);
const peers = target(
  'what a SuperLink publishes',
  14,
  fc.array(
    fc.record({
      id: fc.nat(9),
      state: fc.option(fc.nat(12), { nil: undefined }),
      says: fc.dictionary(fc.constantFrom(...PUBLISHED), peerText, { maxKeys: 8 }),
    }),
    { maxLength: 4 },
  ),
  (vms) => {
    const seen = selectSuperLink(
      vms.map(({ id, state, says }) => ({
        id,
        state,
        lcmState: undefined,
        attributes: new Map(Object.entries(says)) as Vm['attributes'],
        addresses: [],
      })),
    );
    const sentences = 'endpoint' in seen ? seen.warnings : [seen.for, seen.check];
    must(
      !sentences.some((text) => /[\p{Cc}\u202e]/u.test(text) || text.length > 700),
      'sentences print on one line',
    );
    if (!('endpoint' in seen)) return;
    must(seen.endpoint.port > 0 && seen.endpoint.port < 65_536, 'a port is one');
    must(
      parseIp(seen.endpoint.host) !== undefined ||
        /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.?$/i.test(seen.endpoint.host),
      'a host is an address or a name',
    );
  },
);

const token = 'dG9rZW4tb2YtYS1WTQ==';
const oneGateErrors = target(
  'what OneGate says when it refuses',
  14,
  fc.tuple(
    fc.oneof(fc.integer({ min: 0, max: 999 }), fc.constant(200)),
    fc.boolean(),
    fc.oneof(
      someReply,
      damaged(
        ['Not authorized', 'Service 1 does not contain VM 3.', `x ${token} y`],
        [token, 'host', '\n', '\u001b[2J'],
      ),
    ),
  ),
  ([status, updating, body]) => {
    const error = errorIn({ status, headers: {}, body }, token, updating);
    if (error === undefined) {
      must(status === 200 && (!updating || body === ''), 'only what OneGate says of a success is one');
      return;
    }
    const text = failureText(error) + remedyFor(error, new URL('http://172.16.0.1:5030'), 3);
    must(!text.includes(token), 'the token is in no message');
    must(isPlain(text) && text.length < 1_500, 'a message prints on one line');
  },
);

// CONTEXT ------------------------------------------------------------------------------------------------------------

const SAMPLES = join(import.meta.dirname, '../support/context-samples');
const contexts = ['apostrophes', 'newlines', 'pem', 'superlink-defaults', 'supernode-oneapp'].map((name) =>
  readFileSync(join(SAMPLES, `${name}.sh`), 'utf8'),
);
const CONTEXT_WORDS = [
  "A='",
  "'",
  "'\\''",
  '\\',
  '\n',
  '\r\n',
  'B=',
  '#',
  "Z=''\n",
  'CONTEXT=[',
  ']',
  '"',
  ',',
  'export ',
  '\uFEFF',
  '\0',
  '__proto__',
  "VMID='7'",
];
const contextText = fc.oneof(damaged(contexts, CONTEXT_WORDS), pieces(CONTEXT_WORDS), noise);

const contextSh = target('context.sh', 14, contextText, (text) => {
  for (const given of [text, Buffer.from(text, 'latin1')]) {
    const read = parseContextSh(given);
    must(Object.getPrototypeOf(read) === null, 'variables have no prototype');
    // What was read is written as OpenNebula writes it, and is then read as the same.
    const again = parseContextSh(renderContextSh(read));
    must(
      Object.keys(read).every((name) => again[name] === read[name]),
      'reading is stable',
    );
    addressesOf(nicsFrom(read, realHost));
  }
});

const files = target('files of variables', 14, contextText, (text) => {
  tokenFrom(text);
  parseVariableFile(text);
});

// From variables to the launch plan ----------------------------------------------------------------------------------

const hostile = [
  ...hostileContexts({ role: 'superlink', small: true }),
  ...hostileContexts({ role: 'supernode', small: true }),
];
const hostileValues = [...new Set(hostile.flatMap(({ raw }) => Object.values(raw)))].filter(
  (value) => value.length < 4_000,
);
const goodValues = [
  'YES',
  'NO',
  '0',
  '1',
  '9092',
  '60',
  '0.5',
  '1.39.0',
  '1.31.0',
  'FedAvg',
  'pytorch',
  'IP:10.0.0.1,DNS:a.example',
  '10.0.0.5:9092',
  '[fd00::5]:9092',
  'a=1 b="x"',
  'state/flower.db',
  'exponential',
  'json',
  'DEBUG',
  'process',
  'subprocess',
  'all',
  '0,1',
];
const variables = fc.dictionary(
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...ALL_NAMES) },
    { weight: 2, arbitrary: fc.constantFrom(...ALL_NAMES).map((name) => `ONEAPP_${name}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'ETH0_IP',
        'ETH0_GATEWAY',
        'ETH1_IP',
        'ETH0_IP6',
        'FL_NO_SUCH',
        'fl_tls_enabled',
        '__proto__',
      ),
    },
  ),
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...goodValues) },
    { weight: 1, arbitrary: fc.constantFrom(...hostileValues) },
    { weight: 1, arbitrary: damaged(goodValues, [',', ':', '=', '"', ' ', '-', '[', ']', '\n', '/', '..']) },
  ),
  { maxKeys: 6, noNullPrototype: false },
);
const nowhere = realMachine('/nowhere');

const SECRET = 'Marker-of-a-secret-7e1c';
const secrets = fc.option(
  fc.constantFrom('FL_SSL_KEYFILE', 'ONEAPP_FL_SSL_KEYFILE', 'ROOT_PASSWORD', 'TOKEN', 'ONEGATE_TOKEN'),
  { nil: undefined },
);

const plans = target(
  'variables, up to the launch plan',
  8,
  fc.tuple(variables, fc.boolean(), secrets),
  ([given, link, secret]) => {
    const raw = secret === undefined ? given : { ...given, [secret]: SECRET };
    const role = link ? 'superlink' : 'supernode';
    const image = { role, flowerVersion: '1.39.0', framework: 'none' } as const;
    const parsed = parseVariables(raw, image);
    for (const { variable, found, expected } of [...(parsed.ok ? [] : parsed.problems), ...parsed.warnings]) {
      must(isPlain(variable + found + expected) && found.length < 1_000, 'a finding prints on one line');
      must(!(found + expected).includes(SECRET), 'no secret is in a finding');
    }
    if (!parsed.ok) return;
    const facts = { image, now: new Date(), addresses: ['192.0.2.7'], hostNames: [] };
    const { problems } = checkContext(raw, facts);
    if (problems.some(({ severity }) => severity === 'fatal')) return;
    const { launch_plan: plan, files: written } = preview(parsed.config, facts, nowhere);
    must(
      launchPlanSchema.safeParse(JSON.parse(formatPlan(plan))).success,
      'a plan is what the launcher reads',
    );
    must(!plan.argv.some((word) => /\p{Cc}/u.test(word)), 'no argument has control characters');
    must(
      !Object.entries(plan.environment).some(([name, value]) => /[\0\n]/.test(name + value)),
      'nor has the environment',
    );
    must(
      written.every(({ path }) => path.startsWith('/nowhere/') && !path.includes('..')),
      'files stay under the root',
    );
    must(!(formatPlan(plan) + JSON.stringify(written)).includes(SECRET), 'no secret is in a plan');
  },
);

// Certificates -------------------------------------------------------------------------------------------------------

const ca = makeCa();
const server = makeServer({ by: ca });
const pems = [
  ca.certPem,
  server.certPem,
  server.keyPem,
  fixture('server.pem'),
  fixture('server.encrypted.key'),
  fixture('ec.sec1.key'),
  fixture('v1-root.pem'),
  fixture('ec-explicit.pem'),
];
/** A real certificate or key whose bytes were exchanged, cut or doubled, well wrapped: what reaches the DER readers. */
const insides = fc
  .tuple(
    fc.constantFrom(...pems),
    fc.array(fc.tuple(fc.nat(1_400), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
    fc.option(fc.nat(1_400), { nil: undefined }),
  )
  .map(([text, changes, cut]) => {
    const [, label = '', body = ''] = /-----BEGIN ([A-Z0-9 ]+)-----\n([\s\S]*?)-----END/.exec(text) ?? [];
    const der = Buffer.from(body, 'base64');
    for (const [at, byte] of changes) if (der.length > 0) der[at % der.length] = byte;
    return pemOf(label, cut === undefined ? der : der.subarray(0, cut));
  });
const PEM_WORDS = [
  '-----BEGIN CERTIFICATE-----\n',
  '-----END CERTIFICATE-----\n',
  '-----BEGIN PRIVATE KEY-----\n',
  '-----',
  '\n',
  '=',
  'MIIB',
  '\r',
];
const pem = fc.oneof(
  { weight: 3, arbitrary: insides },
  { weight: 2, arbitrary: damaged(pems, PEM_WORDS) },
  { weight: 1, arbitrary: fc.oneof(noise, pieces(PEM_WORDS, 12), fc.constantFrom(...pems)) },
);

const cas = target('a CA', 8, pem, (text) => {
  readCa(text, { variable: 'FL_SSL_CA_CERTFILE', now: NOW });
});

const base64 = target(
  'a CA from a peer',
  8,
  fc.tuple(pem, fc.boolean(), fc.constantFrom('YES', 'NO', undefined)),
  ([text, wrap, tls]) => {
    const caCert = wrap ? Buffer.from(text).toString('base64') : text;
    decodeCaBase64(caCert, 'FL_CA_CERT');
    const decision = trustDecision({
      tlsEnabled: undefined,
      mode: 'discovery',
      published: { tls, caCert },
      now: NOW,
    });
    must(tls === 'NO' || decision.tls, 'a text from a peer never turns TLS off');
  },
);

const intake = target(
  "an operator's certificates",
  4,
  fc.tuple(pem, pem, pem, fc.nat(3)),
  ([one, two, three, real]) => {
    const texts = {
      caPem: real === 0 ? one : ca.certPem,
      certPem: real === 1 ? two : server.certPem,
      keyPem: real === 2 ? three : server.keyPem,
    };
    takeOperatorCertificates(real === 3 ? { caPem: one, certPem: two, keyPem: three } : texts, {
      now: NOW,
      addresses: ['10.0.0.5'],
    });
  },
);

const greetings = target(
  'what a server shows',
  6,
  fc.tuple(
    fc.array(pem, { maxLength: 3 }),
    fc.oneof(peerText, fc.constantFrom('10.0.0.5', 'server')),
    pem,
    fc.boolean(),
  ),
  ([chain, host, caPem, realCa]) => {
    const problem = explainPeer({
      chainPem: chain.join('\n'),
      caPem: realCa ? ca.certPem : caPem,
      host,
      now: NOW,
    });
    must(problem === undefined || problem instanceof Problem, 'it is explained with a Problem');
  },
);

// The agent's own files ----------------------------------------------------------------------------------------------

const link = {
  version: 1,
  pid: 12,
  started: 1_200,
  plan: 'ab'.repeat(32),
  phase: 'accepted',
  since: '2026-11-21T06:00:00.000Z',
  node_id: '123',
  detail: 'accepted',
  options: { server: [['grpc.keepalive_time_ms', 60_000]], client: [] },
};
const status = {
  version: 1,
  role: 'superlink',
  phase: 'ready',
  serving: true,
  boot: 'first',
  pid: 12,
  started_at: '2026-11-21T06:00:00.000Z',
  updated_at: '2026-11-21T06:00:00.000Z',
  waiting: { for: 'x', since: 'y', until: null, check: 'z' },
  steps: [{ id: 'validate', title: 'x', state: 'done', at: null, ms: 1, note: null }],
  problems: [
    {
      code: 'gpu_not_found',
      kind: 'degraded',
      doing: 'x',
      found: 'y',
      expected: 'z',
      example: null,
      remedy: 'r',
      variable: null,
    },
  ],
  facts: { sans: ['a'], tls: true, num: 1 },
};
const appliance = {
  role: 'superlink',
  flower: { version: '1.39.0', framework: 'none' },
  user: 'flower',
};
const ownFiles = [link, status, appliance];

const own = target(
  'link, status and appliance files',
  14,
  fc.oneof(
    reshaped(ownFiles).map((document) => JSON.stringify(document) ?? ''),
    damaged(
      ownFiles.map((document) => JSON.stringify(document)),
      JSON_WORDS,
    ),
    noise,
  ),
  (text) => {
    parseFlowerState(text);
    // With the checksum that makes it a whole record: then the content decides.
    const [line = ''] = text.split('\n', 1);
    const read = parseFlowerState(`${line}\n${sha256(line)}\n`);
    must(
      read === undefined || (read.pid > 0 && /^([0-9a-f]{64}|null)$/.test(String(read.plan))),
      'a state file is complete',
    );
    must(read === undefined || isPlain(read.detail), 'its detail is plain');
    const status = parseStatus(text);
    must(status === undefined || typeof status.serving === 'boolean', 'a status says whether it serves');
    parseImage(text);
  },
);

export const TARGETS: readonly Target[] = [
  oneGate,
  peers,
  oneGateErrors,
  contextSh,
  files,
  plans,
  cas,
  base64,
  intake,
  greetings,
  own,
  ...hostilePeers,
  ...outside,
  ...inFolders,
];

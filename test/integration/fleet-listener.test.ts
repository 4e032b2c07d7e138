// What somebody else reaches at the Fleet API of a real SuperLink over HTTP: the calls of SuperNodes, and nothing more. The
// SuperLink is on one machine with IPv4 and IPv6, the outsider on another one (network namespaces).
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONNECTION, connectionToml, flwrEnvironment } from '../../src/flower/flwr.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';
import { FlowerSetup, type Launched, pki } from '../support/flower-setup.ts';
import { noNamespaces } from '../support/netns/silent-path.ts';
import { DUAL, makeTwoFamilies, type TwoFamilies } from '../support/netns/two-families.ts';
import { run, until } from '../support/zone/process.ts';

const SUPPORT = join(import.meta.dirname, '../support');
const FLEET = '/v1/fleet/';
const LARGEST_BODY = 1024 * 1024;
const UNSIGNED = 64 * 1024;
/** Names are enough here; Flower checks what they say. */
const SIGNED = { 'flwr-public-key': 'AA==', 'flwr-timestamp': '2026', 'flwr-signature': 'AA==' };

const refused = await noNamespaces();
if (refused !== undefined) console.warn(`tests of outsiders at the Fleet API are skipped: ${refused}`);

interface Request {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The bytes of a request; `content-length` is added unless the body is chunked. */
function bytesOf({ method = 'POST', target = `${FLEET}pull-messages`, headers = {}, body = '' }: Request) {
  const length: Record<string, string> =
    'transfer-encoding' in headers ? {} : { 'content-length': String(body.length) };
  const all = {
    host: 'superlink',
    connection: 'close',
    'content-type': 'application/protobuf',
    ...length,
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** Not HTTP, not signed, not there, no Protocol Buffers. */
const HARMLESS = [400, 401, 404, 415, 501];

const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
const answersIn = (text: string): number => text.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0;

describe.skipIf(refused !== undefined).each([
  ['1.42.0', '0.0.0.0'],
  ['1.40.0', '::'],
])('the Fleet API of Flower %s at %s', (version, everywhere) => {
  let environment: string;
  let machines: TwoFamilies;
  let vm: FlowerSetup;
  let launched: Launched;
  let ca: string;
  let caPem: string;
  let node: FlowerSetup | undefined;
  const test = version === '1.42.0' ? it : it.skip;

  beforeAll(async () => {
    environment = await flowerEnvironment(version);
    machines = await makeTwoFamilies();
    vm = new FlowerSetup(version, environment);
    const keys = pki({ ip: [DUAL.v4, DUAL.v6, '127.0.0.1'] });
    caPem = keys.ca.certPem;
    ca = vm.file('ca.pem', caPem);
    const own = vm.credentials('server', keys.server, caPem);
    const plan = vm.superlink({
      loopback: '127.0.0.1',
      fleet: { host: everywhere, port: 9092 },
      tls: { own, operator: null },
    });
    launched = vm.launch(
      { ...plan, fleet: { ...plan.fleet!, largest_body: LARGEST_BODY } },
      { prefix: machines.dual },
    );
    await vm.phase(launched, 'serving', 60_000);
  }, FLOWER_ENV_TIMEOUT_MS);
  afterAll(async () => {
    await node?.clear();
    await vm?.clear();
    await machines?.remove();
  });

  /** Starts outsiders.py on a machine; the lines that it prints. */
  function outsiders(prefix: readonly string[], host: string, port: number, order: unknown) {
    const words = [...prefix, join(environment, 'bin/python'), '-I', join(SUPPORT, 'netns/outsiders.py')];
    const child = spawn(words[0]!, [...words.slice(1), host, String(port), ca], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.write(`${JSON.stringify(order)}\n`);
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    const line = (number: number) =>
      until(`line ${number} of outsiders.py`, () => lines[number], {
        timeoutMs: 60_000,
        detail: launched.output,
      });
    return { line, stop: () => child.stdin.end('\n') };
  }

  /** What the SuperLink answers to an outsider on another machine, one connection for each request. */
  async function outsider(
    requests: readonly (Request | string)[],
    at = { host: DUAL.v6 as string, port: 9092 },
  ) {
    const prefix = at.host === DUAL.v6 ? machines.only6 : machines.dual;
    const sent = requests.map((one) => (typeof one === 'string' ? one : bytesOf(one)));
    const asked = outsiders(prefix, at.host, at.port, { requests: sent });
    return JSON.parse(await asked.line(0)) as string[];
  }

  const control = { host: '127.0.0.1', port: 9093 };

  /** Method and path of everything that the application says it has. */
  async function routes(): Promise<[method: string, path: string][]> {
    const [answer] = await outsider([{ method: 'GET', target: '/openapi.json' }], control);
    const { paths } = JSON.parse(answer!.slice(answer!.indexOf('\r\n\r\n') + 4)) as {
      paths: Record<string, Record<string, unknown>>;
    };
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method): [string, string] => [method.toUpperCase(), path]),
    );
  }

  it('answers 404 for every route of the application but those of SuperNodes', async () => {
    const all = await routes();
    const fleet = all.filter(([, path]) => path.startsWith(FLEET));
    const others = all.filter(([, path]) => !path.startsWith(FLEET));
    expect(fleet.length).toBe(12);
    expect(others.length).toBeGreaterThan(60);
    const more: [string, string][] = ['/docs', '/redoc', '/openapi.json', '/health', '/', '*'].flatMap(
      (path) => ['GET', 'HEAD', 'POST', 'OPTIONS'].map((method): [string, string] => [method, path]),
    );
    const forbidden = [
      ...others,
      ...others.map(([, path]): [string, string] => ['GET', path]),
      ...more,
      ...fleet.flatMap(([, path]) =>
        ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'].map((method): [string, string] => [
          method,
          path,
        ]),
      ),
    ];
    const answers = await outsider(forbidden.map(([method, target]) => ({ method, target })));
    const found = answers.map((answer, index) => [...forbidden[index]!, statusOf(answer)]);
    expect(found).toEqual(forbidden.map((one) => [...one, 404]));
    // The calls of SuperNodes come to Flower, which refuses an outsider that signs nothing.
    const calls = await outsider(fleet.map(([method, target]) => ({ method, target })));
    expect(calls.map(statusOf)).toEqual(fleet.map(() => 401));
  });

  it('is reached over IPv4 and IPv6, and nothing else of Flower is', async () => {
    for (const host of [DUAL.v4, DUAL.v6]) {
      const answers = await outsider([{}, { target: '/v1/control/list-runs' }], { host, port: 9092 });
      expect(answers.map(statusOf), host).toEqual([401, 404]);
    }
    const sockets = await run('ip', [...machines.dual.slice(1), 'ss', '-tlnH']);
    const open = sockets.stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[3] ?? []);
    expect(open.filter((address) => !address.startsWith('127.0.0.1:'))).toEqual([
      expect.stringMatching(/^(\*|\[::\]):9092$/),
    ]);
  });

  const LIST = '/v1/control/list-runs';
  const TAKE = '/v1/runtime/acquire-task';

  it('answers 404 to tricks with paths and headers', async () => {
    const targets = [LIST, TAKE].flatMap((path) => [
      `/${path}`,
      `//superlink${path}`,
      `${FLEET}..${path.slice(3)}`,
      `${FLEET}%2e%2e${path.slice(3)}`,
      `${FLEET}..%2f${path.slice(4)}`,
      `${FLEET}pull-messages/../..${path.slice(3)}`,
      `${FLEET}pull-messages;/../..${path.slice(3)}`,
      `${FLEET}pull-messages%00${path}`,
      `${FLEET}pull-messages%0d%0aX: ${path}`.replaceAll(' ', '%20'),
      `https://superlink${path}`,
      `https://superlink:9093${path}`,
      `https://superlink${FLEET}..${path.slice(3)}`,
      path.replace('v1', '%76%31'),
      path.toUpperCase(),
      `${path}?x=${FLEET}pull-messages`,
      `${path}/`,
      `/./${path.slice(1)}`,
      `\\${path.slice(1)}`,
    ]);
    // Also other spellings of a call of a SuperNode: it never uses one.
    targets.push(
      `${FLEET}pull-messages/`,
      `${FLEET}pull-messages?`.concat('a=b'),
      `${FLEET}pull-messages;a=b`,
      `/${FLEET}pull-messages`,
      `${FLEET}PULL-MESSAGES`,
      `${FLEET}pull%2dmessages`,
      `https://superlink${FLEET}pull-messages`,
      FLEET,
      `${FLEET}no-such-call`,
    );
    const headers = [
      { 'x-http-method-override': 'POST', 'x-method-override': 'POST', 'x-http-method': 'POST' },
      { 'x-original-url': `${FLEET}pull-messages`, 'x-rewrite-url': `${FLEET}pull-messages` },
      { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1' },
      {
        'x-forwarded-host': '127.0.0.1:9093',
        'x-forwarded-prefix': '/v1/fleet',
        'x-forwarded-proto': 'https',
      },
      { host: '127.0.0.1:9093' },
      { host: 'localhost', 'flwr-component-name': 'superexec' },
      {
        upgrade: 'websocket',
        connection: 'upgrade, close',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      },
      { upgrade: 'h2c', connection: 'upgrade, http2-settings, close', 'http2-settings': 'AAMAAABkAAQAAP__' },
    ];
    const requests: Request[] = [
      ...targets.map((target) => ({ target })),
      ...headers.flatMap((one) => [LIST, TAKE].map((target) => ({ target, headers: one }))),
      ...headers.map((one) => ({ method: 'GET', target: LIST, headers: one })),
      { method: 'CONNECT', target: '127.0.0.1:9093' },
      { method: 'CONNECT', target: `${FLEET}pull-messages` },
      { method: 'post' },
      { method: 'PRI', target: '*' },
    ];
    const answers = await outsider(requests);
    const found = answers.map((answer, index) => [requests[index], statusOf(answer)]);
    expect(found).toEqual(requests.map((one) => [one, 404]));
  });

  it('lets a header of a call change neither the call nor who is asked', async () => {
    const forged = [
      { 'x-original-url': LIST, 'x-rewrite-url': LIST },
      { 'x-http-method-override': 'GET' },
      { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': '127.0.0.1:9093', host: '127.0.0.1:9093' },
      { upgrade: 'websocket', connection: 'upgrade, close' },
      { upgrade: 'h2c', connection: 'upgrade, http2-settings, close', 'http2-settings': 'AAMAAABkAAQAAP__' },
    ];
    const answers = await outsider(forged.map((headers) => ({ headers })));
    expect(answers.map(statusOf)).toEqual(forged.map(() => 401));
    for (const answer of answers) expect(answer).toContain('Invalid SuperNode authentication');
  });

  it('answers no request that is hidden in another one', async () => {
    const hidden = bytesOf({ target: LIST });
    const both = { 'transfer-encoding': 'chunked', 'content-length': '4' };
    const keep = { connection: 'keep-alive' };
    const answers = await outsider([
      // In a body, behind one, and behind one whose length is given twice.
      bytesOf({ target: LIST, body: hidden }),
      `${bytesOf({ target: LIST, headers: keep })}${hidden}`,
      `${bytesOf({ headers: keep })}${hidden}`,
      bytesOf({ headers: both, body: `0\r\n\r\n${hidden}` }),
      bytesOf({ headers: { 'transfer-encoding': 'chunked', ...keep }, body: `0\r\n\r\n${hidden}` }),
      bytesOf({ headers: { 'transfer-encoding': 'chunked', ...keep }, body: `0;x=\n\r\n\r\n${hidden}` }),
      bytesOf({ headers: { 'transfer-encoding': ' chunked', ...keep }, body: `${chunked('x')}${hidden}` }),
      bytesOf({ headers: { 'transfer-encoding': 'identity', 'content-length': '0' }, body: hidden }),
      bytesOf({ headers: { 'content-length': '0, 9' }, body: hidden }),
      bytesOf({ headers: { 'content-length': '-1' }, body: hidden }),
      bytesOf({ headers: { 'content-length': '+0' }, body: hidden }),
      bytesOf({ headers: { 'content length': '4' }, body: hidden }),
      `POST ${FLEET}pull-messages HTTP/1.1\nhost: a\n\n${hidden}`,
      `GET ${LIST}\r\n\r\n`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      `\r\n\r\n${hidden}`,
    ]);
    for (const answer of answers) {
      for (const status of answer.match(/HTTP\/1\.1 \d{3} /g) ?? []) {
        expect(HARMLESS, answer).toContain(Number(status.slice(9)));
      }
      expect(answersIn(answer), answer).toBeLessThanOrEqual(2);
    }
  });

  it('gives an outsider no task and no run, which this machine gets', async () => {
    const [outside] = await outsider([{ target: TAKE }]);
    expect(statusOf(outside!)).toBe(404);
    const local = await outsider([{ target: TAKE }, { target: LIST }], control);
    expect(local.map(statusOf)).toEqual([200, 200]);

    const flwr = (name: string, prefix: readonly string[], host: string, port: number) => {
      const home = join(vm.root, `flwr-${name}`);
      mkdirSync(home, { recursive: true });
      writeFileSync(join(home, 'config.toml'), connectionToml({ host, port }, ca, '127.0.0.1'));
      writeFileSync(join(home, 'credentials.yaml'), '{}\n');
      const env = flwrEnvironment({ environment, flwrHome: home });
      return async (...args: string[]) => {
        const { code, stdout, stderr } = await run(
          prefix[0]!,
          [...prefix.slice(1), join(environment, 'bin/flwr'), ...args],
          { env, cwd: home, timeoutMs: 90_000 },
        );
        return { code, text: stdout + stderr };
      };
    };
    const app = join(SUPPORT, 'rounds-app');
    const away = flwr('away', machines.only6, DUAL.v6, 9092);
    const here = flwr('here', machines.dual, '127.0.0.1', 9093);
    const wanted = version === '1.42.0' ? ['list', 'run'] : ['list'];
    for (const command of wanted) {
      const args = command === 'list' ? ['list', CONNECTION] : ['run', app, CONNECTION];
      const [refusedThere, done] = await Promise.all([
        away(...args, '--format', 'json'),
        here(...args, '--format', 'json'),
      ]);
      expect(refusedThere.text, command).not.toMatch(/"success": true/);
      expect(refusedThere.text, command).toMatch(/404|"success": false/);
      expect(done.text, command).toMatch(/"success": true/);
    }
  });

  test('limits a body to 64 KiB unless it is signed, and a signed one to the limit of the plan', async () => {
    const plain = 'x'.repeat(UNSIGNED);
    const large = 'x'.repeat(LARGEST_BODY);
    const stream = { 'transfer-encoding': 'chunked' };
    const answers = await outsider([
      { body: plain },
      { body: chunked(plain), headers: stream },
      { body: `${plain}x` },
      { body: chunked(`${plain}x`), headers: stream },
      { body: large },
      { body: `${plain}x`, headers: { ...SIGNED, 'flwr-signature': '' } },
      { body: large, headers: SIGNED },
      { body: chunked(large), headers: { ...SIGNED, ...stream } },
      { body: `${large}x`, headers: SIGNED },
      { body: chunked(`${large}x`), headers: { ...SIGNED, ...stream } },
      { headers: { 'content-length': '99999999999999999999' } },
    ]);
    const statuses = answers.map(statusOf);
    expect(statuses.slice(2, 6)).toEqual([413, 413, 413, 413]);
    expect(statuses.slice(8)).toEqual([413, 413, 413]);
    for (const index of [0, 1, 6, 7]) expect([400, 401], String(index)).toContain(statuses[index]);
    const lines = launched.output().match(/^.*refused a request of.*$/gm) ?? [];
    expect(lines, 'one line for all').toHaveLength(1);
    expect(lines[0]).toMatch(/^<4>.*2001:db8:235::20 .*pull-messages, at least \d+ bytes\) with HTTP 413/);
    expect(lines[0]).toContain(`at most ${UNSIGNED} bytes are accepted; divide what is sent`);
  });

  test('shows the answer 413 to a client of Flower that still sends', async () => {
    const script = vm.file(
      'large.py',
      `import httpx, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
for _ in range(8):
    with httpx.Client(verify=context, timeout=30) as client:
        print(client.post(sys.argv[1], content=b"x" * 2**24, headers={"content-type": "application/protobuf"}).status_code)
`,
    );
    const url = `https://[${DUAL.v6}]:9092${FLEET}push-object`;
    const [program, ...words] = [...machines.only6, join(environment, 'bin/python'), '-I', script, url, ca];
    const { stdout, stderr } = await run(program!, words);
    expect(stdout, stderr).toBe('413\n'.repeat(8));
  });

  test('serves SuperNodes beside slow and endless connections, ends those without a request, and stops in time', async () => {
    const memory = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${launched.process.pid}/status`, 'utf8'))![1]);
    const before = memory();
    const linesBefore = launched.output().split('\n').length;
    const head = `POST ${FLEET}push-object HTTP/1.1\r\nhost: a\r\n`;
    const signed = Object.entries(SIGNED).map(([name, value]) => `${name}: ${value}\r\n`);
    const body = `${head}content-type: application/protobuf\r\n${signed.join('')}content-length: 900000\r\n\r\n`;
    const silent = { times: 100 };
    const trickle = { first: head, later: 'a', times: 50 };
    const endless = { first: `${head}x: ${'a'.repeat(16_000)}`, later: 'a'.repeat(16_000), times: 50 };
    const second = {
      first: `${bytesOf({ headers: { connection: 'keep-alive' } })}POST`,
      later: 'a',
      times: 10,
    };
    const slowBody = { first: body, later: 'a', times: 50 };
    const noTls = { first: 'GET / HTTP/1.1\r\n\r\n', tls: false, times: 20 };
    const kinds = [silent, trickle, endless, second, noTls];
    const held = outsiders(machines.only6, DUAL.v6, 9092, { hold: kinds });
    const bodies = outsiders(machines.only6, DUAL.v6, 9092, { hold: [slowBody] });
    // Each of these goes away in the middle of its body.
    const leaving = outsiders(machines.only6, DUAL.v6, 9092, { hold: [slowBody] });
    await Promise.all([held.line(0), bodies.line(0), leaving.line(0)]);
    leaving.stop();
    await leaving.line(1);

    node = new FlowerSetup(version, environment);
    const superlink = { host: DUAL.v6, port: 9092 };
    const plan = node.supernode({ loopback: '127.0.0.1', superlink, ca: caPem });
    const started = node.launch(plan, { prefix: machines.only6 });
    await node.phase(started, 'accepted', 60_000);

    const ended = JSON.parse(await held.line(1)) as [number, number][];
    expect(ended.map(([count]) => count)).toEqual(kinds.map(({ times }) => times));
    for (const [, seconds] of ended) expect(seconds).toBeLessThan(60);
    expect(memory() - before, 'KiB').toBeLessThan(100_000);
    expect(node.link()).toMatchObject({ phase: 'accepted' });
    expect(vm.link()).toMatchObject({ phase: 'serving' });
    const lines = launched.output().split('\n').slice(linesBefore);
    expect(lines.filter((line) => !/node|heartbeat/i.test(line)).length, lines.join('\n')).toBeLessThan(20);
    expect(lines.join('\n')).not.toContain('Traceback');

    // The bodies are still being sent.
    launched.process.kill('SIGTERM');
    expect(await launched.ended).toEqual({ code: 0, signal: null });
    expect(vm.link()).toMatchObject({ phase: 'ended', detail: 'stopped as requested' });
    bodies.stop();
  });
});

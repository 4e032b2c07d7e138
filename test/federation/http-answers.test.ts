// What a SuperNode does with each answer over HTTP: Flower 1.42 on both sides under the launcher, and between them a proxy that
// answers instead of the SuperLink. docs/facts.md, "http-answers".
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, AnsweringProxy } from '../support/answering-proxy.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';
import { FlowerSetup, type Launched, pki } from '../support/flower-setup.ts';
import { until } from '../support/zone/process.ts';

const VERSION = '1.42.0';
const REPOSITORY = join(import.meta.dirname, '../..');
const NET = '127.35.42';
const SUPERLINK = { host: `${NET}.1`, port: 9092 };
/** Flower spaces its tries by up to 20 s, and its heartbeats by 23 s. */
const NOTICED_MS = 40_000;
const BACK_MS = 60_000;

let environment = '';
const setups: FlowerSetup[] = [];
const proxies: AnsweringProxy[] = [];
let lastHost = 10;

const newSetup = (): FlowerSetup => {
  const made = new FlowerSetup(VERSION, environment);
  setups.push(made);
  return made;
};

beforeAll(async () => {
  environment = await flowerEnvironment(VERSION);
  const vm = newSetup();
  await vm.phase(vm.launch(vm.superlink({ loopback: SUPERLINK.host })), 'serving', 60_000);
}, FLOWER_ENV_TIMEOUT_MS);
afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
  for (const setup of setups.reverse()) await setup.clear();
});

interface Options {
  readonly silence?: number;
  readonly keys?: ReturnType<typeof pki> | null;
  readonly ca?: string | null;
  readonly argv?: readonly string[];
  readonly skew?: number;
  readonly first?: Answer;
  readonly superlink?: { host: string; port: number };
}

/** A SuperNode with a proxy of its own. `first`: the answer from its start on. */
async function node(options: Options = {}) {
  const host = `${NET}.${++lastHost}`;
  const keys = options.keys === undefined ? pki({ ip: [host] }) : options.keys;
  const proxy = new AnsweringProxy({ host, port: 9092 }, options.superlink ?? SUPERLINK);
  proxies.push(proxy);
  if (options.first !== undefined) proxy.force(options.first);
  await proxy.open(keys?.server ?? null);
  const vm = newSetup();
  const plan = vm.supernode({
    loopback: host,
    superlink: { host, port: 9092 },
    ca: options.ca === undefined ? (keys?.ca.certPem ?? null) : options.ca,
    ...(options.silence === undefined ? {} : { silence: options.silence }),
    keepalive: { time: 10, timeout: 5 },
  });
  const wanted = { ...plan, argv: [...plan.argv, ...(options.argv ?? [])] };
  const start = (): Launched =>
    vm.launch(
      wanted,
      options.skew === undefined
        ? {}
        : {
            script: join(REPOSITORY, 'test/support/skewed-launch.py'),
            env: {
              SKEW_SECONDS: String(options.skew),
              LAUNCHER: join(REPOSITORY, 'appliance/lib/flower-launch.py'),
            },
          },
    );
  return { host, proxy, keys, vm, start, launched: start() };
}
type Node = Awaited<ReturnType<typeof node>>;

const accepted = ({ vm, launched }: Pick<Node, 'vm' | 'launched'>) => vm.phase(launched, 'accepted', BACK_MS);

/** Waits until link.json names the cause. */
async function lost({ vm, launched }: Pick<Node, 'vm' | 'launched'>, cause: RegExp): Promise<void> {
  const seen = () => {
    const link = vm.link();
    return link?.phase === 'lost' && cause.test(link.detail);
  };
  await until(`the cause ${cause}`, seen, {
    timeoutMs: NOTICED_MS,
    detail: () => `${JSON.stringify(vm.link())}\n${launched.output()}`,
  });
}

async function ended({ vm, launched }: Pick<Node, 'vm' | 'launched'>, code: number, cause: RegExp) {
  const gone = await launched.ended;
  expect(vm.link()!.detail, launched.output()).toMatch(cause);
  expect(gone, launched.output()).toEqual({ code, signal: null });
}

const HTML = { type: 'text/html; charset=utf-8', body: '<html>sign in</html>' };
const JSON_TYPE = 'application/json';
const flowerError = (code: number, detail: string) => ({
  type: JSON_TYPE,
  body: JSON.stringify({ code, detail }),
});
const REFUSED = { status: 401, type: JSON_TYPE, body: '{"detail":"Invalid SuperNode authentication"}' };
const foreign = (text: string) => new RegExp(`answers, but not as a Fleet API \\(${text}\\)`);

type Row = readonly [name: string, answer: Answer | 'refused', cause: RegExp];

/** The node goes on by itself after each; the first of a group is there at the start of the node. */
const REPEATED: readonly (readonly Row[])[] = [
  [
    ['401 of another server', { status: 401, ...HTML }, foreign('HTTP 401, text/html')],
    [
      '401 of another FastAPI',
      { status: 401, type: JSON_TYPE, body: '{"detail":"Not authenticated"}' },
      foreign('HTTP 401, application/json'),
    ],
    ['403 of another server', { status: 403, ...HTML }, foreign('HTTP 403, text/html')],
    ['404', { status: 404, ...HTML }, foreign('HTTP 404, text/html')],
    ['refused connections', 'refused', /nothing listens at/],
  ],
  [
    ['500 of another server', { status: 500, ...HTML }, foreign('HTTP 500, text/html')],
    [
      "500 of Flower's",
      { status: 500, ...flowerError(1, 'it broke') },
      /answers with an error \(HTTP 500: it broke\)/,
    ],
    [
      '502',
      { status: 502, ...HTML },
      /answers HTTP 502, text\/html: .* a proxy on the path does not reach it/,
    ],
    ['503', { status: 503 }, /answers HTTP 503: the SuperLink is overloaded/],
    ['504', { status: 504 }, /answers HTTP 504: /],
  ],
  [
    ['200 with HTML', { status: 200, ...HTML }, foreign('HTTP 200, text/html')],
    ['200 with nothing', { status: 200 }, foreign('HTTP 200')],
    [
      '200 with bytes that are no message',
      { status: 200, type: 'application/protobuf', body: '<html>' },
      foreign('HTTP 200, application/protobuf'),
    ],
    [
      'a redirection to an address that does not answer',
      { status: 301, location: 'https://192.0.2.1/login' },
      foreign('HTTP 301, a redirection to https://192.0.2.1/login'),
    ],
    [
      'a temporary redirection',
      { status: 302, location: '/login' },
      foreign('HTTP 302, a redirection to /login'),
    ],
  ],
  [
    ['a TLS handshake that is cut', 'cut', /closed the connection|is not reachable/],
    ['a reset', 'reset', /closed the connection/],
    [
      "403 of Flower's while polling",
      { status: 403, ...flowerError(9, 'not now') },
      /error \(HTTP 403: not now\)/,
    ],
    [
      "404 of Flower's while polling",
      { status: 404, ...flowerError(4, 'no such run') },
      /error \(HTTP 404: no such/,
    ],
  ],
];

describe.concurrent('a SuperNode goes on by itself, in the same process, after', () => {
  it.each(REPEATED.map((rows) => [rows.map(([name]) => name).join(', '), rows] as const))(
    '%s',
    async (_names, rows) => {
      const made = await node({ first: rows[0]![1] as Answer });
      for (const [name, answer, cause] of rows) {
        if (answer === 'refused') await made.proxy.close();
        else made.proxy.force(answer);
        await lost(made, cause);
        if (answer === 'refused') await made.proxy.open(made.keys!.server);
        else made.proxy.pass();
        const back = await accepted(made);
        expect(back.pid, name).toBe(made.launched.process.pid);
      }
    },
  );
});

describe.concurrent('one wrong call', () => {
  it('of the heartbeat alone does not end its thread', async () => {
    const made = await node();
    await accepted(made);
    made.proxy.force({ status: 404, ...HTML }, '/send-node-heartbeat');
    await lost(made, foreign('HTTP 404, text/html'));
    made.proxy.pass();
    const beats = () => made.proxy.passed.filter((path) => path.endsWith('/send-node-heartbeat')).length;
    const before = beats();
    await until('another heartbeat', () => beats() > before, {
      timeoutMs: NOTICED_MS,
      detail: made.launched.output,
    });
    expect((await accepted(made)).pid).toBe(made.launched.process.pid);
  });

  it('of the heartbeat that ends its thread ends Flower with 75, and a new start is accepted', async () => {
    const made = await node();
    await accepted(made);
    made.proxy.force({ status: 200, type: 'application/protobuf' }, '/send-node-heartbeat');
    await ended(made, 75, /heartbeat thread ended .*does not recognize this SuperNode/);
    made.proxy.pass();
    await accepted({ ...made, launched: made.start() });
  });
});

describe.concurrent('a SuperNode ends with a status after which systemd starts it again, and is accepted then:', () => {
  it("401 of Flower's while polling: the record of the node is gone", async () => {
    const made = await node();
    await accepted(made);
    made.proxy.force(REFUSED);
    await ended(made, 75, /it has no record of this node any more/);
    made.proxy.pass();
    await accepted({ ...made, launched: made.start() });
  });

  it("401 of Flower's at the start, and a refusal with a code of Flower's", async () => {
    const made = await node({ first: REFUSED });
    await ended(made, 75, /it refuses this node/);
    made.proxy.force({ status: 403, ...flowerError(31, 'registration is disabled') });
    const again = { ...made, launched: made.start() };
    await ended(again, 1, /it refuses this node: HTTP 403 registration is disabled/);
  });

  it('another CA while polling, then at the start', async () => {
    const made = await node();
    await accepted(made);
    await made.proxy.close();
    await made.proxy.open(pki({ ip: [made.host] }).server);
    await ended(made, 75, /is not signed by the CA this node trusts/);
    const again = { ...made, launched: made.start() };
    await ended(again, 1, /is not signed by the CA this node trusts/);
    await made.proxy.close();
    await made.proxy.open(made.keys!.server);
    await accepted({ ...made, launched: made.start() });
  });

  it('a certificate that does not name the address', async () => {
    const made = await node({ keys: pki({ dns: ['elsewhere.example.org'] }) });
    await ended(made, 1, /does not name this address/);
  });

  it.each([30, -400])('a clock that is %i s ahead', async (skew) => {
    const made = await node({ skew });
    await ended(made, 75, /refuses this node's timestamps: the clock of this VM/);
  });

  it('a call without an answer', async () => {
    // The heartbeat has a limit of its own, and comes within 23 s.
    const made = await node({});
    await accepted(made);
    made.proxy.force('silent');
    await lost(made, /did not answer in time/);
    made.proxy.pass();
    await Promise.race([made.launched.ended, accepted(made)]);
    if (made.vm.link()?.phase !== 'accepted') await accepted({ ...made, launched: made.start() });
  });
});

describe.concurrent('TLS and plaintext', () => {
  it('TLS to a plaintext port is named, and repeated', async () => {
    const keys = pki({ ip: ['192.0.2.1'] });
    const made = await node({ keys: null, ca: keys.ca.certPem });
    await lost(made, /does not speak TLS, and this node does/);
  });

  it('plaintext to a TLS port is named, and repeated', async () => {
    const made = await node({ ca: null });
    await lost(made, /closes the connection on plaintext; it may require TLS/);
  });
});

describe.concurrent('FL_MAX_RETRIES', () => {
  it('ends with 69 after answers of another server', async () => {
    const made = await node({ first: { status: 404, ...HTML }, argv: ['--max-retries', '1'] });
    await ended(made, 69, /FL_MAX_RETRIES=1.*not as a Fleet API/);
  });

  it('does not count for a certificate, which Flower does not try again', async () => {
    const made = await node({ ca: pki({ ip: ['192.0.2.1'] }).ca.certPem, argv: ['--max-retries', '5'] });
    await ended(made, 1, /is not signed by the CA this node trusts/);
  });
});

describe.concurrent('the SuperLink itself', () => {
  it('is killed and comes back with its database, then with another one', async () => {
    const own = { host: `${NET}.2`, port: 9092 };
    const link = newSetup();
    const serve = async (database: string) => {
      const launched = link.launch(link.superlink({ loopback: own.host, database }));
      await link.phase(launched, 'serving', 60_000);
      return launched;
    };
    const first = await serve('state/state.db');
    const made = await node({ superlink: own });
    const before = await accepted(made);
    first.process.kill('SIGKILL');
    await lost(made, /closed the connection/);
    const second = await serve('state/state.db');
    const back = await accepted(made);
    expect([back.pid, back.node_id]).toEqual([before.pid, before.node_id]);
    second.process.kill('SIGKILL');
    await second.ended;
    await serve('state/other.db');
    await ended(made, 75, /it has no record of this node any more/);
    await accepted({ ...made, launched: made.start() });
  });
});

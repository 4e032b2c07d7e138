// The probes of the agent over HTTP against a SuperLink of Flower 1.42 under the launcher.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptsClock, probeEither, probeFleet } from '../../src/flower/probe.ts';
import { issueCa, issueServer } from '../../src/tls/issue.ts';
import { AnsweringProxy } from '../support/answering-proxy.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';
import { FlowerSetup, pki } from '../support/flower-setup.ts';
import { patience } from '../support/load.ts';

const NET = '127.35.43';
const [TLS, PLAIN, FRONT] = [`${NET}.1`, `${NET}.2`, `${NET}.3`];
const LIMIT_MS = patience(3_000);
const keys = pki({ ip: [TLS] });
const ca = keys.ca.certPem;
const setups: FlowerSetup[] = [];

beforeAll(async () => {
  const environment = await flowerEnvironment('1.42.0');
  const serve = async (loopback: string, tls: boolean) => {
    const vm = new FlowerSetup('1.42.0', environment);
    setups.push(vm);
    const own = vm.credentials('server', keys.server, ca);
    const plan = vm.superlink({ loopback, tls: tls ? { own, operator: null } : null });
    await vm.phase(vm.launch(plan), 'serving', 60_000);
  };
  await Promise.all([serve(TLS, true), serve(PLAIN, false)]);
}, FLOWER_ENV_TIMEOUT_MS);
afterAll(async () => {
  for (const setup of setups) await setup.clear();
});

const reasonOf = async (target: { host: string; port?: number; ca: string | null }): Promise<string> => {
  const result = await probeFleet({ port: 9092, ...target }, 'http', LIMIT_MS);
  return result.ok ? 'ok' : result.reason;
};

/** A server at FRONT for one test. */
async function inFront(
  server: Parameters<AnsweringProxy['open']>[0],
  test: (proxy: AnsweringProxy) => Promise<void>,
) {
  const proxy = new AnsweringProxy({ host: FRONT, port: 9092 }, { host: PLAIN, port: 9092 });
  await proxy.open(server);
  try {
    await test(proxy);
  } finally {
    await proxy.close();
  }
}

describe('a probe over HTTP', () => {
  it('recognizes the Fleet API with TLS and in plaintext, and its generation', async () => {
    expect(await reasonOf({ host: TLS, ca })).toBe('ok');
    expect(await reasonOf({ host: PLAIN, ca: null })).toBe('ok');
    expect(await probeEither({ host: TLS, port: 9092, ca }, LIMIT_MS)).toMatchObject({
      ok: true,
      transport: 'http',
    });
  });

  it('names a port where nothing listens, and is not answered by gRPC', async () => {
    expect(await reasonOf({ host: PLAIN, port: 9099, ca: null })).toMatch(/refuses the connection/);
    const grpc = await probeFleet({ host: TLS, port: 9092, ca }, 'grpc', LIMIT_MS);
    expect(grpc).toMatchObject({ ok: false });
  });

  it('names another CA, another name, an expired certificate and one that is not valid yet', async () => {
    expect(await reasonOf({ host: TLS, ca: pki({ ip: [TLS] }).ca.certPem })).toMatch(/not signed by the CA/);
    const other = issueServer({
      ca: keys.ca,
      names: { dns: ['other.example.org'], ip: [] },
      now: new Date(),
    });
    await inFront(other, async () =>
      expect(await reasonOf({ host: FRONT, ca })).toMatch(/does not name this address/),
    );
    for (const [year, reason] of [
      [2001, /has expired/],
      [2090, /not valid yet/],
    ] as const) {
      const now = new Date(Date.UTC(year, 0, 1));
      const ofThen = issueCa({ now, commonName: 'flower-context test CA' });
      const server = issueServer({ ca: ofThen, names: { dns: [], ip: [FRONT] }, now });
      await inFront(server, async () =>
        expect(await reasonOf({ host: FRONT, ca: ofThen.certPem })).toMatch(reason),
      );
    }
  });

  it('names TLS where plaintext is spoken, and plaintext where TLS is', async () => {
    expect(await reasonOf({ host: PLAIN, ca })).toBe('does not speak TLS');
    expect(await reasonOf({ host: TLS, ca: null })).toMatch(/it may require TLS/);
  });

  it.each([
    [{ status: 200, type: 'text/html', body: '<html>' }, /not Flower's Fleet API \(HTTP 200, text\/html\)/],
    [{ status: 401, type: 'text/html', body: '<html>' }, /not Flower's Fleet API \(HTTP 401, text\/html\)/],
    [
      { status: 401, type: 'application/json', body: '{"detail":"Not authenticated"}' },
      /HTTP 401, application/,
    ],
    [{ status: 302, location: 'https://192.0.2.1/' }, /HTTP 302/],
    [{ status: 404 }, /HTTP 404/],
    [{ status: 503 }, /HTTP 503/],
    ['reset', /closes the connection|cannot be reached/],
    ['silent', /does not answer/],
  ] as const)('names the answer %j', async (answer, reason) => {
    await inFront(null, async (proxy) => {
      proxy.force(answer);
      const result = await probeFleet(
        { host: FRONT, port: 9092, ca: null },
        'http',
        answer === 'silent' ? 500 : LIMIT_MS,
      );
      expect(result).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
    });
  });

  it('reads the clock of the SuperLink from its answer', async () => {
    const target = { host: TLS, port: 9092, ca };
    const accepts = (seconds: number) => acceptsClock(target, 'http', LIMIT_MS, Date.now() + seconds * 1_000);
    expect(await Promise.all([0, 3, -300].map(accepts))).toEqual([true, true, true]);
    expect(await Promise.all([7, -307, 42, -3_600].map(accepts))).toEqual([false, false, false, false]);
    expect(await acceptsClock({ ...target, port: 9099 }, 'http', LIMIT_MS, Date.now())).toBeUndefined();
  });
});

// Keepalive on real Flower, over a real path that goes silent: two network namespaces and a router that drops.
// KEEPALIVE=60/20 runs it with the appliance's defaults (`make test-keepalive`); 10/5 is enough to prove the rule.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepaliveOptions } from '../../src/flower/keepalive.ts';
import type { LaunchPlan } from '../../src/flower/plan.ts';
import { profileFor } from '../../src/flower/profiles.ts';
import { run } from '../../src/host/process.ts';
import { FLOWER_ENV_TIMEOUT_MS, flowerEnvironment } from '../support/flower-env.ts';
import { FlowerSetup, type Launched, pki } from '../support/flower-setup.ts';
import { patience } from '../support/load.ts';
import { makeSilentPath, noNamespaces } from '../support/netns/silent-path.ts';
import { until } from '../support/zone/process.ts';

const [time, timeout] = (process.env.KEEPALIVE ?? '10/5').split('/').map(Number) as [number, number];
const IDLE_SECONDS = Number(process.env.KEEPALIVE_IDLE ?? 5 * time);
/** gRPC checks its timers about once a second, later where the machine is busy. */
const SLACK_MS = 5_000;
const SETTINGS = { FL_GRPC_KEEPALIVE_TIME: time, FL_GRPC_KEEPALIVE_TIMEOUT: timeout };
const OPTIONS = keepaliveOptions(SETTINGS, 'grpc');
/** An idle SuperNode asks for messages this often over HTTP. */
const POLL_MS = 3_000;
/** The oldest Flower, too, with FLOWER_VERSIONS=all (`make test-all`). */
const VERSIONS =
  process.env.KEEPALIVE_VERSIONS?.split(' ') ??
  (process.env.FLOWER_VERSIONS === 'all' ? ['1.42.0', '1.40.0', '1.39.0', '1.31.0'] : ['1.42.0', '1.39.0']);
const [HTTP, GRPC] = (['http', 'grpc'] as const).map((transport) =>
  VERSIONS.filter((version) => profileFor(version).transport === transport),
) as [string[], string[]];
const WITHOUT = (plan: LaunchPlan): LaunchPlan => ({ ...plan, options: { server: [], client: [] } });

const refused = await noNamespaces();
if (refused !== undefined) console.warn(`keepalive tests are skipped: ${refused}`);

/** A SuperLink and a SuperNode, each on its own machine, and the path between them. */
async function federation(version: string, alter: (plan: LaunchPlan) => LaunchPlan = (plan) => plan) {
  const environment = await flowerEnvironment(version);
  const path = await makeSilentPath();
  const setups = [new FlowerSetup(version, environment), new FlowerSetup(version, environment)] as const;
  const [linkSetup, nodeSetup] = setups;
  const remove = async () => {
    for (const setup of setups) await setup.clear();
    await path.remove();
  };
  try {
    const keys = pki({ ip: [path.left.address, '127.0.0.1'] });
    const keepalive = { time, timeout };
    const superlink = { host: path.left.address, port: 9092 };
    const own = linkSetup.credentials('server', keys.server, keys.ca.certPem);
    const tls = { own, operator: null };
    const link = linkSetup.launch(
      alter(linkSetup.superlink({ loopback: '127.0.0.1', fleet: superlink, tls, keepalive })),
      { prefix: path.left.prefix },
    );
    await linkSetup.phase(link, 'serving', 60_000);
    const plan = nodeSetup.supernode({ loopback: '127.0.0.1', superlink, ca: keys.ca.certPem, keepalive });
    const node = nodeSetup.launch(alter(plan), { prefix: path.right.prefix });
    const accepted = await nodeSetup.phase(node, 'accepted', 60_000);
    return {
      path,
      linkSetup,
      nodeSetup,
      link,
      node,
      accepted,
      environment,
      ca: `${nodeSetup.root}/trusted.pem`,
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

type Federation = Awaited<ReturnType<typeof federation>>;

/** Flower says this once for each call that failed because the connection broke, and for no other failure. */
const broken = (node: Launched): boolean => node.output().includes('Connection attempt failed, retrying');

const seconds = (from: number): number => (performance.now() - from) / 1000;

describe.skipIf(refused !== undefined).each(GRPC)(
  `keepalive ${time} s / ${timeout} s with Flower %s`,
  (version) => {
    let fed: Federation;
    beforeAll(async () => {
      fed = await federation(version);
    }, FLOWER_ENV_TIMEOUT_MS);
    afterAll(() => fed?.remove());

    it('is in force in both running processes, over what Flower itself had set', () => {
      const server = new Map(fed.linkSetup.link()!.options.server);
      const client = new Map(fed.accepted.options.client);
      expect(Object.fromEntries(server)).toMatchObject(Object.fromEntries(OPTIONS.server));
      expect(Object.fromEntries(client)).toMatchObject(Object.fromEntries(OPTIONS.client));
    });

    it(`keeps one connection for ${IDLE_SECONDS} s, polled and idle, and the server never sends GOAWAY`, async () => {
      const before = await fed.path.connections(fed.path.right, 9092);
      expect(before).toHaveLength(1);
      expect(await idleClient(fed, IDLE_SECONDS)).toEqual({ answered: true, lost: false });
      expect(await fed.path.connections(fed.path.right, 9092)).toEqual(before);
      expect(fed.node.output()).not.toMatch(/GOAWAY|too_many_pings/);
      expect(fed.nodeSetup.link()).toMatchObject({ phase: 'accepted', since: fed.accepted.since });
    });

    // covers silent-path
    it(`notices a path that goes silent within ${time} + ${timeout} s on both sides, and reconnects`, async () => {
      const { path, node, nodeSetup, linkSetup, accepted } = fed;
      await path.cut();
      const cut = performance.now();
      const limit = { timeoutMs: (time + timeout) * 1000 + patience(SLACK_MS), exact: true };
      await Promise.all([
        until('the SuperNode to notice', () => broken(node), { ...limit, detail: node.output }),
        until(
          'the SuperLink to drop the connection',
          async () => {
            const left = await path.connections(path.left, 9092);
            return left.length === 0;
          },
          limit,
        ),
      ]);
      const noticed = seconds(cut);
      expect(node.output()).toContain(`the path to ${path.left.address}:9092 went silent`);
      expect(nodeSetup.link()).toMatchObject({ phase: 'lost', pid: accepted.pid });
      expect(linkSetup.link()).toMatchObject({ phase: 'serving' });

      await path.restore();
      const restored = performance.now();
      // Flower spaces its tries by up to 20 s, and a first SYN may have to be sent again.
      const back = await nodeSetup.phase(node, 'accepted', 60_000);
      console.info(
        `Flower ${version}: noticed after ${noticed.toFixed(1)} s, back ${seconds(restored).toFixed(1)} s after the path was`,
      );
      expect(back).toMatchObject({ node_id: accepted.node_id, pid: accepted.pid });
    });
  },
);

describe.skipIf(refused !== undefined).each(GRPC.slice(0, 1))('Flower %s without the options', (version) => {
  let fed: Federation;
  beforeAll(async () => {
    fed = await federation(version, WITHOUT);
  }, FLOWER_ENV_TIMEOUT_MS);
  afterAll(() => fed?.remove());

  it('sends GOAWAY to a client that pings like this', async () => {
    expect(await idleClient(fed, IDLE_SECONDS)).toEqual({ answered: true, lost: true });
  });

  it('leaves a SuperNode waiting on a silent path for twice the time and more', async () => {
    await fed.path.cut();
    await sleep(2 * (time + timeout) * 1000);
    expect(broken(fed.node)).toBe(false);
    // The SuperLink may notice: Flower gives its servers a keepalive of 210 s. SuperNodes have none.
    expect(await fed.path.connections(fed.path.right, 9092)).toHaveLength(1);
  });
});

describe.skipIf(refused !== undefined).each(HTTP)(
  `keepalive ${time} s / ${timeout} s over HTTP with Flower %s`,
  (version) => {
    let fed: Federation;
    beforeAll(async () => {
      fed = await federation(version);
    }, FLOWER_ENV_TIMEOUT_MS);
    afterAll(() => fed?.remove());

    it('is in force on the listener and on the live connection', () => {
      const { server, client } = keepaliveOptions(SETTINGS, 'http');
      expect(fed.linkSetup.link()!.options.server).toEqual(server);
      expect(fed.accepted.options.client).toEqual(client);
    });

    it(`is accepted without a break for ${IDLE_SECONDS} s without work`, async () => {
      await sleep(IDLE_SECONDS * 1000);
      expect(broken(fed.node), fed.node.output()).toBe(false);
      expect(fed.nodeSetup.link()).toMatchObject({ phase: 'accepted', since: fed.accepted.since });
    });

    it(`ends a request into a cut path within ${timeout} s, and is accepted again by itself`, async () => {
      const { path, node, nodeSetup, accepted } = fed;
      await path.cut();
      const cut = performance.now();
      await until('the phase lost', () => nodeSetup.link()?.phase === 'lost', {
        timeoutMs: POLL_MS + timeout * 1000 + patience(SLACK_MS),
        exact: true,
        detail: node.output,
      });
      const noticed = seconds(cut);
      expect(nodeSetup.link()).toMatchObject({ pid: accepted.pid, detail: expect.stringMatching(/./) });
      await path.restore();
      const back = await nodeSetup.phase(node, 'accepted', 60_000);
      expect(back).toMatchObject({ node_id: accepted.node_id, pid: accepted.pid });
      console.info(`Flower ${version}: lost after ${noticed.toFixed(1)} s`);
    });

    it(`ends a call that is pending, and an upload whose client is gone, within ${time} + ${timeout} s`, async () => {
      const { path, node, nodeSetup, accepted } = fed;
      await cutWhilePending(fed);
      const cut = performance.now();
      const limit = { timeoutMs: (time + timeout) * 1000 + patience(SLACK_MS), exact: true };
      await Promise.all(
        [path.left, path.right].map((machine) =>
          until(
            `no connection on ${machine.address}`,
            async () => (await path.connections(machine, 9092)).length === 0,
            { ...limit, detail: node.output },
          ),
        ),
      );
      console.info(
        `Flower ${version}: a pending call and an upload ended after ${seconds(cut).toFixed(1)} s`,
      );
      expect(nodeSetup.link()).toMatchObject({ phase: 'lost', pid: accepted.pid });
      await path.restore();
      expect(await nodeSetup.phase(node, 'accepted', 60_000)).toMatchObject({ pid: accepted.pid });
    });
  },
);

describe.skipIf(refused !== undefined).each(HTTP.slice(0, 1))(
  'Flower %s over HTTP without the options',
  (version) => {
    let fed: Federation;
    beforeAll(async () => {
      fed = await federation(version, WITHOUT);
    }, FLOWER_ENV_TIMEOUT_MS);
    afterAll(() => fed?.remove());

    it('keeps a pending call, and the upload of a client that is gone, for twice the time and more', async () => {
      const { path } = fed;
      const upload = await cutWhilePending(fed);
      await sleep(2 * (time + timeout) * 1000);
      expect(await path.connections(path.right, 9092)).not.toHaveLength(0);
      expect(await path.connections(path.left, 9092)).toContain(`${path.left.address}:9092`);
      expect(upload.output()).not.toContain('answered');
    });
  },
);

/**
 * Cuts the path while a client is in the middle of an upload, and while a call of the SuperNode has reached the SuperLink's kernel
 * and waits for its answer. The upload's process ends with the machines.
 */
async function cutWhilePending({ path, link, environment, ca }: Federation) {
  const [command, ...words] = path.right.prefix;
  const script = fileURLToPath(new URL('../support/netns/vanishing-upload.py', import.meta.url));
  const python = join(environment, 'bin/python');
  const upload = spawn(command!, [...words, python, script, path.left.address, '9092', ca]);
  let text = '';
  for (const stream of [upload.stdout, upload.stderr]) stream.on('data', (chunk) => (text += chunk));
  const output = () => text;
  const port = await until('the upload to begin', () => /^\d+$/m.exec(text)?.[0], { detail: output });
  process.kill(link.process.pid!, 'SIGSTOP');
  try {
    await until(
      'a call that waits',
      async () => {
        const filter = ['state', 'established', 'sport = :9092'];
        const { stdout } = await run(path.left.prefix[0]!, [
          ...path.left.prefix.slice(1),
          'ss',
          '-tnH',
          ...filter,
        ]);
        return stdout
          .split('\n')
          .some((line) => Number(line.trim().split(/\s+/)[0]) > 0 && !line.includes(`:${port}`));
      },
      { timeoutMs: 30_000 },
    );
    await path.cut();
    // It vanishes: what its kernel would send at its end is dropped.
    upload.kill('SIGKILL');
  } finally {
    process.kill(link.process.pid!, 'SIGCONT');
  }
  return { output };
}

/**
 * A connection from the SuperNode's machine with the client's options that makes one call and is then left alone, so
 * that only keepalive pings are on it. `lost`: it did not stay up.
 */
async function idleClient(
  fed: Federation,
  forSeconds: number,
): Promise<{ answered: boolean; lost: boolean }> {
  const [command, ...words] = fed.path.right.prefix;
  const script = fileURLToPath(new URL('../support/netns/idle-client.py', import.meta.url));
  const { stdout, stderr } = await run(
    command!,
    [
      ...words,
      join(fed.environment, 'bin/python'),
      script,
      `${fed.path.left.address}:9092`,
      fed.ca,
      String(forSeconds),
      JSON.stringify(OPTIONS.client),
    ],
    { timeoutMs: (forSeconds + 60) * 1000 },
  );
  const states = stdout.split('\n').filter(Boolean);
  expect(states.at(-1), stderr).toBe('done');
  const afterReady = states.slice(states.indexOf('READY') + 1);
  return {
    answered: states.includes('answered UNAUTHENTICATED'),
    lost: afterReady.some((state) => ['IDLE', 'CONNECTING', 'TRANSIENT_FAILURE'].includes(state)),
  };
}

// What happens to Flower while a ClientApp trains does not end it: the path to the SuperLink is cut, however long; SuperExec is
// killed. Two network namespaces and a router that drops. CUT_SECONDS=600 is ten minutes at the defaults of the appliance (`make test-keepalive`).
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CONNECTION, connectionToml, flwrEnvironment } from '../../src/flower/flwr.ts';
import type { LaunchPlan } from '../../src/flower/plan.ts';
import { run } from '../../src/host/process.ts';
import { flowerEnvironment } from '../support/flower-env.ts';
import { FlowerSetup, pki } from '../support/flower-setup.ts';
import { patience } from '../support/load.ts';
import { makeSilentPath, noNamespaces, type SilentPath } from '../support/netns/silent-path.ts';
import { until } from '../support/zone/process.ts';
import { waitingApp } from '../support/zone/waiting-app.ts';

const CUT_SECONDS = Number(process.env.CUT_SECONDS ?? 40);
/** Less than the cut, so that each limit is reached. The long test has those of the appliance. */
const LONG = CUT_SECONDS >= 600;
const KEEPALIVE = LONG ? { time: 60, timeout: 20 } : { time: 6, timeout: 3 };
const SILENCE = LONG ? undefined : 30;
/** The KiB of an update on a slow line, to try another size. */
const SLOW = process.env.SLOW_KIB;
const VERSIONS =
  process.env.FLOWER_VERSIONS === 'all' ? ['1.42.0', '1.39.0', '1.31.0'] : ['1.42.0', '1.39.0'];
const WAIT = { timeoutMs: 90_000, everyMs: 200 };

const refused = await noNamespaces();
if (refused !== undefined) console.warn(`the test of a cut path is skipped: ${refused}`);

const toEnd: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).reverse()) await end();
});

const withLimit = (plan: LaunchPlan): LaunchPlan =>
  SILENCE === undefined ? plan : { ...plan, silence_seconds: SILENCE };

/** A SuperLink and a SuperNode, each on its own machine, and a run of one round whose ClientApp trains until `app.finish()`. */
async function training(version: string, kibOfReply = 0) {
  const environment = await flowerEnvironment(version);
  const path = await makeSilentPath();
  toEnd.push(() => path.remove());
  const [linkSetup, nodeSetup] = [
    new FlowerSetup(version, environment),
    new FlowerSetup(version, environment),
  ];
  toEnd.push(
    () => linkSetup.clear(),
    () => nodeSetup.clear(),
  );

  const keys = pki({ ip: [path.left.address, '127.0.0.1'] });
  const superlink = { host: path.left.address, port: 9092 };
  const own = linkSetup.credentials('server', keys.server, keys.ca.certPem);
  const facts = { loopback: '127.0.0.1', keepalive: KEEPALIVE };
  const linkPlan = linkSetup.superlink({ ...facts, fleet: superlink, tls: { own, operator: null } });
  const link = linkSetup.launch(withLimit(linkPlan), { prefix: path.left.prefix });
  await linkSetup.phase(link, 'serving', 60_000);
  const nodePlan = nodeSetup.supernode({ ...facts, superlink, ca: keys.ca.certPem });
  const node = nodeSetup.launch(withLimit(nodePlan), { prefix: path.right.prefix });
  const { pid } = await nodeSetup.phase(node, 'accepted', 60_000);

  const app = waitingApp(nodeSetup.root, kibOfReply);
  const output = submit(linkSetup, { environment, path, app: app.folder, ca: own.ca });
  const detail = () => `${node.output()}\n${output()}\n${JSON.stringify(nodeSetup.link())}`;
  const trainer = await until('the ClientApp to train', app.trainer, { ...WAIT, detail });
  const record = await until(
    'the record of its message',
    () => nodeSetup.link()?.messages?.open === 1 && nodeSetup.link(),
    { ...WAIT, detail },
  );
  return { path, linkSetup, nodeSetup, link, node, pid, app, output, detail, trainer, record };
}

describe.skipIf(refused !== undefined).each(VERSIONS)('while a ClientApp of Flower %s trains', (version) => {
  it(`the path is cut for ${CUT_SECONDS} s: the same Flower and the same ClientApp go on`, async () => {
    const { path, linkSetup, nodeSetup, node, pid, app, detail, trainer, record } = await training(version);
    expect(Date.now() - Date.parse(record.messages!.last_at!)).toBeLessThan(patience(WAIT.timeoutMs));

    await path.cut();
    const cut = Date.now();
    await nodeSetup.phase(node, 'lost', 120_000);
    await until(
      'calls until the end of the cut',
      () => Date.parse(nodeSetup.link()!.answered_at!) - cut > CUT_SECONDS * 1_000,
      { timeoutMs: CUT_SECONDS * 1_000 + 60_000, everyMs: 500, detail },
    );
    expect(nodeSetup.link()).toMatchObject({ phase: 'lost', pid, messages: record.messages });
    expect(app.trainer(), detail()).toBe(trainer);
    expect(linkSetup.link(), 'the SuperLink answers itself').toMatchObject({ phase: 'serving' });

    await path.restore();
    const back = await nodeSetup.phase(node, 'accepted', 90_000);
    expect(back.pid).toBe(pid);
    expect(app.trainer(), detail()).toBe(trainer);
    app.finish();
    await until('the message to be answered', () => nodeSetup.link()?.messages?.open === 0, {
      ...WAIT,
      detail,
    });
    expect(nodeSetup.link()).toMatchObject({ phase: 'accepted', pid });
    expect(node.output()).toMatch(/Sent successfully|is not in `RUNNING` status|Failed to send/);
  });

  // One object of Flower is one request over HTTP, and without the launcher each has 30 s.
  it.skipIf(!LONG && SLOW === undefined)(
    'a line of 700 kbit/s carries 5 MiB, and the node stays online',
    async () => {
      const kib = Number(SLOW ?? 5 * 1024);
      const { path, nodeSetup, node, app, output, detail } = await training(version, kib);
      const phases = new Set<string>();
      const words = [
        'tc',
        'qdisc',
        'add',
        'dev',
        'eth0',
        'root',
        'tbf',
        'rate',
        '700kbit',
        'burst',
        '32kbit',
      ];
      const [program, ...before] = path.right.prefix;
      const { code, stderr } = await run(program!, [...before, ...words, 'latency', '400ms']);
      expect(code, stderr).toBe(0);
      app.finish();
      const began = performance.now();
      await until(
        'the update to arrive',
        () => {
          phases.add(nodeSetup.link()?.phase ?? 'unknown');
          return output().includes('aggregate_train: Received 1 results and 0 failures');
        },
        { timeoutMs: 300_000, everyMs: 200, detail },
      );
      const took = (performance.now() - began) / 1000;
      console.info(`Flower ${version}: ${kib} KiB in ${took.toFixed(1)} s; phases ${[...phases].join(' ')}`);
      expect(took, 'more than a request without the launcher has').toBeGreaterThan(30);
      expect([...phases], node.output()).toEqual(['accepted']);
    },
  );

  it.skipIf(LONG)('SuperExec is killed on both roles: the run goes on to its end', async () => {
    const { link, node, app, output, detail, trainer } = await training(version);
    for (const { process: launcher } of [link, node])
      process.kill(await childOf(launcher.pid!, 'flower-superexec'), 'SIGKILL');
    for (const launched of [link, node])
      await until('another SuperExec', () => launched.output().includes('started another one'), {
        ...WAIT,
        detail,
      });
    expect(app.trainer(), detail()).toBe(trainer);
    app.finish();
    // The evaluation is the work of the other SuperExec.
    for (const phase of ['train', 'evaluate'])
      await until(phase, () => output().includes(`aggregate_${phase}: Received 1 results and 0 failures`), {
        ...WAIT,
        detail,
      });
  });
});

/** The living child of a process whose command line has this word. */
const childOf = (pid: number, word: string): Promise<number> =>
  until(word, () =>
    readdirSync(`/proc/${pid}/task`)
      .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '))
      .filter((child) => child !== '' && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(word))
      .map(Number)
      .at(0),
  );

/** Starts the run with Flower's command, on the machine of the SuperLink. Returns what it has printed. */
function submit(
  link: FlowerSetup,
  { environment, path, app, ca }: { environment: string; path: SilentPath; app: string; ca: string },
): () => string {
  const home = join(link.root, 'operator');
  mkdirSync(home);
  writeFileSync(
    join(home, 'config.toml'),
    connectionToml({ host: '127.0.0.1', port: 9093 }, ca, '127.0.0.1'),
  );
  const one = ['num-server-rounds', 'min-fit-clients', 'min-evaluate-clients', 'min-available-clients'];
  const [program, ...words] = path.left.prefix;
  const child = spawn(
    program!,
    [
      ...words,
      join(environment, 'bin/flwr'),
      'run',
      app,
      CONNECTION,
      '--stream',
      '--run-config',
      one.map((key) => `${key}=1`).join(' '),
    ],
    {
      cwd: home,
      env: flwrEnvironment({ environment, flwrHome: home }),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  toEnd.push(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  return () => text;
}

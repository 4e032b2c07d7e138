// `make bench`: what the agent costs, in medians of whole processes, beside bare Flower and the shell way, measured
// alternately in one run because the machine's speed drifts.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { Zone } from '../support/onegate/index.ts';
import { Federation } from '../support/zone/federation.ts';
import { endWith, run, until } from '../support/zone/process.ts';
import { REPOSITORY, type Vm } from '../support/zone/vm.ts';
import { median, range } from './statistics.ts';

const RUNS = Number(process.env['RUNS'] ?? 10);
const NET = '127.38';
/** `make bench FLOWER=...` installs another one. */
const VERSION = process.env['FLOWER'] || BAKED_FLOWER;
const BIN = join(REPOSITORY, `.cache/envs/${VERSION}-none/bin`);

const samples = new Map<string, number[]>();
const sample = (name: string, value: number): void => {
  samples.set(name, [...(samples.get(name) ?? []), value]);
};

const BOOTED_AT = Date.now() - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000;

/** When a process of a unit was started, in ms since 1970, to the 10 ms that the kernel counts in. */
async function startOf(vm: Vm, unit: string): Promise<number> {
  const { ExecMainPID } = await vm.unit(unit);
  const fields = readFileSync(`/proc/${ExecMainPID}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return BOOTED_AT + Number(fields[19]) * 10;
}

/** VMs have processors of their own: what one of them is still doing must not slow down the next one's start. */
async function untilQuiet(): Promise<void> {
  const times = (): [idle: number, all: number] => {
    const fields = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/\s+/).slice(1, 9).map(Number);
    return [fields[3]! + fields[4]!, fields.reduce((sum, field) => sum + field, 0)];
  };
  let before = times();
  await until(
    'the machine to be quiet',
    () => {
      const [idle, all] = times();
      const quiet = (idle - before[0]) / (all - before[1]) > 0.93;
      before = [idle, all];
      return quiet;
    },
    { everyMs: 250, timeoutMs: 60_000 },
  );
}

const linkSince = (vm: Vm): number => Date.parse(vm.flowerLink()!.since);

/** A whole federation by the agent: SuperLink first, one SuperNode when the gate opens. */
async function withAgent(dir: string, runs: string | undefined): Promise<void> {
  const federation = new Federation({
    dir,
    runs,
    net: NET,
    supernodes: 1,
    flower: { version: VERSION },
    prepare: untilQuiet,
  });
  try {
    await federation.up();
    const { superlink, supernodes, zone } = federation;
    const node = supernodes[0]!;
    const published = (vm: Vm, name: string): number => {
      const id = federation.seenBy(vm).id;
      const record = zone.log.find(({ vm: from, attributes }) => from === id && attributes[name] === 'YES');
      return record!.at + record!.ms!;
    };
    const started = (vm: Vm): Promise<number> => startOf(vm, 'flower-context');
    // Flower's interpreter is up as soon as the agent is: Flower is launched when it has the plan.
    const handedOver = (vm: Vm): number => statSync(vm.at('run/flower-context/plan.json')).mtimeMs;
    const readyAt = published(superlink, 'FL_READY');
    sample('SuperLink: start to the plan handed over', handedOver(superlink) - (await started(superlink)));
    sample('SuperLink: Flower listening to published', readyAt - linkSince(superlink));
    sample('SuperLink: start to published', readyAt - (await started(superlink)));
    sample('SuperNode: start to the plan handed over', handedOver(node) - (await started(node)));
    sample('SuperNode: start to accepted', linkSince(node) - (await started(node)));
    for (const vm of [superlink, node]) {
      const { ExecMainPID } = await vm.unit('flower-context');
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${ExecMainPID}/status`, 'utf8'))![1];
      sample(
        `${vm.spec.role === 'superlink' ? 'SuperLink' : 'SuperNode'}: memory of the agent when idle (MiB)`,
        Number(rss) / 1024,
      );
    }
    await bare(superlink, dir);
  } finally {
    await federation.stop();
  }
}

/** Flower alone with the same arguments: until it listens, until it is accepted. */
async function bare(superlink: Vm, dir: string): Promise<void> {
  await superlink.shutdown();
  const plan = JSON.parse(readFileSync(superlink.at('run/flower-context/plan.json'), 'utf8')) as {
    argv: string[];
    environment: Record<string, string>;
    fleet: { listen: string };
  };
  const env = { ...plan.environment, HOME: dir, FLWR_HOME: join(dir, 'bare') };
  const [host, port] = plan.fleet.listen.split(':') as [string, string];
  // A database of its own: with an existing one Flower would not create the tables.
  const argv = plan.argv.with(plan.argv.indexOf('--database') + 1, join(dir, 'bare.db'));
  await untilQuiet();
  const began = performance.now();
  const server = spawn(join(BIN, 'flower-superlink'), argv, { env, stdio: 'ignore' });
  try {
    await until('bare Flower to listen', () => accepts(host, Number(port)), { everyMs: 5 });
    sample('bare flower-superlink until it listens', performance.now() - began);
    const ca = plan.argv[plan.argv.indexOf('--ssl-ca-certfile') + 1]!;
    const args = [
      '--superlink',
      plan.fleet.listen,
      '--root-certificates',
      ca,
      '--host',
      `${NET}.9.1`,
      '--port',
      '9094',
    ];
    await untilQuiet();
    const from = performance.now();
    const node = spawn(join(BIN, 'flower-supernode'), args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [node.stdout, node.stderr])
      stream.on('data', (data) => {
        said += data;
      });
    try {
      await until('bare Flower to be accepted', () => /SuperNode ID/.test(said), {
        everyMs: 5,
        detail: () => said,
      });
      sample('bare flower-supernode until accepted', performance.now() - from);
    } finally {
      await endWith(node, 'SIGTERM');
    }
  } finally {
    await endWith(server, 'SIGTERM');
  }
}

const accepts = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });

/** What the usual script does for the same: RSA-4096 with openssl, and one process per published attribute. */
async function shellWay(dir: string): Promise<void> {
  const key = (name: string): string => join(dir, name);
  const certificates = [
    `openssl req -x509 -newkey rsa:4096 -nodes -keyout ${key('ca.key')} -out ${key('ca.pem')} -days 3650 -subj /CN=ca`,
    `openssl req -newkey rsa:4096 -nodes -keyout ${key('s.key')} -out ${key('s.csr')} -subj /CN=s -addext subjectAltName=IP:10.0.0.5`,
    `openssl x509 -req -in ${key('s.csr')} -CA ${key('ca.pem')} -CAkey ${key('ca.key')} -CAcreateserial -out ${key('s.pem')} -days 365`,
  ];
  sample('shell: CA and server certificate (openssl, RSA-4096)', await timed(certificates.join(' && ')));
  const zone = await new Zone({ address: '127.39.0.1' }).start();
  try {
    const { id, token } = zone.addVm();
    const put = (n: number): string =>
      `curl -sf -o /dev/null -X PUT ${zone.endpoint}/vm -H 'X-ONEGATE-TOKEN: ${token}' -H 'X-ONEGATE-VMID: ${id}' -d data=A${n}%3Dx -d type=1`;
    sample(
      'shell: seven attributes, one process each (curl)',
      await timed([1, 2, 3, 4, 5, 6, 7].map(put).join(' && ')),
    );
  } finally {
    await zone.stop();
  }
}

const CERTIFICATES = `
const mark = (since) => { const { user, system } = process.cpuUsage(since?.cpu); return { wall: performance.now() - (since?.wall ?? 0), cpu: (user + system) / 1000 }; };
const start = { wall: performance.now(), cpu: process.cpuUsage() };
const load = async () => ({ ...(await import('./src/tls/issue.ts')), ...(await import('./src/tls/names.ts')) });
load().then(({ issueCa, issueServer, subjectNames }) => {
  const loaded = mark(start);
  const now = new Date();
  const ca = issueCa({ now, commonName: 'flower-context CA' });
  issueServer({ ca, now, names: subjectNames({ addresses: ['10.0.0.5', 'fd00::5'], hostNames: ['superlink.example.org'] }) });
  console.log(JSON.stringify({ loaded, made: mark(start) }));
});
`;

/** What the agent does for its certificates, alone: its code bundled, in a fresh process. */
async function certificates(dir: string): Promise<void> {
  const outfile = join(dir, 'certificates.cjs');
  await build({
    stdin: { contents: CERTIFICATES, resolveDir: REPOSITORY, loader: 'js' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    outfile,
    logLevel: 'error',
  });
  await untilQuiet();
  const { code, stdout, stderr } = await run(process.execPath, [outfile]);
  if (code !== 0) throw new Error(stderr);
  const { loaded, made } = JSON.parse(stdout) as Record<'loaded' | 'made', { wall: number; cpu: number }>;
  sample('certificates: loading the code', loaded.wall);
  sample('certificates: loading it, CA and server certificate made', made.wall);
  sample('certificates: the same, time of the processor', made.cpu);
  sample('certificates: bytes of code', statSync(outfile).size);
}

async function timed(script: string): Promise<number> {
  const began = performance.now();
  const { code, stderr } = await run('/bin/sh', ['-c', script]);
  if (code !== 0) throw new Error(stderr);
  return performance.now() - began;
}

const LIMITS: Record<string, number> = {
  'SuperLink: start to the plan handed over': 250,
  'SuperLink: Flower listening to published': 150,
  'SuperNode: start to the plan handed over': 200,
  'certificates: the same, time of the processor': 40,
  'SuperLink: memory of the agent when idle (MiB)': 64,
  'SuperNode: memory of the agent when idle (MiB)': 64,
};

function report(): void {
  const value = (name: string): number => median(samples.get(name) ?? []);
  process.stdout.write(`\nmedians of ${RUNS} runs, milliseconds unless said otherwise\n\n`);
  for (const [name, values] of samples) {
    const limit = LIMITS[name];
    const verdict =
      limit === undefined ? '' : `  wanted: at most ${limit}${value(name) <= limit ? '' : '  MISSED'}`;
    process.stdout.write(
      `${name.padEnd(58)} ${value(name).toFixed(0).padStart(7)}  (${range(values)})${verdict}\n`,
    );
  }
  const ratio = (name: string, over: string, limit: number): void => {
    const found = value(name) / value(over);
    process.stdout.write(
      `${`${name} / ${over}`.padEnd(78)} ${found.toFixed(2)}  wanted: at most ${limit}${found <= limit ? '' : '  MISSED'}\n`,
    );
  };
  process.stdout.write('\n');
  ratio('SuperLink: start to published', 'bare flower-superlink until it listens', 1.2);
  ratio('SuperNode: start to accepted', 'bare flower-supernode until accepted', 1.2);
}

const dir = mkdtempSync(join(tmpdir(), 'flower-bench-'));
// On a machine /run is in memory, and the rest on a disk.
const memory = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/flower-bench-') : undefined;
try {
  for (let at = 0; at < RUNS; at++) {
    const folder = join(dir, String(at));
    mkdirSync(folder);
    await withAgent(folder, memory);
    await certificates(folder);
    await shellWay(folder);
    process.stdout.write(process.stdout.isTTY ? `\r${at + 1} of ${RUNS}` : `${at + 1} of ${RUNS}\n`);
  }
  report();
} finally {
  for (const made of [dir, memory]) if (made !== undefined) rmSync(made, { recursive: true, force: true });
}

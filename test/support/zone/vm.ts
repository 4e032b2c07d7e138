// One VM of the zone: a folder that the agent takes for the whole machine, and a service manager for its units.
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { type FlowerState, parseFlowerState } from '../../../src/flower/state-file.ts';
import type { Status } from '../../../src/report/status.ts';
import { HOST_FILE, type HostFacts } from '../agent/host.ts';
import { type Context, renderContextSh, renderOneEnv } from './context.ts';
import { type FakeOrder, fakeEnvironment } from './fake-flwr.ts';
import { endWith, type Outcome, run, startSupervisor, until } from './process.ts';

export const REPOSITORY = resolve(import.meta.dirname, '../../..');
export const NODE = join(REPOSITORY, 'node_modules/.bin/node');
/** The agent as it is shipped. */
export const SHIPPED = join(REPOSITORY, 'dist/flower-context.cjs');
/** The agent on a host that is a folder (test/support/agent). FLOWER_CONTEXT_AGENT: another build of it. */
export const AGENT = process.env.FLOWER_CONTEXT_AGENT ?? join(REPOSITORY, '.cache/test-agent.cjs');
const POCKET = join(REPOSITORY, 'test/support/pocket-systemd.py');
const SUPPORT = import.meta.dirname;

export interface VmSpec {
  /** Becomes the VM's root folder. */
  readonly dir: string;
  readonly role: 'superlink' | 'supernode';
  /** All variables of its CONTEXT, as oned would write them. */
  readonly context: Context;
  /** The OneGate token; undefined: a VM without TOKEN=YES. */
  readonly token?: string | undefined;
  /** Where its local-only listeners are, instead of 127.0.0.1. Each VM of a zone has its own. */
  readonly loopback: string;
  /** What is free on its disk, in MB; undefined: what is free on this computer's. */
  readonly freeMb?: number | undefined;
  /** What is baked: real Flower from .cache/envs, or the fake one that is quick (fake-flwr.ts), which does as `order` says. */
  readonly flower?: {
    readonly version?: string;
    readonly framework?: string;
    readonly fake?: boolean;
    readonly order?: FakeOrder;
  };
  /** Environment of all its units. */
  readonly env?: Readonly<Record<string, string>>;
  /** Drop-ins by unit, e.g. { 'flower-supernode': '[Service]\nRestartSec=1' }. */
  readonly dropIns?: Readonly<Record<string, string>>;
  /** A folder in memory that becomes /run, as it is on a machine; undefined: /run is on the disk like the rest. */
  readonly run?: string | undefined;
}

export interface JournalLine {
  readonly at: Date;
  readonly priority: number;
  readonly name: string;
  readonly message: string;
}

export class Vm {
  readonly spec: VmSpec;
  readonly root: string;
  private context: Context;
  private supervisor: ChildProcess | undefined;
  /** The boot that runs, if one does: the end of the VM waits for it. */
  private booting: Promise<void> = Promise.resolve();

  constructor(spec: VmSpec) {
    this.spec = spec;
    this.root = resolve(spec.dir);
    this.context = spec.context;
    this.install();
  }

  at(path: string): string {
    return join(this.root, path);
  }

  get pid(): number | undefined {
    return this.supervisor?.pid;
  }

  /** Powers the VM on: an empty /run, the CONTEXT of one-context, then the enabled units. */
  boot(): Promise<void> {
    this.booting = this.powerOn();
    return this.booting;
  }

  private async powerOn(): Promise<void> {
    rmSync(this.at('run'), { recursive: true, force: true });
    if (this.spec.run !== undefined) {
      rmSync(this.spec.run, { recursive: true, force: true });
      mkdirSync(this.spec.run, { recursive: true });
      symlinkSync(this.spec.run, this.at('run'));
    }
    this.writeHost();
    mkdirSync(this.at('run/flower-context'), { recursive: true });
    this.writeContext();
    const units = ['--start', 'flower-context', '--start', 'one-context'];
    const environment = Object.entries(this.spec.env ?? {}).flatMap(([name, value]) => [
      '--env',
      `${name}=${value}`,
    ]);
    const args = [
      '--root',
      this.root,
      '--listen',
      this.spec.loopback,
      ...units,
      ...environment,
      '--lifeline',
    ];
    this.supervisor = await startSupervisor(POCKET, args);
  }

  /** Shuts down as a VM does: SIGTERM to everything, then SIGKILL. */
  async shutdown(): Promise<void> {
    await this.booting.catch(() => undefined);
    if (this.supervisor !== undefined) await endWith(this.supervisor, 'SIGTERM');
    this.supervisor = undefined;
  }

  /** Pulls the plug: SIGKILL to everything at once. */
  async powerCut(): Promise<void> {
    await this.booting.catch(() => undefined);
    if (this.supervisor !== undefined) await endWith(this.supervisor, 'SIGUSR1');
    this.supervisor = undefined;
  }

  /** one-context leaves a changed CONTEXT; the agent gets no signal. */
  leaveContext(changes: Context): void {
    this.context = { ...this.context, ...changes };
    this.writeContext();
  }

  /** `onevm disk-resize`, and a file system that grows with the disk. */
  growDisk(freeMb: number): void {
    this.writeHost(freeMb);
  }

  /** `onevm updateconf`: one-context leaves the changed CONTEXT, and its hook starts an agent that has ended. */
  async recontextualize(changes: Context): Promise<void> {
    this.leaveContext(changes);
    await this.systemctl('start', '--no-block', 'flower-context');
  }

  /** The agent's own view; undefined before it has one. */
  status(): Status | undefined {
    const path = this.at('run/flower-context/status.json');
    // A test of files puts much larger ones here.
    if (!existsSync(path) || statSync(path).size > 2 ** 24) return undefined;
    return JSON.parse(readFileSync(path, 'utf8')) as Status;
  }

  /** What the launcher says from inside Flower's process; undefined before it says anything. */
  flowerLink(): FlowerState | undefined {
    const path = this.at('run/flower-context/link.json');
    return existsSync(path) ? parseFlowerState(readFileSync(path, 'utf8')) : undefined;
  }

  /** Whether Flower got anything to start from: its interpreter is up as soon as the agent is, and waits for a plan. */
  hasPlan = (): boolean => existsSync(this.at('run/flower-context/plan.json'));

  /** Waits for the agent's status to satisfy `wanted`; an error carries status and journal. */
  waitFor(what: string, wanted: (status: Status) => unknown, timeoutMs = 20_000): Promise<Status> {
    const look = (): Status | undefined => {
      const status = this.status();
      return status !== undefined && wanted(status) ? status : undefined;
    };
    return until(`${this.root}: ${what}`, look, { timeoutMs, detail: () => this.diagnostics() });
  }

  /** Waits for a good boot; an error at once when systemd has given the agent up. */
  whenReady = (timeoutMs?: number): Promise<Status> =>
    until(`${this.root}: the boot to be ready`, () => this.readyOrDoomed(), {
      ...(timeoutMs !== undefined && { timeoutMs }),
      detail: () => this.diagnostics(),
    });

  private async readyOrDoomed(): Promise<Status | undefined> {
    const status = this.status();
    if (status?.phase !== 'failed') return status?.phase === 'ready' ? status : undefined;
    const { ActiveState } = await this.unit('flower-context');
    if (ActiveState === 'failed')
      throw new Error(`the boot has failed and will not be retried\n${this.diagnostics()}`);
    return undefined;
  }

  whenFailed = (timeoutMs?: number): Promise<Status> =>
    this.waitFor('the boot to fail', ({ phase }) => phase === 'failed', timeoutMs);

  /** What a unit has written since the VM exists, oldest first. */
  journal(unit = 'flower-context'): JournalLine[] {
    const path = this.at(`var/log/journal/${unit}.log`);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').matchAll(/^(\S+) <(\d)> (.*?)\[\d+\]: (.*)$/gm);
    return [...lines].map(([, at, priority, name, message]) => ({
      at: new Date(at!),
      priority: Number(priority),
      name: name!,
      message: message!,
    }));
  }

  journalText = (unit = 'flower-context'): string =>
    this.journal(unit)
      .map(({ message }) => message)
      .join('\n');

  /** Waits until a unit has written something: its lines reach the journal a moment after it wrote them. */
  async toSay(what: string | RegExp, unit = 'flower-context'): Promise<void> {
    const said = (): boolean =>
      typeof what === 'string' ? this.journalText(unit).includes(what) : what.test(this.journalText(unit));
    await until(`${unit} to write ${what}`, said, { detail: () => this.diagnostics() });
  }

  /** What a fake Flower does from now on, instead of what Flower does. */
  orderFake(order: FakeOrder): void {
    const file = 'etc/fake-flwr';
    this.write(`${file}.new`, order);
    renameSync(this.at(`${file}.new`), this.at(file));
  }

  /** What a fake `flwr list` shows from now on: a status for each run, or `broken`. */
  fakeRuns(...statuses: string[]): void {
    this.write('etc/fake-runs', statuses.join(' '));
  }

  systemctl = (...args: string[]): Promise<Outcome> => run(this.at('usr/bin/systemctl'), args);

  /** `flower-context ARGS` as a person on this VM would type it. */
  cli = (...args: string[]): Promise<Outcome> => run(this.at('usr/bin/flower-context'), args);

  /** Properties of a unit, as `systemctl show` gives them. */
  async unit(name: string): Promise<Record<string, string>> {
    const { stdout } = await this.systemctl('show', name);
    return Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
  }

  /** For the message of a test that failed. */
  diagnostics(): string {
    const tail = (unit: string): string[] => [
      `  journal of ${unit}:`,
      ...this.journal(unit)
        .slice(-25)
        .map(({ at, name, message }) => `    ${at.toISOString().slice(11, 23)} ${name}: ${message}`),
    ];
    const { phase, serving, waiting, problems } = this.status() ?? {};
    const status = JSON.stringify({ phase, serving, waiting, problems });
    const units = ['flower-context', `flower-${this.spec.role}`, 'flower-superexec'];
    return [`${this.root}: ${status}`, ...units.flatMap(tail)].join('\n');
  }

  private writeContext(): void {
    const text = renderContextSh(this.context);
    for (const stage of ['local', 'online', 'network'])
      this.write(`run/one-context/context.sh.${stage}`, text, 0o400);
    this.write('run/one-context/one_env', renderOneEnv(this.context, this.spec.token ?? ''), 0o400);
  }

  /** What the kernel of this VM would say: another boot each time. */
  private writeHost(freeMb = this.spec.freeMb): void {
    const { loopback } = this.spec;
    const facts: HostFacts = { bootId: randomUUID(), loopback, freeMb };
    this.write(HOST_FILE, JSON.stringify(facts));
  }

  private install(): void {
    const { role, flower = {} } = this.spec;
    const { version = BAKED_FLOWER, framework = 'none' } = flower;
    const [uid, gid] = [process.getuid!(), process.getgid!()];
    this.write(
      'etc/passwd',
      `root:x:0:0:root:/root:/bin/bash\nflower:x:${uid}:${gid}:Flower:/var/lib/flower:/usr/sbin/nologin\n`,
    );
    this.write(
      'etc/flower-context/appliance.json',
      JSON.stringify({ role, flower: { version, framework }, user: 'flower' }),
    );
    this.writeHost();
    // As appliance/bin/flower-context starts it, in this folder.
    const wrapper = [
      '#!/bin/sh',
      `export FLOWER_CONTEXT_ROOT='${this.root}' PATH='${this.root}/usr/bin':"$PATH"`,
      `export NODE_COMPILE_CACHE='${join(REPOSITORY, '.cache/compiled')}' MALLOC_ARENA_MAX=1 UV_THREADPOOL_SIZE=1`,
      `exec '${NODE}' --max-semi-space-size=1 --single-threaded-gc '${AGENT}' "$@"`,
    ];
    this.write('usr/bin/flower-context', `${wrapper.join('\n')}\n`, 0o755);
    const healthCheck = readFileSync(join(REPOSITORY, 'appliance/scripts/health-check.sh'), 'utf8');
    this.write(
      'opt/flower/scripts/health-check.sh',
      healthCheck.replaceAll(/ (?=\/run\/|\/usr\/bin\/(flower-context|systemctl) )/g, ` ${this.root}`),
      0o755,
    );
    this.write('usr/sbin/one-contextd', readFileSync(join(SUPPORT, 'report-ready.sh'), 'utf8'), 0o755);
    this.write(
      'etc/systemd/system/one-context.service',
      '[Service]\nType=oneshot\nExecStart=/usr/sbin/one-contextd network\n',
    );
    for (const [unit, text] of Object.entries(this.spec.dropIns ?? {}))
      this.write(`etc/systemd/system/${unit}.service.d/test.conf`, `${text}\n`);
    this.link('usr/lib/systemd/system', join(REPOSITORY, 'systemd'));
    const flowerUnit = `flower-${role}.service`;
    this.link(
      `etc/systemd/system/flower-context.service.wants/${flowerUnit}`,
      join(REPOSITORY, 'systemd', flowerUnit),
    );
    this.link('opt/flower/baked', `envs/${version}-${framework}`);
    this.link('usr/lib/flower-context', join(REPOSITORY, 'appliance/lib'));
    this.link('usr/share/flower-context/apps', join(REPOSITORY, 'examples'));
    this.link('var/run', '../run');
    this.installFlower(version, framework);
  }

  private installFlower(version: string, framework: string): void {
    const { fake, order } = this.spec.flower ?? {};
    if (fake) {
      this.link(`opt/flower/envs/${version}-${framework}`, fakeEnvironment(version));
      if (order !== undefined) this.orderFake(order);
      return;
    }
    const built = join(REPOSITORY, '.cache/envs');
    for (const name of existsSync(built) ? readdirSync(built) : [])
      this.link(`opt/flower/envs/${name}`, join(built, name));
  }

  private write(path: string, text: string, mode = 0o644): void {
    const file = this.at(path);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    writeFileSync(file, text, { mode });
  }

  private link(path: string, target: string): void {
    const link = this.at(path);
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { recursive: true, force: true });
    symlinkSync(target, link);
  }
}

/** Lays the folder of a VM; it is off until `boot()`. */
export const createVm = (spec: VmSpec): Vm => new Vm(spec);

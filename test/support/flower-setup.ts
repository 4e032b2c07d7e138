// A folder that plays a VM with only the launcher and Flower on it, no agent: for tests of the launcher itself.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostPort } from '../../src/core/hostport.ts';
import { stateDirectory } from '../../src/flower/directories.ts';
import { nodeConfigToml } from '../../src/flower/node-config.ts';
import { formatPlan, type LaunchPlan, launchPlan } from '../../src/flower/plan.ts';
import type { Credentials } from '../../src/flower/settings.ts';
import { type FlowerState, parseFlowerState } from '../../src/flower/state-file.ts';
import { pathsUnder } from '../../src/host/paths.ts';
import { issueCa, issueServer, type KeyPair } from '../../src/tls/issue.ts';
import type { FakeOrder } from './zone/fake-flwr.ts';
import { until } from './zone/process.ts';

const LAUNCHER = join(import.meta.dirname, '../../appliance/lib/flower-launch.py');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running launcher. Everything it wrote is in `output`. */
export interface Launched {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly output: () => string;
}

export interface LaunchOptions {
  readonly env?: Record<string, string>;
  /** Words before the interpreter: `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
  /** A script to run instead of the launcher. */
  readonly script?: string;
}

/** The settings that tests do not vary. */
const BOTH = { FL_LOG_LEVEL: 'INFO', FL_ISOLATION: 'subprocess' } as const;

export interface Keepalive {
  readonly time: number;
  readonly timeout: number;
}

export class FlowerSetup {
  readonly root: string;
  readonly paths: ReturnType<typeof pathsUnder>;
  readonly #environment: string;
  readonly #version: string;
  readonly #running = new Set<Launched>();

  constructor(version: string, environment: string) {
    this.#version = version;
    this.#environment = environment;
    this.root = mkdtempSync(join(tmpdir(), 'flower-setup-'));
    this.paths = pathsUnder(this.root);
    mkdirSync(this.paths.run, { recursive: true });
  }

  #facts(loopback: string) {
    return { version: this.#version, environment: this.#environment, paths: this.paths, loopback };
  }

  /** The plan of a SuperLink whose local listeners are on `loopback`. */
  superlink(options: {
    loopback: string;
    fleet?: HostPort;
    tls?: { own: Credentials; operator: Credentials | null } | null;
    keepalive?: Keepalive;
    database?: string;
    checkpoints?: string;
    silence?: number;
    /** A name in the operator's certificate. */
    serverName?: string;
  }): LaunchPlan {
    const { loopback, fleet = { host: loopback, port: 9092 }, tls = null } = options;
    const { time, timeout } = options.keepalive ?? { time: 60, timeout: 20 };
    const config = {
      ...BOTH,
      role: 'superlink',
      FL_GRPC_KEEPALIVE_TIME: time,
      FL_GRPC_KEEPALIVE_TIMEOUT: timeout,
      FL_FLEET_API_ADDRESS: fleet,
      FL_CONTROL_API_ADDRESS: { host: '127.0.0.1', port: 9093 },
      FL_DATABASE: options.database ?? 'state/state.db',
      FL_CHECKPOINT_ENABLED: options.checkpoints !== undefined,
      FL_CHECKPOINT_PATH: options.checkpoints ?? 'checkpoints',
    } as const;
    mkdirSync(stateDirectory(this.paths, 'superlink'), { recursive: true });
    const plan = launchPlan(config, { ...this.#facts(loopback), tls, serverName: options.serverName });
    return options.silence === undefined ? plan : { ...plan, silence_seconds: options.silence };
  }

  /** The plan of a SuperNode; `ca` is PEM text, null for plaintext. */
  supernode(options: {
    loopback: string;
    superlink: HostPort;
    ca?: string | null;
    keepalive?: Keepalive;
    silence?: number;
    partition?: { id: number; of: number };
  }): LaunchPlan {
    const { time, timeout } = options.keepalive ?? { time: 60, timeout: 20 };
    mkdirSync(stateDirectory(this.paths, 'supernode'), { recursive: true });
    writeFileSync(
      this.paths.nodeConfig,
      nodeConfigToml([], { partition: options.partition ?? { id: 0, of: 1 }, useCase: 'none' }),
    );
    const plan = launchPlan(
      {
        ...BOTH,
        role: 'supernode',
        FL_GRPC_KEEPALIVE_TIME: time,
        FL_GRPC_KEEPALIVE_TIMEOUT: timeout,
        FL_MAX_RETRIES: 0,
        FL_MAX_WAIT_TIME: 0,
      },
      {
        ...this.#facts(options.loopback),
        superlink: options.superlink,
        ca: options.ca ? this.file('trusted.pem', options.ca) : null,
        nodeConfig: this.paths.nodeConfig,
      },
    );
    return options.silence === undefined ? plan : { ...plan, silence_seconds: options.silence };
  }

  /** What a fake Flower does from now on. */
  orderFake(order: FakeOrder): void {
    mkdirSync(join(this.root, 'etc'), { recursive: true });
    this.file('etc/fake-flwr', order);
  }

  /** Writes a file into the folder of this setup; returns its absolute path. */
  file(name: string, content: string): string {
    const path = join(this.root, name);
    writeFileSync(path, content);
    return path;
  }

  credentials(name: string, { certPem, keyPem }: KeyPair, ca: string): Credentials {
    return {
      certificate: this.file(`${name}.pem`, certPem),
      key: this.file(`${name}.key`, keyPem),
      ca: this.file(`${name}-ca.pem`, ca),
    };
  }

  /** Starts what the plan says. */
  launch(plan: LaunchPlan | string, options: LaunchOptions = {}): Launched {
    rmSync(this.paths.flowerLink, { force: true });
    writeFileSync(this.paths.plan, typeof plan === 'string' ? plan : formatPlan(plan));
    const python = join(this.#environment, 'bin/python');
    return this.#start([...(options.prefix ?? []), python, '-I', options.script ?? LAUNCHER], options);
  }

  /** Starts the launcher as its unit does, before there is a plan. `baked`: the environment of the image. */
  launchAhead(options: LaunchOptions & { baked?: string } = {}): Launched {
    this.#link('opt/flower/baked', options.baked ?? this.#environment);
    this.#link('usr/lib/flower-context', join(LAUNCHER, '..'));
    return this.#start([join(LAUNCHER, '../flower-start')], options);
  }

  /** What the agent does when it has a plan: the environment first. */
  writePlan(plan: LaunchPlan): void {
    this.#link('run/flower-context/env', this.#environment);
    writeFileSync(`${this.paths.plan}.new`, formatPlan(plan));
    renameSync(`${this.paths.plan}.new`, this.paths.plan);
  }

  #link(path: string, target: string): void {
    const link = join(this.root, path);
    mkdirSync(join(link, '..'), { recursive: true });
    symlinkSync(target, link);
  }

  #start(words: readonly string[], options: LaunchOptions): Launched {
    // As StandardInput= and StandardOutput= of the unit.
    const state = openSync(this.paths.flowerLink, constants.O_RDWR | constants.O_CREAT);
    const child = spawn(words[0]!, words.slice(1), {
      stdio: [state, state, 'pipe'],
      env: { PATH: process.env.PATH, ...options.env, FLOWER_CONTEXT_ROOT: this.root },
      detached: true,
    });
    closeSync(state);
    let text = '';
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const ended = new Promise<Ended>((resolve) =>
      child.once('exit', (code, signal) => resolve({ code, signal })),
    );
    const launched = { process: child, ended, output: () => text };
    this.#running.add(launched);
    void ended.then(() => this.#running.delete(launched));
    return launched;
  }

  link(): FlowerState | undefined {
    try {
      return parseFlowerState(readFileSync(this.paths.flowerLink, 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** Waits for a phase; fails with Flower's output. */
  phase(launched: Launched, phase: FlowerState['phase'], timeoutMs = 30_000): Promise<FlowerState> {
    const look = () => {
      const link = this.link();
      return link?.phase === phase ? link : undefined;
    };
    return until(`the phase ${phase}`, look, {
      timeoutMs,
      detail: () => `${JSON.stringify(this.link())}\n${launched.output()}`,
    });
  }

  /** Ends what still runs, at once, Flower's children too, and removes the folder. */
  async clear(): Promise<void> {
    const all = [...this.#running];
    for (const { process: child } of all) killGroup(child, 'SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
    // Some children have a session of their own, and one that is just starting would make the folder again.
    await until('the children to be gone', () => {
      const left = processesOf(this.root);
      for (const pid of left) end(pid);
      return left.length === 0;
    });
    rmSync(this.root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Processes that were started for a setup: its root is in their environment. */
function processesOf(root: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => environmentOf(pid).includes(`FLOWER_CONTEXT_ROOT=${root}\0`));
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // Gone already.
  }
}

/** A CA and a server certificate of it for these names and addresses. */
export function pki(names: { dns?: readonly string[]; ip?: readonly string[] }): {
  ca: KeyPair;
  server: KeyPair;
} {
  const now = new Date();
  const ca = issueCa({ now, commonName: 'flower-context test CA' });
  return { ca, server: issueServer({ ca, names: { dns: names.dns ?? [], ip: names.ip ?? [] }, now }) };
}

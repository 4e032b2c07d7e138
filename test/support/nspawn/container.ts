// A container that boots the image's root file system with its own systemd as PID 1. Everything is real but the kernel,
// the disk and the disc: it boots in a second. Its files are in a layer above the image and survive reboots.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../../../src/report/status.ts';
import { writeContextFolder } from '../vm/disc.ts';
import { type ExecOptions, Guest, type GuestSpec } from '../vm/guest.ts';
import { addNamespace, plugIn, unplug } from '../vm/lan.ts';
import { endWith, type Outcome, until } from '../zone/process.ts';
import { runWithInput } from './run.ts';

export interface ContainerSpec extends GuestSpec {
  /** The image's root file system, a folder; it is never written to. */
  readonly image: string;
  /** More options of systemd-nspawn, e.g. `--tmpfs=/var:size=20M`. */
  readonly options?: readonly string[];
}

export class Container extends Guest {
  readonly slowness = 1;
  private readonly container: ContainerSpec;
  private readonly rootfs: string;
  /** Its network namespace, which stays while it is off, and its card on the bridge. */
  readonly network: { readonly path: string; readonly link: string };
  private process: ChildProcess | undefined;
  private leader: number | undefined;

  constructor(spec: ContainerSpec) {
    super(spec);
    this.container = spec;
    const { dir, image, context } = spec;
    this.rootfs = join(dir, 'root');
    for (const folder of ['root', 'above', 'work']) mkdirSync(join(dir, folder), { recursive: true });
    const layers = `lowerdir=${image},upperdir=${join(dir, 'above')},workdir=${join(dir, 'work')}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, this.rootfs]);
    this.network = addNamespace(context.ETH0_MAC ?? '02:00:00:00:00:01');
  }

  /** A file of the container, from outside; also while it is off. */
  path(path: string): string {
    return join(this.leader === undefined ? this.rootfs : `/proc/${this.leader}/root`, path);
  }

  async powerOn(options: readonly string[] = this.container.options ?? []): Promise<void> {
    const { name, dir, token } = this.spec;
    plugIn(this.network.link);
    const disc = join(dir, 'context');
    writeContextFolder(disc, this.context, token);
    const console = openSync(join(dir, 'console.log'), 'a');
    const args = [
      ...['--quiet', '--boot', '--register=no', '--keep-unit', '--link-journal=no', '--console=pipe'],
      ...[
        '--resolv-conf=off',
        '--timezone=off',
        '--capability=CAP_NET_ADMIN',
        `--machine=${name}`,
        `--directory=${this.rootfs}`,
      ],
      ...[`--network-namespace-path=${this.network.path}`, `--bind-ro=${disc}:/context`, ...options],
    ];
    // DHCP clients and networkd set what a device of its own network namespace does.
    const env = {
      ...process.env,
      SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1',
      SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network',
    };
    const child = spawn('systemd-nspawn', args, { stdio: ['ignore', console, console], env });
    this.process = child;
    const gone = (): never => {
      throw new Error(`the container ended at once: ${readFileSync(join(dir, 'console.log'), 'utf8')}`);
    };
    const look = (): number | undefined => (child.exitCode !== null ? gone() : leaderOf(child.pid!));
    this.leader = await until(`${name} to start`, look, { timeoutMs: 30_000, everyMs: 5 });
  }

  async powerCut(): Promise<void> {
    if (this.process === undefined || this.process.exitCode !== null) return;
    const gone = once(this.process, 'exit');
    process.kill(this.leader!, 'SIGKILL');
    await gone;
    this.off();
  }

  async shutdown(): Promise<void> {
    if (this.process === undefined) return;
    await this.exec('systemctl poweroff', { timeoutMs: 10_000 }).catch(() => undefined);
    await Promise.race([
      this.process.exitCode === null ? once(this.process, 'exit') : undefined,
      new Promise((resolve) => setTimeout(resolve, 30_000)),
    ]);
    await endWith(this.process, 'SIGKILL');
    this.off();
  }

  /** The namespace outlives the container, with its address: it must not answer for it. */
  private off(): void {
    this.leader = undefined;
    unplug(this.network.link);
  }

  exec(script: string, { stdin = '', timeoutMs = 60_000 }: ExecOptions = {}): Promise<Outcome> {
    const enter = ['-t', String(this.leader), '-m', '-u', '-i', '-n', '-p', '-C'];
    const clean = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8'];
    return runWithInput('nsenter', [...enter, ...clean, '/bin/sh', '-c', script], stdin, timeoutMs);
  }

  /** Read from outside: a boot can be watched without a process in it. */
  override async status(): Promise<Status | undefined> {
    return this.statusNow();
  }

  statusNow(): Status | undefined {
    try {
      return JSON.parse(readFileSync(this.path('run/flower-context/status.json'), 'utf8')) as Status;
    } catch {
      return undefined;
    }
  }

  protected async insertContext(): Promise<void> {
    writeContextFolder(join(this.spec.dir, 'context'), this.context, this.spec.token);
    // No disc, so no udev event: what its rule would start.
    await this.sh('systemctl start --no-block one-context-reconfigure.service');
  }
}

/** PID 1 of the container, once it is one: the child whose own namespace has it as number 1 and that runs systemd. */
function leaderOf(nspawn: number): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const status = readFileSync(`/proc/${entry}/status`, 'utf8');
      const parent = /^PPid:\s+(\d+)$/m.exec(status)?.[1];
      const isFirst = /^NSpid:.*\s1$/m.test(status);
      if (parent === String(nspawn) && isFirst && /^Name:\s+systemd$/m.test(status)) return Number(entry);
    } catch {
      // It ended during the check.
    }
  }
  return undefined;
}

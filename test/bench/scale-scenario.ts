// A large role on simulated time, each node on a processor of its own: all boot in the same instant; OneGate is
// away for five minutes and comes back, once while the role is long settled, once while all of it boots. The real boot,
// watch, retries, discovery, partition manager and OneGate client; simulated are time, the network (the small zone, with
// oned, which does one call at a time), the check of the SuperLink's certificate, and Flower.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BootOutcome } from '../../src/boot/boot.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { LightVm } from '../support/light-vm.ts';
import { ONED_MS_PER_CALL } from '../support/onegate/oned-calls.ts';
import { chance, SmallZone } from '../support/small-zone.ts';
import { type Cost, costOf, peakRate } from './scale-limits.ts';

const AWAY_MS = 300_000;
const AFTER_MS = 900_000;
const STEADY_MS = 300_000;
/** A second alone is chance; over ten the pace shows. */
const WINDOW_MS = 10_000;

export interface OutageRow {
  readonly nodes: number;
  readonly phase: 'settled' | 'booting';
  /** Requests a second before the outage: mean, the most over ten seconds, and within one. Of a booting role: none. */
  readonly steady: number;
  readonly steadyPeak: number;
  readonly steadyPeakSecond: number;
  /** The most over ten seconds, and within one, after OneGate came back. */
  readonly peak: number;
  readonly peakSecond: number;
  /** Attempts a second while it was away. */
  readonly knocks: number;
  /** Calls to oned, a second: the mean before, the most over ten seconds after OneGate came back. */
  readonly steadyCalls: number;
  readonly peakCalls: number;
  /** From its coming back until all nodes are published, in seconds. */
  readonly published: number;
}

/** Requests and calls: until the node is READY, one-context's own report counted in. */
export interface TogetherRow extends Cost {
  readonly nodes: number;
  /** From the power button until half of the nodes, until the last node was published, in seconds. */
  readonly half: number;
  readonly published: number;
  readonly peakPerSecond: number;
  /** Readings of what all nodes claim, in the quarter of an hour after. */
  readonly readings: number;
  readonly failed: number;
}

interface Asked {
  readonly at: number;
  readonly vm: number;
  readonly path: string;
  readonly calls: number;
  /** By one-context, not by the agent. */
  readonly reports: boolean;
}

/** A SuperLink that is ready, and a role of light VMs that have just been switched on. */
class Role {
  readonly clock = new FakeClock();
  readonly #random: () => number;
  readonly zone: SmallZone;
  readonly #stop = new AbortController();
  readonly asked: Asked[] = [];
  readonly #folders: string[] = [];
  readonly #lives: Promise<void>[] = [];
  /** VMs whose one-context has its report on the way. */
  readonly #reporting = new Set<number>();
  /** What ended an agent that should not end. */
  crash: unknown;
  failed = 0;

  constructor(nodes: number, dir: string, down: boolean) {
    this.#random = chance(1);
    this.zone = new SmallZone(this.clock, this.#random);
    const { zone } = this;
    zone.msPerCall = ONED_MS_PER_CALL;
    zone.down = down;
    zone.serviceState = 1;
    zone.onRequest = (vm, path, calls) =>
      this.asked.push({
        at: this.clock.monotonicMs(),
        vm,
        path,
        calls,
        reports: path === 'PUT /vm' && this.#reporting.delete(vm),
      });
    const superLink = zone.add(zone.superLinks);
    Object.assign(superLink.template, { FL_READY: 'YES', FL_ENDPOINT: '127.44.0.2:9092', FL_TLS: 'NO' });
    zone.superNodes.cardinality = nodes;
    for (let number = 0; number < nodes; number++) zone.add(zone.superNodes);
    for (const { id } of zone.superNodes.nodes) this.#switchOn(id, join(dir, `simulated-${id}`));
  }

  get published(): number {
    return this.zone.superNodes.nodes.filter(({ template }) => template.FL_NODE_READY === 'YES').length;
  }

  get allPublished(): boolean {
    return this.published === this.zone.superNodes.nodes.length;
  }

  /** Requests since the last call. */
  take = (): Asked[] => this.asked.splice(0);

  async end(): Promise<void> {
    this.#stop.abort(new Error('the scenario is over'));
    await Promise.allSettled(this.#lives);
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
    if (this.crash !== undefined) throw this.crash;
  }

  #switchOn(id: number, dir: string): void {
    this.#folders.push(dir);
    mkdirSync(dir, { recursive: true });
    const random = this.#random;
    const vm = new LightVm({
      dir,
      role: 'supernode',
      context: {
        NETWORK: 'YES',
        TOKEN: 'YES',
        REPORT_READY: 'YES',
        VMID: String(id),
        ONEGATE_ENDPOINT: 'http://127.44.0.2:5030',
      },
      token: 'dG9rZW4=',
      clock: this.clock,
      random,
      send: this.zone.send(id),
      flowerMs: () => 1_000 + 500 * random(),
      plaintext: true,
    });
    let reported = false;
    const onBoot = ({ failure }: BootOutcome): void => {
      if (failure !== undefined) this.failed++;
      if (failure !== undefined || reported) return;
      reported = true;
      this.#reporting.add(id);
      vm.reportReady(this.#stop.signal).catch(() => {});
    };
    this.#lives.push(
      vm.run(this.#stop.signal, onBoot).catch((error: unknown) => {
        this.crash ??= error;
      }),
    );
  }
}

/** The same requests, weighed with the calls to oned that they cost. */
const weighed = (some: readonly Asked[]) => some.map(({ at, calls }) => ({ at, weight: calls }));

/** From the switching on of all nodes in the same instant until a quarter of an hour after the last was published. */
export async function together(nodes: number, dir: string): Promise<TogetherRow> {
  const role = new Role(nodes, dir, false);
  try {
    let half = Number.NaN;
    while (!role.allPublished && role.clock.monotonicMs() < 1_800_000) {
      await role.clock.advance(100);
      if (Number.isNaN(half) && role.published >= nodes / 2) half = role.clock.monotonicMs() / 1_000;
    }
    const published = role.allPublished ? role.clock.monotonicMs() / 1_000 : Number.NaN;
    role.zone.serviceState = 2;
    await role.clock.advance(AFTER_MS);
    const asked = role.take();
    const ready = new Map(asked.filter(({ reports }) => reports).map(({ vm, at }) => [vm, at]));
    const boot = asked.filter(({ vm, at }) => at <= (ready.get(vm) ?? Number.POSITIVE_INFINITY));
    return {
      nodes,
      half,
      published,
      ...costOf(boot, nodes),
      peakPerSecond: peakRate(boot),
      readings: asked.filter(({ path }) => path.includes('extended')).length,
      failed: role.failed,
    };
  } finally {
    await role.end();
  }
}

/** Five minutes without OneGate, and a quarter of an hour after. */
export async function outage(nodes: number, phase: 'settled' | 'booting', dir: string): Promise<OutageRow> {
  const role = new Role(nodes, dir, phase === 'booting');
  const { clock, zone } = role;
  try {
    if (phase === 'settled') {
      while (!role.allPublished && clock.monotonicMs() < 1_800_000) await clock.advance(1_000);
      zone.serviceState = 2;
      // All nodes look for the first time within a minute, or half a second of each; then the steady life begins.
      await clock.advance(Math.max(60_000, 500 * nodes) + 60_000);
      if (!role.allPublished) throw new Error(`not all of ${nodes} nodes are published before the outage`);
      role.take();
      await clock.advance(STEADY_MS);
    }
    const before = role.take();
    zone.down = true;
    await clock.advance(AWAY_MS);
    const knocks = role.take();
    zone.down = false;
    const back = clock.monotonicMs();
    let published = Number.NaN;
    while (clock.monotonicMs() < back + AFTER_MS) {
      await clock.advance(1_000);
      if (Number.isNaN(published) && role.allPublished) published = (clock.monotonicMs() - back) / 1_000;
    }
    const after = role.take();
    return {
      nodes,
      phase,
      steady: (before.length * 1_000) / STEADY_MS,
      steadyPeak: peakRate(before, WINDOW_MS),
      steadyPeakSecond: peakRate(before),
      peak: peakRate(after, WINDOW_MS),
      peakSecond: peakRate(after),
      knocks: (knocks.length * 1_000) / AWAY_MS,
      steadyCalls: (before.reduce((sum, { calls }) => sum + calls, 0) * 1_000) / STEADY_MS,
      peakCalls: peakRate(weighed(after), WINDOW_MS),
      published,
    };
  } finally {
    await role.end();
  }
}

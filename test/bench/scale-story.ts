// A large role on made-up time, as if each node had a processor of its own: all boot in the same instant; OneGate is
// away for five minutes and comes back, once while the role is long settled, once while all of it boots. The real boot,
// watch, retries, discovery, partition keeper and OneGate client; made up are time, the wire (the small zone, with
// oned's limits), the look at the SuperLink's certificate, and Flower.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FakeClock } from '../support/fake-clock.ts';
import { LightVm } from '../support/light-vm.ts';
import { chance, SmallZone } from '../support/small-zone.ts';
import { ONED, peakRate } from './scale-limits.ts';

const AWAY_MS = 300_000;
const AFTER_MS = 900_000;
const STEADY_MS = 300_000;
/** A second alone is chance; over ten the pace shows. */
const WINDOW_MS = 10_000;

export interface OutageRow {
  readonly nodes: number;
  readonly story: 'settled' | 'booting';
  /** Requests a second before the outage: mean, the most over ten seconds, and within one. Of a booting role: none. */
  readonly steady: number;
  readonly steadyPeak: number;
  readonly steadyPeakSecond: number;
  /** The most over ten seconds, and within one, after OneGate came back. */
  readonly peak: number;
  readonly peakSecond: number;
  /** Attempts a second while it was away. */
  readonly knocks: number;
  /** VMs looked up for extended readings, a second, at most over ten, after OneGate came back. */
  readonly lookups: number;
  /** From its coming back until all nodes are published, in seconds. */
  readonly published: number;
}

export interface TogetherRow {
  readonly nodes: number;
  /** From the power button until half of the nodes, until the last node was published, in seconds. */
  readonly half: number;
  readonly published: number;
  readonly requestsPerNode: { readonly mean: number; readonly most: number };
  readonly peakPerSecond: number;
  readonly failed: number;
}

interface Asked {
  readonly at: number;
  readonly vm: number;
  readonly path: string;
}

/** A SuperLink that is ready, and a role of light VMs that have just been switched on. */
class Role {
  readonly clock = new FakeClock();
  readonly #random: () => number;
  readonly zone: SmallZone;
  readonly #stop = new AbortController();
  readonly asked: Asked[] = [];
  readonly #places: string[] = [];
  readonly #lives: Promise<void>[] = [];
  /** What ended an agent that should not end. */
  crash: unknown;
  failed = 0;

  constructor(nodes: number, dir: string, down: boolean) {
    this.#random = chance(1);
    this.zone = new SmallZone(this.clock, this.#random);
    const { zone } = this;
    zone.capacity = ONED;
    zone.down = down;
    zone.serviceState = 1;
    zone.onRequest = (vm, path) => this.asked.push({ at: this.clock.monotonicMs(), vm, path });
    const superLink = zone.add(zone.superLinks);
    Object.assign(superLink.template, { FL_READY: 'YES', FL_ENDPOINT: '127.44.0.2:9092', FL_TLS: 'NO' });
    zone.superNodes.cardinality = nodes;
    for (let number = 0; number < nodes; number++) zone.add(zone.superNodes);
    for (const { id } of zone.superNodes.nodes) this.#switchOn(id, join(dir, `made-up-${id}`));
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
    this.#stop.abort(new Error('the story is over'));
    await Promise.allSettled(this.#lives);
    for (const place of this.#places) rmSync(place, { recursive: true, force: true });
    if (this.crash !== undefined) throw this.crash;
  }

  #switchOn(id: number, dir: string): void {
    this.#places.push(dir);
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
      instead: {
        trust: async (known) => {
          known.set('clientTrust', undefined);
          return {};
        },
      },
    });
    const onBoot = ({ failure }: { failure: unknown }): void => {
      if (failure !== undefined) this.failed++;
    };
    this.#lives.push(
      vm.run(this.#stop.signal, onBoot).catch((error: unknown) => {
        this.crash ??= error;
      }),
    );
  }
}

const at = (some: readonly Asked[]): number[] => some.map((one) => one.at);

/** The first two minutes of a role whose nodes are all switched on in the same instant. */
export async function together(nodes: number, dir: string): Promise<TogetherRow> {
  const role = new Role(nodes, dir, false);
  try {
    let half = Number.NaN;
    while (!role.allPublished && role.clock.monotonicMs() < 120_000) {
      await role.clock.advance(100);
      if (Number.isNaN(half) && role.published >= nodes / 2) half = role.clock.monotonicMs() / 1_000;
    }
    const published = role.allPublished ? role.clock.monotonicMs() / 1_000 : Number.NaN;
    // READY, and what a small role reads once more afterwards.
    await role.clock.advance(60_000);
    const asked = role.take();
    const perNode = new Map<number, number>();
    // The looks of the settled life come later: half a minute after the claims at the earliest.
    const boot = asked.filter(({ at: when }) => when < (published + 10) * 1_000);
    for (const { vm } of boot) perNode.set(vm, (perNode.get(vm) ?? 0) + 1);
    return {
      nodes,
      half,
      published,
      requestsPerNode: { mean: boot.length / nodes, most: Math.max(...perNode.values()) },
      peakPerSecond: peakRate(at(asked)),
      failed: role.failed,
    };
  } finally {
    await role.end();
  }
}

/** Five minutes without OneGate, and a quarter of an hour after. */
export async function outage(nodes: number, story: 'settled' | 'booting', dir: string): Promise<OutageRow> {
  const role = new Role(nodes, dir, story === 'booting');
  const { clock, zone } = role;
  try {
    if (story === 'settled') {
      await clock.advance(120_000);
      zone.serviceState = 2;
      // The claims are read once by all, spread over the square of their number; then the steady life begins.
      await clock.advance(Math.max(60_000, nodes ** 2) + 60_000);
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
    const readings = after.filter(({ path }) => path.includes('extended'));
    return {
      nodes,
      story,
      steady: (before.length * 1_000) / STEADY_MS,
      steadyPeak: peakRate(at(before), WINDOW_MS),
      steadyPeakSecond: peakRate(at(before)),
      peak: peakRate(at(after), WINDOW_MS),
      peakSecond: peakRate(at(after)),
      knocks: (knocks.length * 1_000) / AWAY_MS,
      lookups: peakRate(at(readings), WINDOW_MS) * (nodes + 1),
      published,
    };
  } finally {
    await role.end();
  }
}

// The life of a service, generated from a seed: VMs come, go, crash, are restored, write nonsense, while OneGate
// fails at times. The SuperNodes run the real protocol over the real client; only HTTP and time are simulated.
import type { Partition } from '../../src/cluster/partition.ts';
import { PartitionManager, type PartitionMemory } from '../../src/cluster/partition-manager.ts';
import { connectOneGate, ONCE } from '../../src/onegate/client.ts';
import { FakeClock } from './fake-clock.ts';
import { chance, type SmallVm, SmallZone } from './small-zone.ts';

/** A SuperNode: its disk, what Flower runs with, and the agent while it is up. */
class Node {
  readonly vm: SmallVm;
  disk: PartitionMemory | undefined;
  snapshots: (PartitionMemory | undefined)[] = [];
  inUse: Partition | undefined;
  restarts = 0;
  /** When it stored another partition, in ms. */
  moves: number[] = [];
  suspicions: string[] = [];
  notes: string[] = [];
  #stop = new AbortController();
  readonly #scenario: Scenario;

  constructor(scenario: Scenario, vm: SmallVm, disk?: PartitionMemory) {
    this.#scenario = scenario;
    this.vm = vm;
    this.disk = disk;
  }

  get up(): boolean {
    return !this.#stop.signal.aborted;
  }

  /** The agent's life from power on to crash. */
  start(): void {
    // A VM runs one agent (its lock sees to that), also when it crashes while it is still being powered on.
    this.crash();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#live(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#scenario.broken = error;
    });
  }

  crash(): void {
    this.#stop.abort(new Error('crashed'));
    this.inUse = undefined;
  }

  /** `systemctl stop flower-context`, `boot --fresh`, `systemctl start`: as Checkpoint.forget does. */
  fresh(): void {
    this.crash();
    this.disk = this.disk && { ...this.disk, altered: undefined, suspicion: undefined };
    this.start();
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { zone, clock, random } = this.#scenario;
    const oneGate = connectOneGate({
      endpoint: 'http://127.34.0.1:5030',
      token: 'dG9rZW4=',
      vmId: this.vm.id,
      clock,
      random,
      send: zone.send(this.vm.id),
      signal,
    });
    const manager = new PartitionManager({
      oneGate,
      clock,
      random,
      memory: this.disk,
      remember: (memory) => {
        if (this.disk !== undefined && memory.id !== this.disk.id) this.moves.push(clock.monotonicMs());
        this.disk = memory;
      },
      onNote: (note) => void this.notes.push(note),
      onSuspicious: (problem) => void this.suspicions.push(problem.message),
    });
    // The boot does the same: it continues without OneGate and tries again later.
    let byOrder: boolean | undefined;
    for (;;) {
      const stored = await oneGate.vm({ policy: ONCE, signal }).catch(() => undefined);
      const chosen = await manager.choose({ stored, signal }).catch(() => undefined);
      byOrder = chosen?.byOrder;
      if (chosen !== undefined) break;
      await clock.sleep(5_000, signal);
    }
    await clock.sleep(500 + random() * 15_000, signal);
    this.inUse = manager.partition;
    const { id, of } = manager.partition!;
    const attributes = {
      FL_NODE_ID: `${this.vm.id}`,
      FL_PARTITION_ID: `${id}`,
      FL_NUM_PARTITIONS: `${of}`,
      FL_NODE_READY: 'YES',
      ...(byOrder !== undefined && { FL_PARTITION_ORDER: byOrder ? 'YES' : 'NO' }),
    };
    const published = await oneGate.update(attributes, { ready: true, signal }).then(
      () => true,
      () => false,
    );
    await manager.watch({
      signal,
      published,
      onMove: async (to) => {
        this.restarts++;
        await clock.sleep(1_000 + random() * 4_000, signal);
        this.inUse = to;
      },
    });
  }
}

export interface Outcome {
  /** What is wrong at the end, as a sentence; undefined when every invariant holds. */
  readonly fault: string | undefined;
  /** From the last disturbance to the first moment when everything is right and stays so. */
  readonly seconds: number;
  /** The most readings of the claims that one node needed for it. */
  readonly rounds: number;
  /** Flower restarts of one node after the last disturbance, at most. */
  readonly restarts: number;
  readonly nodes: number;
}

export class Scenario {
  readonly clock = new FakeClock();
  readonly random: () => number;
  readonly zone: SmallZone;
  nodes: Node[] = [];
  broken: unknown;
  readonly log: string[] = [];
  readonly #readings = new Map<number, number>();
  readonly #endings: Promise<void>[] = [];
  readonly #doomed = new Set<SmallVm>();

  constructor(seed: number) {
    this.random = chance(seed);
    this.zone = new SmallZone(this.clock, this.random);
    this.zone.add(this.zone.superLinks);
    this.zone.onRequest = (vmId, path) => {
      if (path.includes('extended')) this.#readings.set(vmId, (this.#readings.get(vmId) ?? 0) + 1);
    };
  }

  #pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(this.random() * list.length)];
  #note = (text: string): void =>
    void this.log.push(`${Math.round(this.clock.monotonicMs() / 1000)} s: ${text}`);

  /** Nodes that OneFlow lists and does not end. */
  get staying(): Node[] {
    return this.nodes.filter(({ vm }) => vm.state === 3 && !this.#doomed.has(vm));
  }

  scaleUp(count: number, from?: Node): void {
    this.#note(`${count} nodes are added${from === undefined ? '' : `, from an image of VM ${from.vm.id}`}`);
    this.zone.superNodes.cardinality += count;
    for (let n = 0; n < count; n++) {
      const vm = this.zone.add(this.zone.superNodes, from?.vm.template);
      const node = new Node(this, vm, from?.disk);
      this.nodes.push(node);
      this.#after(this.random() * 3_000, () => node.start());
    }
  }

  scaleDown(count: number): void {
    const { superNodes } = this.zone;
    const doomed = superNodes.nodes.filter((vm) => vm.state === 3 && !this.#doomed.has(vm)).slice(0, count);
    for (const vm of doomed) this.#doomed.add(vm);
    this.#note(`VMs ${doomed.map((vm) => vm.id).join(', ')} are ended by OneFlow`);
    superNodes.cardinality -= doomed.length;
    for (const vm of doomed) {
      this.#after(this.random() * 500, () => {
        vm.lcmState = 12;
      });
      this.#after(1_000 + this.random() * 60_000, () => {
        this.#nodeOf(vm).crash();
        this.zone.remove(superNodes, vm);
      });
    }
  }

  /** Ended outside OneFlow, during its cooldown: listed as DONE for a while, then dropped. */
  terminate(node: Node): void {
    this.#note(`VM ${node.vm.id} is terminated from outside`);
    node.crash();
    node.vm.state = 6;
    node.vm.lcmState = 0;
    this.#after(this.random() * 60_000, () => {
      this.zone.superNodes.cardinality--;
      this.zone.remove(this.zone.superNodes, node.vm);
    });
  }

  reboot(node: Node, how: 'crashes' | 'is restored from a snapshot' | 'loses its disk'): void {
    this.#note(`VM ${node.vm.id} ${how}`);
    node.crash();
    if (how === 'is restored from a snapshot') node.disk = this.#pick(node.snapshots);
    if (how === 'loses its disk') node.disk = undefined;
    this.#after(1_000 + this.random() * 20_000, () => {
      if (node.vm.state === 3) node.start();
    });
  }

  /** Any peer may write any attribute of any VM of its service (exchange 30). */
  nonsense(node: Node): void {
    const values = [
      '99',
      '-1',
      'abc',
      '',
      '1e9',
      '٣',
      ['0', '1'],
      { A: '1' },
      '0',
      '1',
      '2',
      '7 7',
      '00000000000000000000',
    ];
    const value = this.#pick(values);
    this.#note(`VM ${node.vm.id} is made to claim ${JSON.stringify(value)}`);
    node.vm.template.FL_PARTITION_ID = value;
  }

  outage(which: 'down' | 'unreadable'): void {
    this.#note(`OneGate is ${which}`);
    this.zone[which] = true;
    this.#after(2_000 + this.random() * 40_000, () => {
      this.zone[which] = false;
    });
  }

  #nodeOf = (vm: SmallVm): Node => this.nodes.find((node) => node.vm === vm)!;

  #after(ms: number, what: () => void): void {
    this.#endings.push(this.clock.sleep(ms).then(what));
  }

  disturb(): void {
    const { staying } = this;
    for (const node of staying) node.snapshots.push(node.disk);
    const node = this.#pick(staying);
    const dice = this.random();
    if (node === undefined || dice < 0.2) this.scaleUp(1 + Math.floor(this.random() * 3));
    else if (dice < 0.25) this.scaleUp(1 + Math.floor(this.random() * 2), node);
    else if (dice < 0.4) this.scaleDown(1 + Math.floor(this.random() * Math.min(3, staying.length)));
    else if (dice < 0.5) this.terminate(node);
    else if (dice < 0.62) this.reboot(node, 'crashes');
    else if (dice < 0.72) this.reboot(node, 'is restored from a snapshot');
    else if (dice < 0.78) this.reboot(node, 'loses its disk');
    else if (dice < 0.92) this.nonsense(node);
    else if (dice < 0.96) this.outage('down');
    else this.outage('unreadable');
    if (this.staying.length > 9) this.scaleDown(4);
  }

  /** What is not as it should be now; undefined when each staying node has a partition of its own out of 0..N-1. */
  fault(): string | undefined {
    const { staying } = this;
    const count = staying.length;
    const partitions = staying.map((node) => node.inUse?.id);
    const wrong = staying.find((node) => node.inUse?.of !== count);
    if (wrong !== undefined) return `VM ${wrong.vm.id} counts ${wrong.inUse?.of} of ${count} nodes`;
    if (
      new Set(partitions).size !== count ||
      partitions.some((id) => id === undefined || id < 0 || id >= count)
    ) {
      return `the partitions are ${partitions.join(' ')}`;
    }
    // An attribute that occurs twice is read as its last value.
    const shown = ({ vm }: Node): unknown => [vm.template.FL_PARTITION_ID].flat().at(-1);
    const silent = staying.find((node) => shown(node) !== `${node.inUse?.id}`);
    return silent === undefined ? undefined : `VM ${silent.vm.id} publishes another partition than it has`;
  }

  /** Disturbances first, then quiet. */
  async run(disturbances: number): Promise<Outcome> {
    this.zone.serviceState = this.random() < 0.7 ? 1 : 2;
    this.scaleUp(1 + Math.floor(this.random() * 6));
    for (let n = 0; n < disturbances; n++) {
      await this.clock.advance(this.random() < 0.4 ? this.random() * 2_000 : this.random() * 60_000);
      this.zone.serviceState = 2;
      this.disturb();
    }
    await this.clock.run(Promise.all(this.#endings));
    // Quiet from here on. Everything is right at `right` and must stay so for six minutes, which is twice what a node lets pass between two readings of all claims.
    const quiet = this.clock.monotonicMs();
    this.#readings.clear();
    for (const node of this.nodes) node.restarts = 0;
    let right: number | undefined;
    let rounds = 0;
    for (
      let now = quiet;
      now - quiet < 1_200_000 && (right === undefined || now - right < 360_000);
      now = this.clock.monotonicMs()
    ) {
      await this.clock.advance(1_000);
      const fault = this.fault();
      if (fault !== undefined) right = undefined;
      else if (right === undefined) {
        right = this.clock.monotonicMs();
        rounds = Math.max(0, ...this.staying.map(({ vm }) => this.#readings.get(vm.id) ?? 0));
      }
      if (this.broken !== undefined) break;
    }
    const fault = this.broken === undefined ? this.fault() : `a node broke: ${String(this.broken)}`;
    const restarts = Math.max(0, ...this.staying.map((node) => node.restarts));
    for (const node of this.nodes) node.crash();
    return {
      fault,
      seconds: ((right ?? Number.NaN) - quiet) / 1000,
      rounds,
      restarts,
      nodes: this.staying.length,
    };
  }
}

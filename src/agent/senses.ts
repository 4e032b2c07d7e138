// What the agent sees of Flower and SuperExec: whether they serve, which of their processes have ended, and which hang.
import type { BootResult } from '../boot/boot.ts';
import { Problem } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import { type LiveFlowerState, liveFlowerState, unitOf, whyUnknown } from '../flower/state-file.ts';
import { SUPEREXEC_UNIT } from '../flower/superexec.ts';
import { superExecFiles } from '../flower/superexec-files.ts';
import { superExecServes } from '../flower/superexec-process.ts';
import { exists } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { processFacts } from '../host/process.ts';
import { loadImage } from '../vm/load.ts';
import { Ends } from './ends.ts';
import type { AgentEvent } from './life.ts';

/** A process that a signal has stopped for so long hangs. */
const STOPPED_MS = 10_000;

interface Seen {
  readonly pid: number;
  readonly started: number;
  /** The connection to the SuperLink was lost. */
  readonly disconnected: boolean;
}

interface Observation {
  /** Flower serves (was accepted) with the plan of the last boot, and the apps of runs can start. */
  readonly up: boolean;
  /** Flower serves, with whatever plan. */
  readonly flowerUp: boolean;
  /** Why not `up`. */
  readonly reason: string;
  readonly events: readonly AgentEvent[];
}

export class Senses {
  readonly #machine: Machine;
  readonly ends: Ends;
  #role: Role | undefined;
  /** The process of Flower that was seen last, and whether its ends are counted up to now. */
  #seen: Seen | undefined;
  #counted = false;
  /** The process that was found to hang: whatever it said last, it does not serve. */
  #hung: Seen | undefined;
  #stoppedSince: number | undefined;
  /** SuperExec served when it was looked at last. */
  #apps: boolean | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.ends = new Ends(machine);
  }

  /** Flower's process, seen last, was found to hang. */
  hangs(): void {
    this.#hung = this.#seen;
  }

  /** Whether what served a moment ago has ended or was stopped. Costs next to nothing. */
  async gone(): Promise<boolean> {
    if (this.#seen === undefined) return false;
    const facts = processFacts(this.#seen.pid);
    if (facts?.started !== this.#seen.started || facts.stopped) return true;
    return this.#apps === true && !(await superExecServes(this.#machine));
  }

  /** `booting`: a boot is under way, in which nothing is asked that a boot would have to wait for. */
  async observe(result: BootResult | undefined, booting: boolean): Promise<Observation> {
    const machine = this.#machine;
    const events: AgentEvent[] = [];
    const killed = booting ? 0 : this.ends.appsKilled();
    if (killed > 0)
      events.push({
        type: 'AppKilled',
        found: `the kernel has killed ${killed} process(es) of flower.slice`,
      });
    const flower = await liveFlowerState(machine);
    await this.#countEnds(flower, booting, events);
    const hangs = flower !== undefined && isSame(flower, this.#hung);
    const serves = flower?.up === true && !hangs && (result === undefined || flower.plan === result.planHash);
    const apps = !serves || (await this.#lookAtApps(events));
    if (!booting) this.#lookForStop(events);
    const flowerUp = flower?.up === true && !hangs;
    if (serves && apps) return { up: true, flowerUp, reason: '', events };
    const reason = !apps
      ? `${SUPEREXEC_UNIT}, which starts the apps, has ended or was stopped by a signal; it is started again`
      : hangs
        ? 'it does not answer; it is started again'
        : (flower?.detail ??
          (booting ? undefined : await whyUnknown(machine)) ??
          'its process is gone; systemd starts it again');
    return { up: false, flowerUp, reason, events };
  }

  async #countEnds(
    flower: LiveFlowerState | undefined,
    booting: boolean,
    events: AgentEvent[],
  ): Promise<void> {
    const before = this.#seen;
    const stopped = this.#isStopped();
    if (flower !== undefined)
      this.#seen = { pid: flower.pid, started: flower.started, disconnected: flower.phase === 'lost' };
    const another = before !== undefined && !stopped && !isSame(flower, before);
    // A boot must not wait for systemd before Flower has its plan.
    if (!(another || (!booting && !this.#counted))) return;
    this.#role ??= roleOf(this.#machine);
    if (this.#role === undefined) return;
    this.#counted = true;
    const end = await this.ends.read(unitOf(this.#role), before?.disconnected === true);
    if (end !== undefined) events.push({ type: 'FlowerEnded', end });
  }

  async #lookAtApps(events: AgentEvent[]): Promise<boolean> {
    if (!exists(superExecFiles(this.#machine.paths).plan)) {
      this.#apps = undefined;
      return true;
    }
    const serve = await superExecServes(this.#machine);
    if (!serve || !this.#apps) {
      const end = await this.ends.read(SUPEREXEC_UNIT, false);
      if (end !== undefined) events.push({ type: 'FlowerEnded', end });
    }
    this.#apps = serve;
    return serve;
  }

  #isStopped(): boolean {
    const facts = this.#seen && processFacts(this.#seen.pid);
    return facts?.started === this.#seen?.started && facts?.stopped === true;
  }

  #lookForStop(events: AgentEvent[]): void {
    const { clock } = this.#machine;
    if (!this.#isStopped()) {
      this.#stoppedSince = undefined;
      return;
    }
    this.#stoppedSince ??= clock.monotonicMs();
    if (clock.monotonicMs() - this.#stoppedSince < STOPPED_MS || this.#hung === this.#seen) return;
    const found = `process ${this.#seen?.pid} of Flower was stopped by a signal`;
    events.push({ type: 'NotAnswering', found, hung: true });
  }
}

const isSame = (one: Pick<Seen, 'pid' | 'started'> | undefined, other: Seen | undefined): boolean =>
  one !== undefined && one.pid === other?.pid && one.started === other.started;

function roleOf(machine: Machine): Role | undefined {
  const image = loadImage(machine);
  return image instanceof Problem ? undefined : image.role;
}

// Ends of Flower's processes that nobody asked for. systemd makes the difference: it counts only the restarts that it decides
// on itself (docs/facts.md, "restart-count"), not those of a `systemctl restart` or stop.
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { readFlowerState, unitOf } from '../flower/state-file.ts';
import { readText, writeAtomic } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { lastLines, unitState } from '../host/systemd.ts';
import { type FlowerEnd, NO_TROUBLES, type Troubles, withEnd } from './troubles.ts';

/** The launcher ends a Flower that has to begin anew with this status. */
const EXIT_RESTART = 75;
const LINES = 10;

const schema = z.lazy(() =>
  z.object({
    version: z.literal(1),
    /** By unit: how many restarts of systemd have been counted as ends. */
    counted: z.record(z.string(), z.int().min(0)),
    /** How many processes that the kernel killed for memory have been reported. */
    killed: z.int().min(0),
    ends: z.array(
      z.object({
        at: z.iso.datetime(),
        unit: z.string(),
        result: z.string(),
        status: z.int(),
        outOfMemory: z.boolean(),
      }),
    ),
  }),
);

type Content = z.infer<typeof schema>;

/** No ends of an hour ago are of interest, and a loop makes some hundred in that time. */
const MOST = 20;

export class Ends {
  readonly #machine: Machine;
  #content: Content = { version: 1, counted: {}, killed: 0, ends: [] };
  /** The kernel's count of processes that it killed for memory, and when it last grew. */
  #kills = 0;
  #killedAt = Number.NEGATIVE_INFINITY;

  constructor(machine: Machine) {
    this.#machine = machine;
    const { ends } = machine.paths;
    this.#content = parseJson(readText(ends, { owner: 'own' }), schema) ?? this.#content;
  }

  /** What an earlier process of the agent has counted since the VM was switched on. */
  earlier(): Troubles {
    const { clock } = this.#machine;
    const now = clock.now().getTime();
    return this.#content.ends.reduce((before, { at, ...end }) => {
      const ago = Math.max(0, now - Date.parse(at));
      return withEnd(before, { ...end, lines: [] }, clock.monotonicMs() - ago);
    }, NO_TROUBLES);
  }

  /**
   * The end of a unit's process since the last call, if there was one. To be called when the process is another one than
   * before, or none. `wasLost`: a SuperNode lost its connection before: then a process that starts over is no failure.
   */
  async read(unit: string, wasLost: boolean): Promise<FlowerEnd | undefined> {
    const { restarts, sub, result, exitStatus, active } = await unitState(unit);
    // systemd did not answer.
    if (active === 'unknown') return undefined;
    const pending = sub.includes('auto-restart');
    const count = restarts + Number(pending);
    const before = this.#content.counted[unit] ?? 0;
    if (count === before) return undefined;
    this.#content.counted[unit] = count;
    const readable = pending || active === 'failed';
    const isLost = wasLost || (await this.#lostConnection(unit));
    // A lower count: somebody has started the unit anew.
    const startsOver = isLost && (!readable || (result === 'exit-code' && exitStatus === EXIT_RESTART));
    if (count < before || startsOver) {
      this.#write();
      return undefined;
    }
    const outOfMemory = this.#killedLately() && (!readable || exitStatus === 9);
    if (outOfMemory) this.#content.killed = this.#kills;
    const end = {
      unit,
      result: readable ? result : 'unknown',
      status: readable ? exitStatus : 0,
      outOfMemory,
    };
    this.#content.ends = [
      ...this.#content.ends.slice(1 - MOST),
      { at: this.#machine.clock.now().toISOString(), ...end },
    ];
    this.#write();
    return { ...end, lines: await lastLines(unit, LINES) };
  }

  /** How many processes the kernel has killed for memory without an end of Flower; 0 when no news. */
  appsKilled(): number {
    const text = readText(this.#machine.paths.memoryEvents);
    const count = Number(/^oom_kill (\d+)$/m.exec(text ?? '')?.[1] ?? Number.NaN);
    if (Number.isNaN(count)) return 0;
    const now = this.#machine.clock.monotonicMs();
    if (count > Math.max(this.#kills, this.#content.killed)) this.#killedAt = now;
    this.#kills = count;
    // A large process takes a while to end: then it is Flower's end, and not that of an app.
    if (this.#killedLately()) return 0;
    const news = count - this.#content.killed;
    if (news === 0) return 0;
    this.#content.killed = count;
    this.#write();
    return Math.max(0, news);
  }

  /** Whether the last words of a SuperNode are that it lost its connection. */
  async #lostConnection(unit: string): Promise<boolean> {
    if (unit !== unitOf('supernode')) return false;
    const state = await readFlowerState(this.#machine);
    return state?.phase === 'lost' || (state?.detail.includes('no link to the SuperLink') ?? false);
  }

  #killedLately = (): boolean =>
    this.#kills > this.#content.killed && this.#machine.clock.monotonicMs() - this.#killedAt < 10_000;

  #write(): void {
    const { ends } = this.#machine.paths;
    try {
      writeAtomic(ends, `${JSON.stringify(this.#content)}\n`, { mode: 0o600, durable: false });
    } catch {
      // Only the next process of the agent would read it; the status file reports that the folder cannot be written.
    }
  }
}

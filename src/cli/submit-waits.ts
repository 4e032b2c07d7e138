// Prints what a run waits for: at the beginning, when it changes, and each minute.
import { plain } from '../core/text.ts';
import { CONNECTION } from '../flower/flwr.ts';
import { asksNodes, logText, type NodesWanted, waitingIn } from '../flower/rounds.ts';
import type { Machine } from '../host/machine.ts';
import type { RunResult } from '../host/process.ts';
import { missingNodes, nodesIn, onlineOf, readService } from './missing-nodes.ts';
import { type RunSetting, runsIn } from './submission.ts';
import { printErrorText } from './terminal.ts';

const REPEAT_MS = 60_000;
/** A run without a line of its log for so long is examined. A ServerApp starts within 2 to 5 s. */
const SILENT_MS = 20_000;
const CHECK_EVERY_MS = 500;

/** The settings of strategies that need so many SuperNodes online. */
const MINIMA = new Set(['min-available-clients', 'min-fit-clients', 'min-evaluate-clients']);

export class Waits {
  readonly #machine: Machine;
  readonly #flwr: (args: readonly string[]) => Promise<RunResult>;
  readonly #needed: number;
  #id: string | undefined;
  #lineAt: number;
  #asked = false;
  #waiting: NodesWanted | undefined;
  #printed = { what: '', at: 0 };

  /** `flwr`: runs a command of Flower. `settings`: those of the run. */
  constructor(
    machine: Machine,
    flwr: (args: readonly string[]) => Promise<RunResult>,
    settings: readonly RunSetting[],
  ) {
    this.#machine = machine;
    this.#flwr = flwr;
    this.#needed = Math.max(0, ...settings.filter(([key]) => MINIMA.has(key)).map(([, n]) => Number(n) || 0));
    this.#lineAt = machine.clock.monotonicMs();
  }

  /** Reads a line of the log of run `id`. False: do not show it, because Flower repeats it each second. */
  sees(line: string, id: string): boolean {
    const text = logText(line);
    const before = this.#waiting;
    this.#id = id;
    this.#lineAt = this.#machine.clock.monotonicMs();
    this.#waiting = waitingIn(text);
    this.#asked ||= asksNodes(text);
    return (
      this.#waiting === undefined ||
      before?.online !== this.#waiting.online ||
      before.needed !== this.#waiting.needed
    );
  }

  /** Prints it until the signal is aborted. */
  async report(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const found = await this.findings();
      if (found.length > 0 && !signal.aborted) printErrorText(found.join('\n  '));
      await this.#machine.clock.sleep(CHECK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  /** What is to be printed now. @internal */
  async findings(): Promise<string[]> {
    const silent = this.#machine.clock.monotonicMs() - this.#lineAt >= SILENT_MS;
    if (this.#waiting !== undefined && !silent) return this.#nodes(this.#waiting, 'waiting for SuperNodes');
    return silent && this.#id !== undefined && !this.#asked ? this.#silent(this.#id) : [];
  }

  async #nodes(wanted: NodesWanted, title: string, listed?: ReturnType<typeof nodesIn>): Promise<string[]> {
    if (!this.#due(`${wanted.online}/${wanted.needed}`)) return [];
    const nodes = listed ?? (await this.#listed());
    const missing = missingNodes(wanted, await readService(this.#machine), nodes ?? []);
    return [`${title}: ${wanted.online} of ${wanted.needed} online`, ...missing];
  }

  /** No line of the strategy: the run has not started, or its log does not show one (FL_LOG_LEVEL). */
  async #silent(id: string): Promise<string[]> {
    if (this.#machine.clock.monotonicMs() - this.#printed.at < REPEAT_MS && this.#printed.what !== '')
      return [];
    const runs = runsIn((await this.#flwr(['list', CONNECTION, '--format', 'json'])).stdout);
    const status = runs.find((run) => run['run-id'] === id)?.status;
    if (status === 'pending' || status === 'starting') {
      if (!this.#due(status)) return [];
      const others = runs.filter((run) => run['run-id'] !== id && !run.status.startsWith('finished'));
      const active = others.map((run) => run['run-id']).join(', ');
      return [
        `run ${id} is ${status}: the SuperLink has not started its ServerApp yet`,
        others.length === 0
          ? 'no other run is active: check `flower-context doctor`'
          : `other active runs: ${plain(active)}`,
      ];
    }
    const listed = status === 'running' ? await this.#listed() : undefined;
    const online = listed === undefined ? this.#needed : onlineOf(listed);
    this.#due('silent');
    return online < this.#needed
      ? this.#nodes(
          { online, needed: this.#needed },
          'SuperNodes that the settings of the run ask for',
          listed,
        )
      : [];
  }

  async #listed(): Promise<ReturnType<typeof nodesIn>> {
    return nodesIn((await this.#flwr(['supernode', 'list', CONNECTION, '--format', 'json'])).stdout);
  }

  /** Whether this is news, or a minute old. */
  #due(what: string): boolean {
    const now = this.#machine.clock.monotonicMs();
    if (what === this.#printed.what && now - this.#printed.at < REPEAT_MS) return false;
    this.#printed = { what, at: now };
    return true;
  }
}

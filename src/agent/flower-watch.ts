// Asks again and again whether a Flower that serves makes progress: it can hang although its process runs. systemd's watchdog
// asks the launcher, which lives in that process. The agent is the second witness, and withdraws READY.
import { withJitter } from '../core/jitter.ts';
import { type FlowerEndpoints, trustedCa } from '../flower/endpoints.ts';
import { callFleetOnce } from '../flower/probe.ts';
import { profileFor } from '../flower/profiles.ts';
import { type LiveFlowerState, liveFlowerState } from '../flower/state-file.ts';
import { readText, unlessUnfit } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';

/** Between two calls, with jitter: with the limits below a hung Flower is reported within two minutes. */
const CALL_EVERY_MS = 60_000;
const CALL_AGAIN_MS = 5_000;
/** Not of the injected clock: a call takes its time. */
const CALL_LIMIT_MS = 15_000;
/** One call can be lost on a busy machine. */
const FAILURES = 2;

interface Watch {
  readonly machine: Machine;
  readonly endpoints: FlowerEndpoints;
  /** Seconds that a SuperNode's connection may be silent: the keepalive time and its timeout. */
  readonly keepaliveSeconds: number;
  readonly signal: AbortSignal;
  readonly notAnswering: (found: string, hung: boolean) => void;
}

/** Until `signal` is aborted. Never throws. */
export async function watchFlower(watch: Watch): Promise<void> {
  try {
    await (watch.endpoints.role === 'superlink' ? callSuperLink(watch) : readSuperNode(watch));
  } catch (error) {
    if (!watch.signal.aborted) throw error;
  }
}

/** The launcher ends a Flower that has not answered it for 45 s, and writes an answer some seconds after it. */
const SILENT_LAUNCHER_MS = 55_000;

async function callSuperLink({ machine, endpoints, signal, notAnswering }: Watch): Promise<never> {
  const { clock, random } = machine;
  let failures = 0;
  let firstMs = 0;
  const launcher = new LastAnswer(machine);
  for (;;) {
    await clock.sleep(failures === 0 ? withJitter(CALL_EVERY_MS, random) : CALL_AGAIN_MS, signal);
    await launcher.read();
    if (failures === 0) firstMs = clock.monotonicMs();
    const caFile = trustedCa(endpoints);
    // Without a CA that can be read the call fails, and the launcher, which needs none, decides.
    const ca = caFile === undefined ? null : (unlessUnfit(() => readText(caFile)) ?? '');
    const { transport } = profileFor(endpoints.flower_version);
    const answer = await callFleetOnce(machine.host, { ...endpoints.endpoint, ca }, transport, CALL_LIMIT_MS);
    signal.throwIfAborted();
    // The boot judges the dates of this VM's own certificates, and whether its clock can be right.
    if (answer.ok || (answer.byDates && !hasOperatorCertificate(endpoints))) {
      failures = 0;
      continue;
    }
    failures++;
    const state = await launcher.read();
    if (failures < FAILURES || !state?.up) continue;
    // The launcher has got an answer meanwhile: Flower works, but not at the address that SuperNodes dial.
    const works = launcher.answeredMs > firstMs;
    if (!works && clock.monotonicMs() - launcher.answeredMs < SILENT_LAUNCHER_MS) continue;
    const why = ca === '' ? `there is no CA in ${caFile} to verify it with` : `it ${answer.reason}`;
    const calls = `${failures} calls of the Fleet API failed: ${why}`;
    notAnswering(works ? `${calls}; Flower answers at its loopback address` : calls, !works);
  }
}

/** When Flower last answered its launcher. */
class LastAnswer {
  readonly #machine: Machine;
  #value: string | undefined;
  /** In ms of the monotonic clock. */
  answeredMs: number;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.answeredMs = machine.clock.monotonicMs();
  }

  async read(): Promise<LiveFlowerState | undefined> {
    const state = await liveFlowerState(this.#machine);
    const value = state?.answered_at ?? undefined;
    if (value !== undefined && value !== this.#value) {
      this.#value = value;
      // Both of the system's clock. With one that was set in between the moment is not known: it is now.
      const ago = Date.now() - Date.parse(value);
      this.answeredMs = this.#machine.clock.monotonicMs() - (ago > 0 && ago < CALL_EVERY_MS ? ago : 0);
    }
    return state;
  }
}

const hasOperatorCertificate = ({ tls, role }: FlowerEndpoints): boolean =>
  role === 'superlink' && tls !== null && tls.fleet.certificate !== tls.loopback.certificate;

const READ_EVERY_MS = 5_000;
/** The launcher counts 45 s without a call as no progress; the state is written some seconds later. */
const SILENT_MS = 75_000;

/** A SuperNode is never called. The launcher reports when a call to the Fleet API began or ended, good or bad. */
async function readSuperNode({ machine, keepaliveSeconds, signal, notAnswering }: Watch): Promise<never> {
  const { clock } = machine;
  const limit = Math.max(SILENT_MS, (keepaliveSeconds + 15) * 1_000);
  let last: string | undefined;
  let silent = 0;
  let lookedAt = clock.monotonicMs();
  for (;;) {
    await clock.sleep(READ_EVERY_MS, signal);
    const { answered_at: at, up } = (await liveFlowerState(machine)) ?? {};
    // More was a pause of the VM, in which Flower could call as little as the agent could look.
    silent += Math.min(clock.monotonicMs() - lookedAt, 2 * READ_EVERY_MS);
    lookedAt = clock.monotonicMs();
    if (at !== last || !up) {
      last = at ?? undefined;
      silent = 0;
    }
    if (last === undefined || silent < limit) continue;
    notAnswering(`this SuperNode has not called the SuperLink for ${Math.round(silent / 1_000)} s`, true);
    silent = 0;
  }
}

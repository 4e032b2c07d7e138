// Asks again and again whether a Flower that serves makes progress: it can hang although its process runs. systemd's watchdog
// asks the launcher, which lives in that process. The agent is the second witness, and withdraws READY.
import { withJitter } from '../core/jitter.ts';
import { type FlowerEndpoints, trustedCa } from '../flower/endpoints.ts';
import { callFleetOnce } from '../flower/probe.ts';
import { liveFlowerState } from '../flower/state-file.ts';
import { readText } from '../host/files.ts';
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

async function callSuperLink({ machine, endpoints, signal, notAnswering }: Watch): Promise<never> {
  const { clock, random } = machine;
  let failures = 0;
  let failingSince = 0;
  for (;;) {
    await clock.sleep(failures === 0 ? withJitter(CALL_EVERY_MS, random) : CALL_AGAIN_MS, signal);
    const began = clock.now().getTime();
    const caFile = trustedCa(endpoints);
    const ca = caFile === undefined ? null : (readText(caFile) ?? '');
    const answer = await callFleetOnce({ ...endpoints.endpoint, ca }, CALL_LIMIT_MS);
    signal.throwIfAborted();
    if (answer.ok) {
      failures = 0;
      continue;
    }
    if (failures++ === 0) failingSince = began;
    const state = await liveFlowerState(machine);
    if (failures < FAILURES || !state?.up) continue;
    // The launcher has got an answer meanwhile: Flower works, but not at the address that SuperNodes dial.
    const works = Date.parse(state.answered_at ?? '') > failingSince;
    const calls = `${failures} calls of the Fleet API got no answer: it ${answer.reason}`;
    notAnswering(works ? `${calls}; Flower answers at its loopback address` : calls, !works);
  }
}

const READ_EVERY_MS = 5_000;
/** The launcher counts 45 s without a call as no progress; the state is written some seconds later. */
const SILENT_MS = 75_000;

/** A SuperNode is never called. The launcher reports when a call to the Fleet API began or ended, good or bad. */
async function readSuperNode({ machine, keepaliveSeconds, signal, notAnswering }: Watch): Promise<never> {
  const { clock } = machine;
  const limit = Math.max(SILENT_MS, (keepaliveSeconds + 15) * 1_000);
  let last: string | undefined;
  let since = clock.monotonicMs();
  for (;;) {
    await clock.sleep(READ_EVERY_MS, signal);
    const { answered_at: at, up } = (await liveFlowerState(machine)) ?? {};
    if (at !== last || !up) {
      last = at ?? undefined;
      since = clock.monotonicMs();
    }
    if (last === undefined) continue;
    // Both clocks: the one of the day may be set, and the other one does not say when the launcher wrote.
    const silent = Math.min(clock.monotonicMs() - since, clock.now().getTime() - Date.parse(last));
    if (silent < limit) continue;
    notAnswering(`this SuperNode has not called the SuperLink for ${Math.round(silent / 1_000)} s`, true);
    since = clock.monotonicMs();
  }
}

// link.json: the state of Flower, which the launcher writes from inside Flower's process (appliance/lib/flower_launch/
// state_file.py). Other processes of Flower's user cannot write it. Every other file reads it through this one.
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { ROLES, type Role } from '../core/role.ts';
import { plain } from '../core/text.ts';
import { readText, watchFile } from '../host/files.ts';
import { type Machine, sha256 } from '../host/machine.ts';
import type { Paths } from '../host/paths.ts';
import { processFacts } from '../host/process.ts';

export const unitOf = (role: Role): string => `flower-${role}.service`;

/** How a SuperNode ends that is not to be started again: FL_MAX_RETRIES or FL_MAX_WAIT_TIME is reached (flower_launch/limits.py). */
export const EXIT_LIMIT = 69;

/** Flower repeats what its peer and its apps say. */
const text = z.lazy(() => z.string().transform((given) => plain(given)));
const option = z.lazy(() => z.tuple([text, z.union([z.number(), text])]));
/** Flower sets five. */
const options = z.lazy(() => z.array(option).max(64));

const stateSchema = z.lazy(() =>
  z.object({
    version: z.literal(1),
    pid: z.int().positive(),
    /** When that process was started, in clock ticks since the kernel's boot: with it, the number names one process only. */
    started: z.int().nonnegative(),
    /** SHA-256 (hex) of the plan of this process; null while it waits for one. */
    plan: z.nullable(z.string().regex(/^[0-9a-f]{64}$/)),
    phase: z.enum(['waiting', 'starting', 'serving', 'accepted', 'lost', 'ended']),
    /** When this phase began. */
    since: z.iso.datetime(),
    /** Flower's id of this SuperNode, a 64-bit number; null before it was accepted. */
    node_id: z.nullable(z.string().regex(/^\d{1,20}$/)),
    /**
     * SuperLink: when a call of the launcher itself to the Fleet API was last answered. SuperNode: when a call to the Fleet API
     * last began or ended, successful or not. Undefined: the launcher of an earlier package does not say.
     */
    answered_at: z.optional(z.nullable(z.iso.datetime())),
    /** SuperNode: the messages pulled and not yet answered, and when the last one was pulled. SuperLink: null. */
    messages: z.optional(
      z.nullable(z.object({ open: z.int().nonnegative(), last_at: z.nullable(z.iso.datetime()) })),
    ),
    /** One sentence for a person. */
    detail: text,
    /** The options in force: of the Fleet API's server, of the connection to it. */
    options: z.object({ server: options, client: options }),
  }),
);

/** The launcher of an earlier package calls the options `grpc`. It runs on until Flower is restarted. */
const recordSchema = z.lazy(() =>
  z.preprocess(
    (given) =>
      typeof given === 'object' && given !== null && 'grpc' in given
        ? { options: given.grpc, ...given }
        : given,
    stateSchema,
  ),
);

export type FlowerState = z.infer<typeof stateSchema>;

/** A record has 4096 bytes. */
const MAX_BYTES = 64 * 1024;

/** The text of a record: a line of JSON, and a line with its SHA-256. Undefined when it is not one. @internal */
export function parseFlowerState(text: string | undefined): FlowerState | undefined {
  const [content, checksum] = text?.split('\n', 2) ?? [];
  return content === undefined || sha256(content) !== checksum ? undefined : parseJson(content, recordSchema);
}

/** The record of a state, for tests that have no launcher. @internal */
export function formatFlowerState(state: FlowerState): string {
  const content = JSON.stringify(state).padEnd(4030);
  return `${content}\n${sha256(content)}\n`;
}

/** A record is not replaced in one step, so a reader can meet half of one. */
const READS = 10;
const READ_AGAIN_MS = 20;

/** What was written last, by whatever process of the unit, which may have ended; undefined when there is no whole record. */
export async function readFlowerState({
  paths,
  clock,
}: Pick<Machine, 'paths' | 'clock'>): Promise<FlowerState | undefined> {
  for (let reads = 1; ; reads++) {
    const text = textOf(paths);
    const state = parseFlowerState(text);
    if (state !== undefined || text === undefined || reads === READS) return state;
    await clock.sleep(READ_AGAIN_MS);
  }
}

/** Undefined when no launcher has written since the VM started. */
function textOf({ flowerLink }: Paths): string | undefined {
  try {
    const text = readText(flowerLink, { most: MAX_BYTES, owner: 'own' });
    return text === '' ? undefined : text;
  } catch {
    return 'not a file of this size';
  }
}

/** `up`: the SuperLink serves, or the SuperNode is accepted. */
export type LiveFlowerState = FlowerState & { readonly up: boolean };

/** The process that systemd has named as the main process of Flower's unit, per machine: asked once for each process. */
const confirmed = new WeakMap<object, string>();

/**
 * The state of the main process of Flower's unit. Undefined when it does not run, is stopped, or has not reported.
 * `mainPid`: that process, where systemd has just named it.
 */
export async function liveFlowerState(
  machine: Machine,
  mainPid?: number,
): Promise<LiveFlowerState | undefined> {
  const state = await readFlowerState(machine);
  if (state === undefined) return undefined;
  const { pid, started, phase } = state;
  const facts = processFacts(pid);
  if (facts?.started !== started || facts.stopped) return undefined;
  const process = `${pid} ${started}`;
  if (confirmed.get(machine.host) !== process) {
    if (!(mainPid === undefined ? await mainPids(machine) : [mainPid]).includes(pid)) return undefined;
    confirmed.set(machine.host, process);
  }
  return { ...state, up: phase === 'serving' || phase === 'accepted' };
}

const mainPids = ({ host }: Machine): Promise<readonly number[]> => host.mainPids(ROLES.map(unitOf));

/** Why nothing is known of a Flower whose process runs, as a clause. Undefined when none runs, or its state is known. */
export async function whyUnknown(machine: Machine): Promise<string | undefined> {
  const pid = (await mainPids(machine)).find((one) => one > 0);
  if (pid === undefined || (await liveFlowerState(machine))?.pid === pid) return undefined;
  if (processFacts(pid)?.stopped) return `process ${pid} of Flower was stopped by a signal`;
  const state = await readFlowerState(machine);
  const holds = state === undefined ? 'no valid state' : `the state of another process (${state.pid})`;
  return `process ${pid} of Flower runs, but ${machine.paths.flowerLink} has ${holds}`;
}

/** So many changes are noticed at once; after them one a second. */
const AT_ONCE = 5;
const CHANGE_MS = 1_000;

/** Calls `changed` when the state may have changed, however often it is written. Returns a function that ends the watch. */
export function watchFlowerState({ paths, clock }: Machine, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let paidUntil = 0;
  const notice = (): void => {
    if (timer !== undefined) return;
    const now = clock.monotonicMs();
    paidUntil = Math.max(paidUntil, now) + CHANGE_MS;
    const wait = paidUntil - now - AT_ONCE * CHANGE_MS;
    const late = (): void => {
      timer = undefined;
      changed();
    };
    if (wait <= 0) changed();
    else timer = setTimeout(late, wait).unref();
  };
  const end = watchFile(paths.flowerLink, notice);
  return () => {
    clearTimeout(timer);
    end();
  };
}

// link.json: the state of Flower, which the launcher writes from inside Flower's process. It replaces the file atomically.
import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { attempt, Problem } from '../core/problem.ts';
import { plain } from '../core/text.ts';
import { readText } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { isAlive } from '../host/process.ts';

/** Apps share the user of Flower and can write this file: its texts are those of others. */
const text = z.string().transform((given) => plain(given));
const option = z.tuple([text, z.union([z.number(), text])]);
/** Flower sets five. */
const options = z.array(option).max(64);

const stateSchema = z.object({
  version: z.literal(1),
  pid: z.int().positive(),
  /** SHA-256 (hex) of the plan of this process. */
  plan: z.string().regex(/^[0-9a-f]{64}$/),
  phase: z.enum(['starting', 'serving', 'accepted', 'lost', 'ended']),
  /** When this phase began. */
  since: z.iso.datetime(),
  /** Flower's id of this SuperNode, a 64-bit number; null before it was accepted. */
  node_id: z.nullable(z.string().regex(/^\d{1,20}$/)),
  /** One sentence for a person. */
  detail: text,
  /** The options in force: of the Fleet API's server, of the channel to it. */
  grpc: z.object({ server: options, client: options }),
});

export type FlowerState = z.infer<typeof stateSchema>;

/** Undefined when the text is not such a state. @internal */
export const parseFlowerState = (text: string | undefined): FlowerState | undefined =>
  parseJson(text, stateSchema);

/** The last state that was written, also after its process has ended; undefined when there is none. Never throws. */
export function readFlowerState(path: string): FlowerState | undefined {
  const found = attempt(() => readText(path, { most: 64 * 1024 }));
  return found instanceof Problem ? undefined : parseFlowerState(found);
}

/** `up`: the SuperLink serves, or the SuperNode is accepted. */
export type LiveFlowerState = FlowerState & { readonly up: boolean };

/** The state, if its process still exists: a killed Flower leaves the file behind. */
export function liveFlowerState({ flowerLink }: Paths): LiveFlowerState | undefined {
  const state = readFlowerState(flowerLink);
  if (state === undefined || !isAlive(state.pid)) return undefined;
  return { ...state, up: state.phase === 'serving' || state.phase === 'accepted' };
}

// link.json: the state of Flower, as the launcher writes it from inside Flower's process.
import * as z from 'zod';
import { readText } from '../host/files.ts';
import type { Paths } from '../host/paths.ts';
import { isAlive } from '../host/process.ts';

const option = z.tuple([z.string(), z.union([z.number(), z.string()])]);

const stateSchema = z.object({
  version: z.literal(1),
  pid: z.int().positive(),
  /** SHA-256 (hex) of the plan this process was started with. */
  plan: z.string().regex(/^[0-9a-f]{64}$/),
  phase: z.enum(['starting', 'serving', 'accepted', 'lost', 'ended']),
  /** When this phase began. */
  since: z.iso.datetime(),
  /** Flower's own id of this SuperNode; a 64-bit number, hence text. Null before it was ever accepted. */
  node_id: z.nullable(z.string().regex(/^\d+$/)),
  /** One sentence for a person. */
  detail: z.string(),
  /** What gRPC was really given: options of the Fleet server, of the channel to the Fleet API. */
  grpc: z.object({ server: z.array(option), client: z.array(option) }),
});

export type FlowerState = z.infer<typeof stateSchema>;

/** Undefined when the text is not such a state. The launcher replaces the file atomically, so it is never half written. */
export function parseFlowerState(text: string): FlowerState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { success, data } = stateSchema.safeParse(value);
  return success ? data : undefined;
}

/** The last state that was written, also after its process has ended; undefined when there is none. */
export function readFlowerState(path: string): FlowerState | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parseFlowerState(text);
}

export interface LiveFlowerState extends FlowerState {
  /** The SuperLink serves, or the SuperNode is accepted. */
  readonly up: boolean;
}

/** The state, if its process still exists: a killed Flower leaves the file behind. */
export function liveFlowerState({ flowerLink }: Paths): LiveFlowerState | undefined {
  const state = readFlowerState(flowerLink);
  if (state === undefined || !isAlive(state.pid)) return undefined;
  return { ...state, up: state.phase === 'serving' || state.phase === 'accepted' };
}

// The link file: what the launcher, inside Flower's process, says of the link between SuperNode and SuperLink.
import * as z from 'zod';

const option = z.tuple([z.string(), z.union([z.number(), z.string()])]);

const linkSchema = z.object({
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

export type FlowerState = z.infer<typeof linkSchema>;

/** The link file's content; undefined when it is not one (it is replaced atomically, so this means a foreign file). */
export function parseFlowerState(text: string): FlowerState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { success, data } = linkSchema.safeParse(value);
  return success ? data : undefined;
}

// Two generations of Flower do not understand each other: gRPC up to 1.39, HTTP from 1.40 on. A SuperNode of one at a
// SuperLink of the other tries again for ever, and Flower does not name the cause.
import { attempt, Problem } from '../core/problem.ts';
import type { GrpcTarget } from '../host/grpc.ts';
import type { Host } from '../host/host.ts';
import { callFleetOnce, GENERATIONS } from './probe.ts';
import { profileFor, TRANSPORTS, type Transport } from './profiles.ts';

/** How SuperNodes call a SuperLink of this version, X.Y.Z; undefined for one that this agent does not know. */
function transportOf(version: string | undefined): Transport | undefined {
  const found = version === undefined ? undefined : attempt(() => profileFor(version));
  return found instanceof Problem ? undefined : found?.transport;
}

const differs = (here: string, there: string): Problem =>
  new Problem('flower_generation_differs', {
    doing: 'comparing versions',
    found: `the SuperLink runs ${there}, this node Flower ${here}`,
    variable: 'FLOWER_VERSION',
  });

/** `here`: the version on this node, `there`: that of the SuperLink. Undefined also when one of them is not known. */
export function generationDiffers(here: string, there: string | undefined): Problem | undefined {
  const [own, other] = [transportOf(here), transportOf(there)];
  return own === undefined || other === undefined || own === other
    ? undefined
    : differs(here, `Flower ${there}`);
}

/** What a call has shown: the SuperLink is of the other generation, or not; undefined: that is not known. */
type Answer = { readonly problem: Problem | undefined } | undefined;

/**
 * Calls the Fleet API at `target` as a node of version `here` does, and after a failure as one of the other generation.
 * `published`: the version that the SuperLink publishes, if it does. `timeoutMs`: the limit of each call. Never throws.
 */
export async function askGeneration(
  host: Pick<Host, 'callGrpc' | 'callHttp'>,
  target: GrpcTarget,
  { here, published }: { readonly here: string; readonly published?: string | undefined },
  timeoutMs: number,
): Promise<Answer> {
  const own = transportOf(here);
  const other = TRANSPORTS.find((one) => one !== own);
  if (own === undefined || other === undefined) return undefined;
  if ((await callFleetOnce(host, target, own, timeoutMs)).ok) return { problem: undefined };
  if (!(await callFleetOnce(host, target, other, timeoutMs)).ok) return undefined;
  // What is published can be older than what answers.
  return { problem: generationDiffers(here, published) ?? differs(here, GENERATIONS[other]) };
}

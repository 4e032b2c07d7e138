import { Problem } from '../core/problem.ts';
import type { RetryPolicy } from '../onegate/client.ts';
import type { Vm } from '../onegate/replies.ts';
import { bootingAttributes, contradictsBooting } from './attributes.ts';
import type { CommonOutputs, StepTools } from './step.ts';

/** For what a boot must not wait for: a OneGate that refuses costs a second or two, one that hangs 10 s. */
export const BRIEF: RetryPolicy = { tries: 2, tryTimeoutMs: 5_000, firstWaitMs: 1_000, maxWaitMs: 2_000 };

/**
 * Publishes that this VM does not serve (yet): what an earlier boot or an earlier configuration left on OneGate is not true
 * any more. Nothing is sent when `stored`, what OneGate shows, does not contradict that. False when OneGate did not take
 * it; the boot continues.
 */
export async function unpublish(
  { read_context: { oneGate }, validate: config }: Pick<CommonOutputs, 'read_context' | 'validate'>,
  { checkpoint, degrade, notServing, signal }: StepTools,
  stored?: Vm,
): Promise<boolean> {
  notServing();
  // A failure later in this boot must not be taken for one of a VM that has published.
  checkpoint.forgetStep('publish');
  if (oneGate === undefined) return true;
  if (stored !== undefined && !contradictsBooting(stored, config)) return true;
  try {
    await oneGate.update(bootingAttributes(config, oneGate.vmId), { policy: BRIEF, signal });
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    degrade(error);
    return false;
  }
}

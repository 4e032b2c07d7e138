import { Problem } from '../core/problem.ts';
import type { Vm } from '../onegate/replies.ts';
import { bootingAttributes, contradictsBooting } from './attributes.ts';
import type { Knowledge } from './knowledge.ts';
import { BRIEF } from './onegate-policy.ts';
import type { StepTools } from './step.ts';

/**
 * Tells OneGate that this VM does not serve (yet): what an earlier boot or an earlier configuration left there is not
 * true any more. Nothing is sent when `stored`, what OneGate shows, does not contradict that. False when OneGate could not
 * be told; the boot goes on without.
 */
export async function unpublish(
  known: Knowledge,
  { checkpoint, degrade, closeGate, signal }: StepTools,
  stored?: Vm,
): Promise<boolean> {
  closeGate();
  // A failure later in this boot must not be taken for one of a VM that has published.
  checkpoint.forgetStep('publish');
  const oneGate = known.get('oneGate');
  if (oneGate === undefined) return true;
  if (stored !== undefined && !contradictsBooting(stored, known.get('config'))) return true;
  try {
    await oneGate.update(bootingAttributes(known.get('config'), oneGate.vmId), { policy: BRIEF, signal });
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    degrade(error);
    return false;
  }
}

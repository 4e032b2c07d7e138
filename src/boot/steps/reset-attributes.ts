import { Problem } from '../../core/problem.ts';
import { liveFlowerState } from '../../flower/state-file.ts';
import { ONCE, type RetryPolicy } from '../../onegate/client.ts';
import type { Vm } from '../../onegate/replies.ts';
import { bootingAttributes, contradictsBooting } from '../attributes.ts';
import { type CommonOutputs, type StepTools, stepOf } from '../step.ts';

/**
 * Withdraws whatever an earlier boot left on OneGate (READY survives a reboot and is part of a saved image). OneGate is
 * read first: a new VM has nothing to withdraw, and a reading costs oned less than an update. Without an answer the update
 * is sent. Not when Flower serves in this very boot: then nothing is to be withdrawn, and should Flower have to be started
 * again, that step withdraws.
 */
export const resetAttributes = stepOf<CommonOutputs>()({
  id: 'announce_booting',
  title: 'reset the OneGate attributes',
  needs: ['read_context', 'validate'],
  inputs: (_, { machine }) => ({ boot: machine.host.bootId() }),
  async run(outputs, tools) {
    const { oneGate } = outputs.read_context;
    if (oneGate === undefined)
      return { output: undefined, skipped: true, note: 'this VM has no OneGate token' };
    if (tools.unchanged && (await liveFlowerState(tools.machine))?.up)
      return { output: undefined, kept: true, note: 'Flower serves already' };
    const stored = await oneGate.vm({ policy: ONCE, signal: tools.signal }).catch((error: unknown) => {
      if (error instanceof Problem) return undefined;
      throw error;
    });
    return (await unpublish(outputs, tools, stored))
      ? { output: stored }
      : { output: stored, note: 'OneGate unreachable; continuing' };
  },
});

/** For what a boot must not wait for: a OneGate that refuses costs a second or two, one that hangs 10 s. */
export const BRIEF: RetryPolicy = { tries: 2, tryTimeoutMs: 5_000, firstWaitMs: 1_000, maxWaitMs: 2_000 };

/**
 * Publishes that this VM does not serve (yet): what an earlier boot or an earlier configuration left on OneGate is not true
 * any more. Nothing is sent when `stored`, what OneGate shows, does not contradict that. False when OneGate did not take
 * it; the boot continues.
 */
export async function unpublish(
  { read_context: { oneGate }, validate: config }: Pick<CommonOutputs, 'read_context' | 'validate'>,
  { checkpoint, degrade, notServing, repeatLater, signal, supervision }: StepTools,
  stored?: Vm,
): Promise<boolean> {
  notServing();
  repeatLater(undefined);
  // A failure later in this boot must not be taken for one of a VM that has published.
  checkpoint.forgetStep('publish');
  if (oneGate === undefined) return true;
  const error = supervision.error(false);
  if (stored !== undefined && !contradictsBooting(stored, config, error)) return true;
  const attributes = bootingAttributes(config, oneGate.vmId, error);
  try {
    await oneGate.update(attributes, { policy: BRIEF, signal });
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    degrade(error);
    // The boot may wait for hours before it publishes anything else.
    repeatLater((signal) => oneGate.update(attributes, { policy: BRIEF, signal }));
    return false;
  }
}

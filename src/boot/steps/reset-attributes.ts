import { Problem } from '../../core/problem.ts';
import { liveFlowerState } from '../../flower/state-file.ts';
import { ONCE, type OneGate } from '../../onegate/client.ts';
import type { Vm } from '../../onegate/replies.ts';
import { type CommonOutputs, stepOf } from '../step.ts';
import { unpublish } from '../unpublish.ts';

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
    if (tools.unchanged && liveFlowerState(tools.machine.paths)?.up)
      return { output: undefined, kept: true, note: 'Flower serves already' };
    const stored = await read(oneGate, tools.signal);
    return (await unpublish(outputs, tools, stored))
      ? { output: stored }
      : { output: stored, note: 'OneGate unreachable; continuing' };
  },
});

async function read(oneGate: OneGate, signal: AbortSignal): Promise<Vm | undefined> {
  try {
    return await oneGate.vm({ policy: ONCE, signal });
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

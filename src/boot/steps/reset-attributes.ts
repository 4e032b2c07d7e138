import { Problem } from '../../core/problem.ts';
import { liveFlowerState } from '../../flower/state-file.ts';
import { ONCE, type OneGate } from '../../onegate/client.ts';
import type { Vm } from '../../onegate/replies.ts';
import type { Step } from '../step.ts';
import { unpublish } from '../unpublish.ts';

/**
 * Withdraws whatever an earlier boot left on OneGate (READY survives a reboot and is part of a saved image). OneGate is
 * read first: a new VM has nothing to withdraw, and a reading costs oned less than an update. Without an answer the update
 * is sent. Not when Flower serves in this very boot: then nothing is to be withdrawn, and should Flower have to be started
 * anew, that step withdraws.
 */
export const resetAttributes: Step = {
  id: 'announce_booting',
  title: 'announce the boot on OneGate',
  needs: ['validate'],
  inputs: (_known, { host }) => ({ boot: host.bootId() }),
  async run(known, tools) {
    const oneGate = known.get('oneGate');
    if (oneGate === undefined) return { skipped: true, note: 'this VM has no OneGate token' };
    if (tools.unchanged && liveFlowerState(tools.machine.paths)?.up)
      return { kept: true, note: 'Flower serves already' };
    const stored = await read(oneGate, tools.signal);
    if (stored !== undefined) known.set('stored', stored);
    return (await unpublish(known, tools, stored)) ? {} : { note: 'OneGate does not know; the boot goes on' };
  },
};

async function read(oneGate: OneGate, signal: AbortSignal): Promise<Vm | undefined> {
  try {
    return await oneGate.vm({ policy: ONCE, signal });
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

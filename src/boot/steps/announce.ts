import { liveLink } from '../live-link.ts';
import type { Step } from '../step.ts';
import { withdraw } from '../withdraw.ts';

/**
 * Withdraws whatever an earlier life left on OneGate (READY survives a reboot and is part of a saved image:
 * facts/opennebula.md 6.2). Not when Flower serves in this very boot: then nothing is to be withdrawn, and should
 * Flower have to be started anew, that step withdraws.
 */
export const announceBooting: Step = {
  id: 'announce_booting',
  title: 'announce the boot on OneGate',
  needs: ['validate'],
  inputs: (_known, { host }) => ({ boot: host.bootId() }),
  async run(known, tools) {
    if (known.get('oneGate') === undefined) return { skipped: true, note: 'this VM has no OneGate token' };
    if (tools.unchanged && liveLink(tools.machine.paths)?.good)
      return { kept: true, note: 'Flower serves already' };
    return (await withdraw(known, tools)) ? {} : { note: 'OneGate does not know; the boot goes on' };
  },
};

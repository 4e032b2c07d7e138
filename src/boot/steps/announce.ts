import { bootId } from '../../host/machine.ts';
import { Problem } from '../../status/problem.ts';
import { bootingAttributes } from '../attributes.ts';
import { liveLink } from '../live-link.ts';
import { BRIEF } from '../onegate-policy.ts';
import type { Step } from '../step.ts';

/**
 * Withdraws whatever an earlier life left on OneGate (READY survives a reboot and is part of a saved image:
 * facts/opennebula.md 6.2). Not when this very boot already serves: then nothing is to be withdrawn.
 */
export const announceBooting: Step = {
  id: 'announce_booting',
  title: 'announce the boot on OneGate',
  needs: ['validate'],
  inputs: (known, { paths }) => ({ boot: bootId(paths), context: known.get('contextHash') }),
  async run(known, { machine, unchanged, degrade, signal }) {
    const oneGate = known.get('oneGate');
    if (oneGate === undefined) return { skipped: true, note: 'this VM has no OneGate token' };
    if (unchanged && liveLink(machine.paths)?.good) return { kept: true, note: 'it serves already' };
    try {
      await oneGate.update(bootingAttributes(known.get('config'), known.peek('raw')?.['VMID']), {
        policy: BRIEF,
        signal,
      });
      return {};
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      degrade(error);
      return { note: 'OneGate does not know; the boot goes on' };
    }
  },
};

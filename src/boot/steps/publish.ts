import { unitState } from '../../host/systemd.ts';
import type { OneGate } from '../../onegate/client.ts';
import { PUBLISHED } from '../../onegate/replies.ts';
import { Problem } from '../../status/problem.ts';
import { type Attributes, servingAttributes } from '../attributes.ts';
import type { Knowledge } from '../knowledge.ts';
import type { Step, StepResult, StepTools } from '../step.ts';

const CONTEXT_UNIT = 'one-context.service';

function publishStep(needs: Step['needs']): Step {
  return {
    id: 'publish',
    title: 'publish on OneGate',
    needs: [...needs, 'announce_booting'],
    inputs: (known, { host }) => ({
      boot: host.bootId(),
      attributes: known.get('oneGate') && servingAttributes(known),
    }),
    async run(known, tools) {
      known.set('published', false);
      const result = await publishOnce(known, tools);
      if (known.get('published')) tools.openGate();
      return result;
    },
  };
}

async function publishOnce(known: Knowledge, { unchanged, degrade, signal }: StepTools): Promise<StepResult> {
  const oneGate = known.get('oneGate');
  if (oneGate === undefined) {
    known.set('published', true);
    return { skipped: true, note: 'this VM has no OneGate token' };
  }
  const attributes = servingAttributes(known);
  try {
    const kept = unchanged && (await isStored(known, oneGate, attributes));
    if (!kept) await oneGate.update(attributes, { serving: true, signal });
    known.set('published', true);
    if (kept) return { kept };
  } catch (error) {
    // OneGate will take it neither later: that is no degradation to wait out.
    if (!(error instanceof Problem) || error.code === 'onegate_value_refused') throw error;
    degrade(error);
    return { note: 'it serves, but OneGate does not know yet; the agent keeps trying' };
  }
  return { note: `${Object.keys(attributes).length} attributes in one update` };
}

async function isStored(known: Knowledge, oneGate: OneGate, attributes: Attributes): Promise<boolean> {
  const stored = (await oneGate.vm()).attributes;
  known.set('readyStored', stored.get('READY') === 'YES');
  return PUBLISHED.every((name) => attributes[name] === undefined || stored.get(name) === attributes[name]);
}

export const publishSuperLink = publishStep(['await_fleet_api']);
export const publishSuperNode = publishStep(['await_registration']);

/** net-99 tries three times, ten seconds apart; after that only the agent can still report. */
const ONE_CONTEXT_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 150;

/**
 * READY=YES, last of all. While one-context is still at work its own ready script reports; afterwards the agent does so
 * too, because one-context may have given up or not be there, and saying it twice is harmless (decision 4).
 */
export const ready: Step = {
  id: 'ready',
  title: 'report READY',
  needs: ['publish'],
  // Once is enough, until it is withdrawn or somebody else has taken it back.
  inputs: (known, { host }) => ({
    boot: host.bootId(),
    due: known.get('oneGate') !== undefined && known.get('config').REPORT_READY && known.get('published'),
  }),
  async run(known, { machine, signal, wait, degrade, unchanged }) {
    const config = known.get('config');
    const oneGate = known.get('oneGate');
    if (oneGate === undefined) return { skipped: true, note: 'this VM has no OneGate token' };
    if (!config.REPORT_READY) return { skipped: true, note: 'REPORT_READY is not YES' };
    // READY=YES alone would open the gate for SuperNodes that then find no address (decision 5).
    if (!known.get('published')) return { skipped: true, note: 'not before the rest is published' };
    if (unchanged && known.peek('readyStored') !== false) return { kept: true };
    const until = new Date(machine.clock.now().getTime() + ONE_CONTEXT_WITHIN_MS);
    try {
      while ((await unitState(CONTEXT_UNIT)).active === 'activating' && machine.clock.now() < until) {
        wait({
          for: 'one-context to run its ready script',
          until,
          check: `systemctl status ${CONTEXT_UNIT}`,
        });
        await machine.clock.sleep(LOOK_EVERY_MS, signal);
      }
      wait(undefined);
      await oneGate.update({ READY: 'YES' }, { serving: true, signal });
      return {};
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      degrade(error);
      return { note: 'not reported yet; the agent keeps trying' };
    }
  },
};

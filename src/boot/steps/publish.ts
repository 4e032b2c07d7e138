import { Problem } from '../../core/problem.ts';
import type { OneGate } from '../../onegate/client.ts';
import { PUBLISHED } from '../../onegate/replies.ts';
import { type Attributes, servingAttributes } from '../attributes.ts';
import type { Knowledge } from '../knowledge.ts';
import type { Step, StepResult, StepTools } from '../step.ts';

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
    const kept = unchanged && (await isStored(oneGate, attributes));
    if (!kept) await oneGate.update(attributes, { serving: true, signal });
    known.set('published', true);
    if (kept) return { kept };
  } catch (error) {
    // OneGate will take it neither later: that is no degradation to wait out.
    if (!(error instanceof Problem) || error.code === 'onegate_value_refused') throw error;
    degrade(error);
    return { note: 'it serves, but OneGate does not know yet; the agent keeps trying' };
  }
  const count = `${Object.keys(attributes).length} attributes in one update`;
  return { note: attributes['READY'] === undefined ? count : `${count}, READY=YES among them` };
}

async function isStored(oneGate: OneGate, attributes: Attributes): Promise<boolean> {
  const stored = (await oneGate.vm()).attributes;
  return PUBLISHED.every((name) => attributes[name] === undefined || stored.get(name) === attributes[name]);
}

export const publishSuperLink = publishStep(['await_fleet_api']);
export const publishSuperNode = publishStep(['await_registration']);

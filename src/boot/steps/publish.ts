import { Problem } from '../../core/problem.ts';
import type { OneGate } from '../../onegate/client.ts';
import { PUBLISHED } from '../../onegate/replies.ts';
import { type Attributes, superLinkAttributes, superNodeAttributes } from '../attributes.ts';
import {
  type CommonOutputs,
  type StepResult,
  type StepTools,
  type SuperLinkOutputs,
  type SuperNodeOutputs,
  stepOf,
} from '../step.ts';

/** What both roles do with the attributes of their own. */
const publishing = <Needed extends Pick<CommonOutputs, 'read_context'>>(
  attributesOf: (outputs: Needed) => Attributes,
) => ({
  id: 'publish' as const,
  title: 'publish on OneGate',
  inputs: (outputs: Needed, { machine }: Pick<StepTools, 'machine'>): unknown => ({
    boot: machine.host.bootId(),
    attributes: outputs.read_context.oneGate && attributesOf(outputs),
  }),
  run: (outputs: Needed, tools: StepTools) =>
    publish(outputs.read_context.oneGate, attributesOf(outputs), tools),
});

type FromSuperLink = Pick<
  SuperLinkOutputs,
  'read_context' | 'validate' | 'certificates' | 'launch_plan' | 'await_fleet_api'
>;

export const publishSuperLink = stepOf<SuperLinkOutputs>()({
  needs: [
    'read_context',
    'validate',
    'announce_booting',
    'certificates',
    'launch_plan',
    'start_superexec',
    'await_fleet_api',
  ],
  ...publishing(({ validate, certificates, launch_plan, await_fleet_api }: FromSuperLink) =>
    superLinkAttributes(validate, {
      ...launch_plan,
      degradedBy: certificates?.degradedBy ?? launch_plan.degradedBy,
      endpoint: launch_plan.endpoints.endpoint,
      endpoint6: await_fleet_api,
      caPem: certificates?.caPem,
    }),
  ),
});

type FromSuperNode = Pick<SuperNodeOutputs, 'read_context' | 'validate' | 'partition' | 'launch_plan'>;

export const publishSuperNode = stepOf<SuperNodeOutputs>()({
  needs: [
    'read_context',
    'validate',
    'announce_booting',
    'partition',
    'launch_plan',
    'start_superexec',
    'await_registration',
  ],
  ...publishing(({ validate, partition, launch_plan }: FromSuperNode) =>
    superNodeAttributes(validate, { ...launch_plan, partition: partition?.choice }),
  ),
});

async function publish(
  oneGate: OneGate | undefined,
  attributes: Attributes,
  { unchanged, degrade, solved, signal }: StepTools,
): Promise<StepResult<boolean>> {
  if (oneGate === undefined) return { output: true, skipped: true, note: 'this VM has no OneGate token' };
  try {
    const kept = unchanged && (await isStored(oneGate, attributes));
    if (!kept) await oneGate.update(attributes, { ready: true, signal });
    // What an earlier step of this boot could not send is overwritten now.
    solved('onegate_unreachable');
    if (kept) return { output: true, kept };
  } catch (error) {
    // OneGate will not take a refused value later either: waiting does not help.
    if (!(error instanceof Problem) || error.code === 'onegate_value_refused') throw error;
    degrade(error);
    return { output: false, note: 'serving, but not published to OneGate; will retry' };
  }
  const count = `${Object.keys(attributes).length} attributes in one update`;
  return { output: true, note: attributes['READY'] === undefined ? count : `${count}, READY=YES among them` };
}

async function isStored(oneGate: OneGate, attributes: Attributes): Promise<boolean> {
  const stored = (await oneGate.vm()).attributes;
  return PUBLISHED.every((name) => attributes[name] === undefined || stored.get(name) === attributes[name]);
}

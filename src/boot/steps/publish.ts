import { Problem } from '../../core/problem.ts';
import type { OneGate } from '../../onegate/client.ts';
import { PUBLISHED } from '../../onegate/replies.ts';
import { type Attributes, superLinkAttributes, superNodeAttributes } from '../attributes.ts';
import {
  type StepResult,
  type StepTools,
  type SuperLinkOutputs,
  type SuperNodeOutputs,
  stepOf,
} from '../step.ts';

const PUBLISH = { id: 'publish', title: 'publish on OneGate' } as const;

type FromSuperLink = Pick<SuperLinkOutputs, 'read_context' | 'validate' | 'certificates' | 'launch_plan'>;

const ofSuperLink = ({ validate: config, certificates, launch_plan }: FromSuperLink): Attributes =>
  superLinkAttributes(config, {
    flowerVersion: launch_plan.flowerVersion,
    degradedBy: launch_plan.degradedBy,
    endpoint: launch_plan.endpoints.endpoint,
    caPem: certificates?.caPem,
  });

export const publishSuperLink = stepOf<SuperLinkOutputs>()({
  ...PUBLISH,
  needs: ['read_context', 'validate', 'announce_booting', 'certificates', 'launch_plan', 'await_fleet_api'],
  inputs: (outputs, { machine }) => ({
    boot: machine.host.bootId(),
    attributes: outputs.read_context.oneGate && ofSuperLink(outputs),
  }),
  run: (outputs, tools) => publish(outputs.read_context.oneGate, ofSuperLink(outputs), tools),
});

type FromSuperNode = Pick<SuperNodeOutputs, 'read_context' | 'validate' | 'partition' | 'launch_plan'>;

const ofSuperNode = ({ validate: config, partition, launch_plan }: FromSuperNode): Attributes =>
  superNodeAttributes(config, {
    flowerVersion: launch_plan.flowerVersion,
    degradedBy: launch_plan.degradedBy,
    partition: partition?.choice,
    gpu: launch_plan.gpu,
  });

export const publishSuperNode = stepOf<SuperNodeOutputs>()({
  ...PUBLISH,
  needs: ['read_context', 'validate', 'announce_booting', 'partition', 'launch_plan', 'await_registration'],
  inputs: (outputs, { machine }) => ({
    boot: machine.host.bootId(),
    attributes: outputs.read_context.oneGate && ofSuperNode(outputs),
  }),
  run: (outputs, tools) => publish(outputs.read_context.oneGate, ofSuperNode(outputs), tools),
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

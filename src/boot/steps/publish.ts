import { Problem } from '../../core/problem.ts';
import { liveFlowerState, unitOf } from '../../flower/state-file.ts';
import type { OneGate } from '../../onegate/client.ts';
import { PUBLISHED } from '../../onegate/replies.ts';
import { type Attributes, superLinkAttributes, superNodeAttributes } from '../attributes.ts';
import { partitionIn } from '../parts.ts';
import {
  type CommonOutputs,
  type StepResult,
  type StepTools,
  type SuperLinkOutputs,
  type SuperNodeOutputs,
  stepOf,
} from '../step.ts';
import { unpublish } from './reset-attributes.ts';

type Needed = Pick<CommonOutputs, 'read_context' | 'validate'>;

/** What both roles do with the attributes of their own. */
const publishing = <Outputs extends Needed>(attributesOf: (outputs: Outputs) => Attributes) => ({
  id: 'publish' as const,
  title: 'publish on OneGate',
  inputs: (outputs: Outputs, { machine }: Pick<StepTools, 'machine'>): unknown => ({
    boot: machine.host.bootId(),
    attributes: outputs.read_context.oneGate && attributesOf(outputs),
  }),
  run: (outputs: Outputs, tools: StepTools) => publish(outputs, attributesOf(outputs), tools),
});

type FromSuperLink = Pick<
  SuperLinkOutputs,
  'read_context' | 'validate' | 'certificates' | 'launch_plan' | 'start_flower' | 'await_fleet_api'
>;

export const publishSuperLink = stepOf<SuperLinkOutputs>()({
  needs: [
    'read_context',
    'validate',
    'announce_booting',
    'certificates',
    'launch_plan',
    'start_flower',
    'start_superexec',
    'await_fleet_api',
  ],
  ...publishing(({ validate, certificates, launch_plan, start_flower, await_fleet_api }: FromSuperLink) =>
    superLinkAttributes(validate, {
      ...start_flower,
      degradedBy: certificates?.degradedBy ?? start_flower.degradedBy,
      endpoint: launch_plan.endpoints.endpoint,
      endpoint6: await_fleet_api,
      caPem: certificates?.caPem,
    }),
  ),
});

type FromSuperNode = Pick<SuperNodeOutputs, 'read_context' | 'validate' | 'partition' | 'start_flower'>;

export const publishSuperNode = stepOf<SuperNodeOutputs>()({
  needs: [
    'read_context',
    'validate',
    'announce_booting',
    'partition',
    'start_flower',
    'start_superexec',
    'await_registration',
  ],
  ...publishing(({ validate, partition, start_flower }: FromSuperNode) => {
    const runs = partitionIn(start_flower.parts);
    return superNodeAttributes(validate, {
      ...start_flower,
      gpu: start_flower.parts.gpu !== 'NO',
      useCase: start_flower.parts.use_case,
      partition: partition && { ...partition.choice, ...runs },
    });
  }),
});

async function publish(
  needed: Needed,
  own: Attributes,
  tools: StepTools,
): Promise<StepResult<CommonOutputs['publish']>> {
  const { oneGate } = needed.read_context;
  const { unchanged, degrade, solved, signal, supervision } = tools;
  await untilSteady(needed, tools);
  tools.repeatLater(undefined);
  const error = supervision.error(true);
  const attributes = error === undefined ? own : { ...own, FL_ERROR: error };
  const published = { published: true, attributes };
  if (oneGate === undefined)
    return { output: published, skipped: true, note: 'this VM has no OneGate token' };
  try {
    const kept = unchanged && (await isStored(oneGate, attributes));
    if (!kept) await oneGate.update(attributes, { ready: true, signal });
    // What an earlier step of this boot could not send is overwritten now.
    solved('onegate_unreachable');
    if (kept) return { output: published, kept };
  } catch (error) {
    // OneGate will not take a refused value later either: waiting does not help.
    if (!(error instanceof Problem) || error.code === 'onegate_value_refused') throw error;
    degrade(error);
    return {
      output: { published: false, attributes },
      note: 'serving, but not published to OneGate; will retry',
    };
  }
  const count = `${Object.keys(attributes).length} attributes in one update`;
  const note = attributes['READY'] === undefined ? count : `${count}, READY=YES among them`;
  return { output: published, note };
}

const LOOK_EVERY_MS = 1_000;
/** After the wait Flower may be about to come back from one more end. */
const BACK_WITHIN_MS = 300_000;

/** After a crash loop: returns when Flower has run for some minutes without an end. READY is withdrawn meanwhile. */
async function untilSteady(needed: Needed, tools: StepTools): Promise<void> {
  const { machine, supervision, signal } = tools;
  if (supervision.heldMs() === 0) return;
  await unpublish(needed, tools);
  const { clock } = machine;
  const unit = unitOf(needed.validate.role);
  let late = Number.POSITIVE_INFINITY;
  for (let heldMs = supervision.heldMs(); ; heldMs = supervision.heldMs()) {
    if (heldMs > 0) {
      late = clock.monotonicMs() + heldMs + BACK_WITHIN_MS;
      tools.wait({
        for: 'Flower to run for three minutes without an end, because it has ended again and again',
        until: new Date(clock.now().getTime() + heldMs),
        check: `journalctl -u ${unit}`,
      });
    } else if ((await liveFlowerState(machine))?.up) return;
    else if (clock.monotonicMs() > late)
      throw new Problem('flower_start_failed', {
        doing: `waiting for ${unit} to serve again`,
        found: 'it has ended again and again, and does not serve now',
      });
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function isStored(oneGate: OneGate, attributes: Attributes): Promise<boolean> {
  const stored = (await oneGate.vm()).attributes;
  return PUBLISHED.every((name) => attributes[name] === undefined || stored.get(name) === attributes[name]);
}

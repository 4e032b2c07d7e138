// The steps of a boot, in the order in which they are reported. Their needs decide what runs side by side.
import type { IdOf, Step, SuperLinkOutputs, SuperNodeOutputs } from './step.ts';
import { certificates } from './steps/certificates.ts';
import { readContext, validateSuperLink, validateSuperNode } from './steps/context.ts';
import { prepareDirectories } from './steps/directories.ts';
import { awaitFleetApi, awaitRegistration, startFlower } from './steps/flower.ts';
import { planSuperLink, planSuperNode } from './steps/plan.ts';
import { publishSuperLink, publishSuperNode } from './steps/publish.ts';
import { resetAttributes } from './steps/reset-attributes.ts';
import { startSuperExec } from './steps/superexec.ts';
import { discoverSuperLink, partition } from './steps/superlink.ts';
import { trust } from './steps/trust.ts';

/** A list of steps that compiles only when the needs of each step come before it. */
class Sequence<Outputs, Done extends IdOf<Outputs>> {
  readonly steps: readonly Step<Outputs>[];
  /** Only a type: which steps are in it. It makes `whole` refuse a sequence that lacks one. */
  declare readonly done: (done: Done) => Done;

  constructor(steps: readonly Step<Outputs>[]) {
    this.steps = steps;
  }

  add<Id extends Exclude<IdOf<Outputs>, Done>, Needs extends Done>(
    step: Step<Outputs, Id, Needs>,
  ): Sequence<Outputs, Done | Id> {
    return new Sequence([...this.steps, step]);
  }
}

/** All steps of a role: a sequence in which one is missing does not compile. */
const whole = <Outputs>({ steps }: Sequence<Outputs, IdOf<Outputs>>): readonly Step<Outputs>[] => steps;

export const SEQUENCES = {
  superlink: whole(
    new Sequence<SuperLinkOutputs, never>([])
      .add(readContext)
      .add(validateSuperLink)
      .add(resetAttributes)
      .add(prepareDirectories)
      .add(certificates)
      .add(planSuperLink)
      .add(startFlower)
      .add(startSuperExec)
      .add(awaitFleetApi)
      .add(publishSuperLink),
  ),
  supernode: whole(
    new Sequence<SuperNodeOutputs, never>([])
      .add(readContext)
      .add(validateSuperNode)
      .add(resetAttributes)
      .add(prepareDirectories)
      .add(discoverSuperLink)
      .add(trust)
      .add(partition)
      .add(planSuperNode)
      .add(startFlower)
      .add(startSuperExec)
      .add(awaitRegistration)
      .add(publishSuperNode),
  ),
} as const;

export type Sequences = {
  readonly superlink: readonly Step<SuperLinkOutputs>[];
  readonly supernode: readonly Step<SuperNodeOutputs>[];
};

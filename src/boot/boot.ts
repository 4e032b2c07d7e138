// One boot: the first, after a crash, after a change of the CONTEXT, after the SuperLink was lost - all the same path.

import type { Partition } from '../cluster/partition.ts';
import type { BootConfig } from '../config/parse.ts';
import { asProblem, Problem } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import type { FlowerEndpoints } from '../flower/endpoints.ts';
import { liveFlowerState } from '../flower/state-file.ts';
import { appsCanStart } from '../flower/superexec-process.ts';
import { readText, unlessUnfit } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import type { OneGate } from '../onegate/client.ts';
import type { Report } from '../report/report.ts';
import { loadImage, loadVm } from '../vm/load.ts';
import type { Attributes } from './attributes.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { PendingChange } from './in-force.ts';
import { partitionIn } from './parts.ts';
import { retryLimitReached } from './retry-limit.ts';
import { runSteps } from './runner.ts';
import { SEQUENCES, type Sequences } from './sequence.ts';
import type { CommonOutputs, FromAgent, PreparedPlan, SuperLinkOutputs, SuperNodeOutputs } from './step.ts';
import { connect } from './steps/context.ts';

export interface Boot extends FromAgent {
  readonly machine: Machine;
  readonly report: Report;
  readonly checkpoint: Checkpoint;
  readonly signal: AbortSignal;
  /** A person has asked for it, or this VM starts: what has ended for good starts again. */
  readonly asked: boolean;
  readonly sequences?: Sequences;
}

/** What stays of a boot that succeeded. */
export interface BootResult {
  readonly role: Role;
  readonly config: BootConfig;
  readonly flowerVersion: string;
  /** SHA-256 of the launch plan that Flower runs with. */
  readonly planHash: string;
  /** The change that waits until Flower can be restarted. */
  readonly pending: PendingChange | undefined;
  /** Everything others need is on OneGate, or this VM has no OneGate. */
  readonly published: boolean;
  /** What this boot has put on OneGate, or found there. */
  readonly attributes: Attributes;
  readonly oneGate: OneGate | undefined;
  readonly endpoints: FlowerEndpoints;
  /** When the server certificate is to be renewed. */
  readonly renewAt: Date | undefined;
  /** Whether the certificates have to be looked at again because the clock was set; undefined: there are none. */
  readonly clockChanged: (() => boolean) | undefined;
  /** Undefined on a SuperLink and outside a service. */
  readonly partition: SuperNodeOutputs['partition'];
  /** The partition that Flower runs with: until a change is applied, not the one that was chosen. */
  readonly runs: Partition | undefined;
}

/** What a failed boot leaves for the decision what happens next. */
export interface FailureFacts {
  /** Only another CONTEXT can help. */
  readonly contextAtFault: boolean;
  /** Flower has ended, and only a person starts it again. */
  readonly endedForGood?: boolean;
  /** The launch plan of this boot is in force: what runs, if anything, is its own Flower, which has not proven itself. */
  readonly planned: boolean;
  /** The checkpoint says that what serves was published, by this agent or an earlier one. */
  readonly publishedBefore: boolean;
  /** Flower serves (was accepted) at this moment, and the apps of runs can start. */
  readonly flowerUp: boolean;
}

export interface BootFailure extends FailureFacts {
  readonly problem: Problem;
  readonly role: Role | undefined;
  readonly config: BootConfig | undefined;
  readonly oneGate: OneGate | undefined;
}

type Ending = {
  /** What the boot continued without. */
  readonly degradations: readonly Problem[];
} & (
  | { readonly result: BootResult; readonly failure?: undefined }
  | { readonly result?: undefined; readonly failure: BootFailure }
);

export type BootOutcome = Ending & { readonly tookMs: number };

/** Runs the role's steps. Never throws. */
export async function boot({ sequences = SEQUENCES, ...on }: Boot): Promise<BootOutcome> {
  const { clock } = on.machine;
  const began = clock.monotonicMs();
  const ending = await runRole(sequences, on).catch(async (error: unknown) => ({
    failure: await failureOf(on, asProblem(error, 'booting')),
    degradations: [],
  }));
  return { ...ending, tookMs: clock.monotonicMs() - began };
}

async function runRole(sequences: Sequences, on: Omit<Boot, 'sequences'>): Promise<Ending> {
  const image = loadImage(on.machine);
  if (image instanceof Problem) throw image;
  const { role } = image;
  const { superlink, supernode } = sequences;
  const run = { ...on, image };
  on.report.begin(role, sequences[role]);
  const limit = on.asked || role === 'superlink' ? undefined : await retryLimitReached(on.machine);
  if (limit !== undefined) return { failure: await failureOf(on, limit, {}, role), degradations: [] };
  const { problem, outputs, degradations } =
    role === 'superlink'
      ? await runSteps({ ...run, steps: superlink })
      : await runSteps({ ...run, steps: supernode });
  return problem === undefined
    ? { result: resultOf(outputs), degradations }
    : { failure: await failureOf(on, problem, outputs, role), degradations };
}

const resultOf = (outputs: SuperLinkOutputs | SuperNodeOutputs): BootResult => ({
  role: outputs.validate.role,
  config: outputs.validate,
  flowerVersion: outputs.start_flower.flowerVersion,
  planHash: outputs.start_flower.hash,
  pending: outputs.start_flower.pending,
  ...outputs.publish,
  oneGate: outputs.read_context.oneGate,
  endpoints: outputs.launch_plan.endpoints,
  renewAt: 'certificates' in outputs ? outputs.certificates?.renewAt : undefined,
  clockChanged: 'certificates' in outputs ? outputs.certificates?.clockChanged : undefined,
  partition: 'partition' in outputs ? outputs.partition : undefined,
  runs: partitionIn(outputs.start_flower.parts),
});

const failureOf = async (
  { machine, report, checkpoint }: Pick<Boot, 'machine' | 'report' | 'checkpoint'>,
  problem: Problem,
  outputs: Partial<CommonOutputs> = {},
  role?: Role,
): Promise<BootFailure> => ({
  problem,
  role,
  config: outputs.validate,
  oneGate: outputs.read_context === undefined ? connected(machine, report) : outputs.read_context.oneGate,
  contextAtFault: problem.contextAtFault,
  endedForGood: problem.code === 'retry_limit_reached',
  planned: outputs.launch_plan !== undefined && isInForce(outputs.launch_plan, machine),
  publishedBefore: checkpoint.finishedAt('publish') !== undefined,
  flowerUp: (await liveFlowerState(machine))?.up === true && (await appsCanStart(machine)),
});

/** The launcher finds this plan, and no earlier one. */
const isInForce = ({ text }: PreparedPlan, { paths }: Machine): boolean =>
  unlessUnfit(() => readText(paths.plan)) === text;

/** OneGate as far as the credentials can be read: the boot failed before its first step had an output. */
function connected(machine: Machine, { journal }: Report): OneGate | undefined {
  const { credentials } = loadVm(machine);
  if (credentials instanceof Problem || 'missing' in credentials) return undefined;
  return connect(credentials, { machine, journal });
}

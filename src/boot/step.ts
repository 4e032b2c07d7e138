// A step is data: what it is called, which outputs of other steps it needs, and how it is done. The runner owns order,
// timing, journal, checkpoints and errors.
import type { Choice } from '../cluster/partition.ts';
import type { PartitionManager } from '../cluster/partition-manager.ts';
import type { SuperLink } from '../cluster/resolver.ts';
import type { BootConfig, SuperLinkConfig, SuperNodeConfig } from '../config/parse.ts';
import type { ProblemCode } from '../core/catalogue.ts';
import type { HostPort } from '../core/hostport.ts';
import type { Problem } from '../core/problem.ts';
import type { FlowerEndpoints } from '../flower/endpoints.ts';
import type { PreparedSuperExec } from '../flower/superexec-files.ts';
import type { FileAccess } from '../host/files.ts';
import type { Machine, Owner } from '../host/machine.ts';
import type { OneGate } from '../onegate/client.ts';
import type { Vm } from '../onegate/replies.ts';
import type { Journal } from '../report/journal.ts';
import type { Wait } from '../report/report.ts';
import type { StatusFacts } from '../report/status.ts';
import type { OneGateCredentials } from '../vm/credentials.ts';
import type { Image } from '../vm/image.ts';
import type { Attributes } from './attributes.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Described, PendingChange } from './in-force.ts';
import type { Parts } from './parts.ts';

/** What `read_context` gives. */
interface VmContext {
  /** NAME -> value; only `validate` reads values from it. */
  readonly variables: Readonly<Record<string, string>>;
  readonly sha256: string;
  /** Every address of this VM that may be in a certificate, the primary one first. */
  readonly addresses: readonly string[];
  /** The host name that this VM has or is going to have, with and without its domain. */
  readonly hostNames: readonly string[];
  /** Undefined: this VM has no credentials for OneGate. */
  readonly access: OneGateCredentials | undefined;
  /** Undefined also when the credentials cannot be used. */
  readonly oneGate: OneGate | undefined;
}

export interface ServerTrust {
  /** The CA that SuperNodes are to trust. */
  readonly caPem: string;
  /** The file of `caPem`. */
  readonly caFile: string;
  /** With an operator's certificate: the hosts that it names and SuperNodes may dial, the VM's own addresses first. */
  readonly dialable?: readonly string[];
  /** Changes when Flower must be started again to serve with something else. */
  readonly fingerprint: string;
  /** When the certificate of this VM's own CA is to be renewed; undefined: not while the clock is suspect. */
  readonly renewAt: Date | undefined;
  /** The clock is suspect now and was not when the certificates were prepared, or the reverse. */
  readonly clockChanged: () => boolean;
  /** The first problem that it was prepared in spite of: OneGate shows it. */
  readonly degradedBy: ProblemCode | undefined;
  /** The certificates are valid by this VM's clock. */
  readonly verifiable: boolean;
}

/** How Flower starts: not in force before `start_flower` writes it. */
export interface PreparedPlan {
  readonly text: string;
  /** SHA-256 of the text. */
  readonly hash: string;
  /** The virtual environment that the plan is for. */
  readonly environment: string;
  readonly access: FileAccess;
  /** Written with the plan: where Flower listens, and what SuperNodes dial. */
  readonly endpoints: FlowerEndpoints;
  readonly flowerVersion: string;
  /** Only with FL_ISOLATION=process. */
  readonly superexec: PreparedSuperExec | undefined;
  /** The text of the node config file; undefined on a SuperLink. */
  readonly nodeConfig: string | undefined;
  /** What it is about, to compare it with what runs. Not computed before the plan is written. */
  readonly describe: () => Described;
  /** The first thing that this boot continues without: OneGate shows it. */
  readonly degradedBy: ProblemCode | undefined;
}

/** What Flower runs with after `start_flower`. While a change waits, it is not the plan that this boot has made. */
export interface Started {
  /** SHA-256 of the launch plan in force. */
  readonly hash: string;
  readonly flowerVersion: string;
  /** Its parts, by name (parts.ts). */
  readonly parts: Parts;
  readonly pending: PendingChange | undefined;
  /** The first thing that this boot continues without. */
  readonly degradedBy: ProblemCode | undefined;
}

/** What the steps of both roles give, by step id. */
export interface CommonOutputs<C extends BootConfig = BootConfig> {
  read_context: VmContext;
  validate: C;
  /** This VM as OneGate showed it before this boot published anything; undefined when it was not asked or did not answer. */
  announce_booting: Vm | undefined;
  /** Who Flower runs as. */
  prepare_directories: Owner;
  launch_plan: PreparedPlan;
  start_flower: Started;
  start_superexec: undefined;
  /** `published`: everything others need is on OneGate, or this VM has no OneGate. */
  publish: { readonly published: boolean; readonly attributes: Attributes };
}

export interface SuperLinkOutputs extends CommonOutputs<SuperLinkConfig> {
  /** Undefined: plaintext. */
  certificates: ServerTrust | undefined;
  /** The address for SuperNodes without IPv4, which answers; undefined: there is none. */
  await_fleet_api: HostPort | undefined;
}

export interface SuperNodeOutputs extends CommonOutputs<SuperNodeConfig> {
  /** `found` is undefined when FL_SUPERLINK_ADDRESS is set. `others`: why its other addresses are not used, each a clause. */
  discover_superlink: {
    readonly endpoint: HostPort;
    readonly found: SuperLink | undefined;
    readonly others: readonly string[];
  };
  /** Undefined: plaintext. */
  trust:
    | {
        readonly caPem: string;
        readonly caFile: string;
        /** The CA is another one than before, for no known reason. */
        readonly suspicious: boolean;
      }
    | undefined;
  /** Undefined outside a service. */
  partition: { readonly choice: Choice; readonly manager: PartitionManager } | undefined;
  launch_plan: PreparedPlan & { readonly gpu: boolean };
  await_registration: undefined;
}

/** How a step ended well. `kept`: what was there already is right, and nothing was changed. */
export interface StepResult<Output> {
  readonly output: Output;
  readonly kept?: boolean;
  readonly skipped?: boolean;
  /** One clause for a person. */
  readonly note?: string;
}

/** What the supervision of Flower says at this moment. @internal */
export interface Supervision {
  /** FL_ERROR of a VM that serves or does not; undefined when nothing is wrong. */
  error(serves: boolean): ProblemCode | undefined;
  /** Flower has ended again and again, and has to run for this many ms more before this VM is ready; 0: it is not held. */
  heldMs(): number;
}

export interface StepTools {
  readonly machine: Machine;
  readonly image: Image;
  readonly journal: Journal;
  readonly checkpoint: Checkpoint;
  /** Ends the step's waits when another step failed or the boot is cancelled. */
  readonly signal: AbortSignal;
  /** The change that waits has waited for too long. */
  readonly overdue?: boolean | undefined;
  /** This step succeeded before with the same inputs: verify, do not redo. */
  readonly unchanged: boolean;
  /** The CONTEXT with this checksum is the one that this boot follows. */
  contextRead(sha256: string): void;
  /** From now on this VM does not serve: the ready script must not succeed. */
  notServing(): void;
  /** This boot waits for something that no limit ends. */
  waitsWithoutEnd(): void;
  /** What is wrong with a Flower that has served, whatever this boot finds: see agent/troubles.ts. */
  readonly supervision: Supervision;
  /** The SuperLink has another address, TLS mode or CA than this boot has found: it is cancelled and starts again. */
  superLinkMoved(): void;
  /** Adds to the facts that `status` shows. */
  setFacts(facts: StatusFacts): void;
  /** Says what is waited for, until `undefined` ends the wait. */
  wait(wait: Wait | undefined): void;
  /**
   * Reports a problem that changes nothing. `until`: its cause can pass by itself, and once Flower serves (was accepted) it
   * has passed: then it is taken back.
   */
  warn(problem: Problem, until?: 'Flower serves'): void;
  /** The change that waits for a restart of Flower; undefined: none does. */
  setPending(change: PendingChange | undefined): void;
  /**
   * Repeats an update of OneGate that has failed, until it succeeds. Undefined: what was to be repeated is not true any more,
   * or is about to be sent.
   */
  repeatLater(update: ((signal: AbortSignal) => Promise<unknown>) | undefined): void;
  /** A reported problem is gone. */
  solved(code: ProblemCode): void;
  /** Reports a problem; the boot continues without something. */
  degrade(problem: Problem): void;
}

/** What the agent gives each boot, and a boot each step. */
export type FromAgent = Pick<
  StepTools,
  | 'contextRead'
  | 'notServing'
  | 'waitsWithoutEnd'
  | 'repeatLater'
  | 'superLinkMoved'
  | 'supervision'
  | 'overdue'
>;

export type IdOf<Outputs> = keyof Outputs & string;

/** `Outputs` maps the step ids of a role to what each step gives; a step sees the outputs that it needs, and no others. */
export interface Step<
  Outputs,
  Id extends IdOf<Outputs> = IdOf<Outputs>,
  Needs extends IdOf<Outputs> = IdOf<Outputs>,
> {
  readonly id: Id;
  readonly title: string;
  /** Steps that must have succeeded; those that need nothing of each other run side by side. */
  readonly needs: readonly Needs[];
  /** Everything the result depends on, as JSON; a step without it is done at each boot. */
  inputs?(outputs: Pick<Outputs, Needs>, on: Pick<StepTools, 'machine' | 'image'>): unknown;
  /** Its success shows that Flower serves (was accepted). */
  readonly provesServing?: true;
  /** What is finished up to here is kept on the disk with this step, and not only at the end of the boot. */
  readonly keeps?: true;
  /** Throws Problem; anything else that escapes is reported as internal_error. */
  run(outputs: Pick<Outputs, Needs>, tools: StepTools): Promise<StepResult<Outputs[Id]>>;
}

/** Declares a step of a role: the types of its needs and its output follow from its id. */
export const stepOf =
  <Outputs>() =>
  <Id extends IdOf<Outputs>, const Needs extends IdOf<Outputs> = never>(
    step: Step<Outputs, Id, Needs>,
  ): Step<Outputs, Id, Needs> =>
    step;

// What a boot has learnt so far. Steps put their findings here for the steps that need them.

import type { Choice } from '../cluster/partition.ts';
import type { PartitionManager } from '../cluster/partition-manager.ts';
import type { SuperLink } from '../cluster/resolver.ts';
import type { BootConfig } from '../config/parse.ts';
import type { ProblemCode } from '../core/catalogue.ts';
import type { HostPort } from '../core/hostport.ts';
import type { LaunchPlan } from '../flower/plan.ts';
import type { FlowerState } from '../flower/state-file.ts';
import type { FileAccess } from '../host/files.ts';
import type { Owner } from '../host/machine.ts';
import type { OneGate } from '../onegate/client.ts';
import type { Vm } from '../onegate/replies.ts';
import type { Image } from '../vm/image.ts';

/** The files Flower serves with, and the CA that SuperNodes are told to trust. */
export interface ServerTrust {
  /** PEM of the CA that SuperNodes trust. */
  readonly caPem: string;
  readonly files: { readonly certificate: string; readonly key: string; readonly ca: string };
  /** With an operator's certificate: what the loopback listeners use instead of it. */
  readonly loopback?: { readonly certificate: string; readonly key: string; readonly ca: string };
  /** With an operator's certificate: the hosts that it names and SuperNodes may dial, the VM's own addresses first. */
  readonly dialable?: readonly string[];
  /** Changes when Flower must be started again to serve with something else. */
  readonly fingerprint: string;
}

export interface Facts {
  appliance: Image;
  /** The CONTEXT, NAME -> value; only `validate` may read values from it. */
  raw: Readonly<Record<string, string>>;
  contextHash: string;
  /** Every address of this VM that may stand in a certificate, the primary one first. */
  addresses: readonly string[];
  /** The host name that this VM has or is going to have, with and without its domain. */
  hostNames: readonly string[];
  oneGate: OneGate | undefined;
  /** This VM as OneGate showed it before this boot published anything; unknown when it was not asked or did not answer. */
  stored: Vm;
  config: BootConfig;
  /** Who Flower runs as. */
  flowerOwner: Owner;
  /** When the server certificate is to be renewed; undefined: not ours to renew. */
  renewAt: Date | undefined;
  serverTrust: ServerTrust | undefined;
  superlink: { readonly endpoint: HostPort; readonly found: SuperLink | undefined };
  /** undefined: plaintext. */
  clientTrust: { readonly caPem: string; readonly caFile: string } | undefined;
  partition: Choice | undefined;
  /** Watches over the partition after the boot; undefined outside a service. */
  partitionKeeper: PartitionManager | undefined;
  gpu: boolean;
  flowerVersion: string;
  /** Code of the first problem that this boot goes on without something for: it serves, and OneGate is told. */
  lacks: ProblemCode;
  plan: LaunchPlan;
  planHash: string;
  /** What is put in place when Flower starts: the plan, and the environment that it is for. */
  planFile: { readonly text: string; readonly environment: string; readonly access: FileAccess };
  /** host:port that SuperNodes dial. */
  endpoint: HostPort;
  link: FlowerState;
  /** Everything others need is on OneGate, or there is no OneGate to tell. */
  published: boolean;
}

export class Knowledge {
  readonly #facts = new Map<keyof Facts, unknown>();

  get<K extends keyof Facts>(name: K): Facts[K] {
    if (!this.#facts.has(name)) throw new Error(`${name} is not known yet: a step lacks a need`);
    return this.#facts.get(name) as Facts[K];
  }

  /** Like get, but undefined when no step has found it out yet. */
  peek<K extends keyof Facts>(name: K): Facts[K] | undefined {
    return this.#facts.get(name) as Facts[K] | undefined;
  }

  set<K extends keyof Facts>(name: K, value: Facts[K]): void {
    this.#facts.set(name, value);
  }
}

// What the checks read: everything that the agent, one-context and Flower have left on this VM. Any part may be missing.
import { type BootConfig, parseVariables } from '../config/parse.ts';
import type { VariableFinding } from '../core/finding.ts';
import { type HostPort, parseHostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { imageOf } from '../flower/environment.ts';
import type { LaunchPlan } from '../flower/plan.ts';
import { argumentOf, readPlan } from '../flower/plan-file.ts';
import { type LiveFlowerState, liveFlowerState } from '../flower/state-file.ts';
import type { Machine } from '../host/machine.ts';
import { connectOneGate, type OneGate, type RetryPolicy } from '../onegate/client.ts';
import type { Vm } from '../onegate/replies.ts';
import { readStatus, type Status } from '../report/status.ts';
import { type LoadedVm, loadVm } from '../vm/load.ts';

export interface VmSnapshot extends LoadedVm {
  readonly machine: Machine;
  readonly now: Date;
  readonly role: 'superlink' | 'supernode' | undefined;
  /** Undefined when the CONTEXT is invalid; `faults` says why. */
  readonly config: BootConfig | undefined;
  readonly faults: readonly VariableFinding[];
  readonly status: Status | undefined;
  readonly plan: LaunchPlan | undefined;
  readonly flower: LiveFlowerState | undefined;
  /** Undefined without complete credentials. */
  readonly oneGate: OneGate | undefined;
  /** This VM as OneGate has it: one request for all checks. Throws Problem. */
  vm(): Promise<Vm>;
  /** This VM's clock minus OneGate's in milliseconds; undefined before OneGate has answered. */
  aheadOfOneGate(): number | undefined;
}

/** One try, within the time that a check has. */
const QUICK: RetryPolicy = { tries: 1, tryTimeoutMs: 4_500, firstWaitMs: 0, maxWaitMs: 0 };

/** Reads everything that needs no network; never throws. */
export function takeSnapshot(machine: Machine): VmSnapshot {
  const { paths, clock, random } = machine;
  const loaded = loadVm(machine);
  const { image, context, credentials } = loaded;
  const parsed =
    image instanceof Problem || context instanceof Problem
      ? undefined
      : parseVariables(context.variables, imageOf(image, paths));
  let ahead: number | undefined;
  const onDate = (theirs: Date): void => {
    ahead = clock.now().getTime() - theirs.getTime();
  };
  const oneGate =
    'token' in credentials
      ? attempt(() => connectOneGate({ ...credentials, clock, random, policy: QUICK, onDate }))
      : undefined;
  let vm: Promise<Vm> | undefined;
  return {
    ...loaded,
    machine,
    now: clock.now(),
    role: image instanceof Problem ? undefined : image.role,
    config: parsed?.ok ? parsed.config : undefined,
    faults: parsed?.ok === false ? parsed.problems : [],
    status: attempt(() => readStatus(paths.status)),
    plan: attempt(() => readPlan(machine)),
    flower: attempt(() => liveFlowerState(paths)),
    oneGate,
    vm: () => {
      vm ??= oneGate === undefined ? Promise.reject(new Error('no access to OneGate')) : oneGate.vm();
      return vm;
    },
    aheadOfOneGate: () => ahead,
  };
}

/** A read error becomes undefined here; the checks report what is missing. */
function attempt<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The Fleet API of the SuperLink as SuperNodes dial it; `caFile` is null in plaintext. */
export function fleetEndpoint({
  plan,
  status,
}: VmSnapshot): { endpoint: HostPort; caFile: string | null } | undefined {
  if (plan === undefined) return undefined;
  const published = plan.role === 'superlink' ? status?.facts['endpoint'] : argumentOf(plan, '--superlink');
  const endpoint = typeof published === 'string' ? parseHostPort(published) : undefined;
  if (endpoint === undefined) return undefined;
  const caFile =
    plan.role === 'superlink'
      ? (plan.fleet?.credentials?.ca ?? argumentOf(plan, '--ssl-ca-certfile'))
      : argumentOf(plan, '--root-certificates');
  return { endpoint, caFile: caFile ?? null };
}

/** The file of the certificate that SuperNodes receive; undefined on a SuperNode and in plaintext. */
export const shownCertificate = ({ plan }: VmSnapshot): string | undefined =>
  plan?.role === 'superlink'
    ? (plan.fleet?.credentials?.certificate ?? argumentOf(plan, '--ssl-certfile'))
    : undefined;

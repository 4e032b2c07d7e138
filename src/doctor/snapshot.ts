// What the checks read: everything that the agent, one-context and Flower have left on this VM. Any part may be missing.
import { allAddresses } from '../boot/addresses.ts';
import { checkContext } from '../boot/checks.ts';
import type { BootConfig } from '../config/parse.ts';
import { findingsOf, type VariableFinding } from '../core/finding.ts';
import { Problem, attempt as problemOr } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import { type FlowerEndpoints, readEndpoints, trustedCa } from '../flower/endpoints.ts';
import { imageOf } from '../flower/environment.ts';
import { type LaunchPlan, readPlan } from '../flower/plan.ts';
import { type LiveFlowerState, liveFlowerState, whyUnknown } from '../flower/state-file.ts';
import { readText } from '../host/files.ts';
import { hostName, type Machine } from '../host/machine.ts';
import { connectOneGate, type OneGate, type RetryPolicy } from '../onegate/client.ts';
import type { Vm } from '../onegate/replies.ts';
import { type Life, lifeOf } from '../report/life.ts';
import { type Status, statusOrProblem } from '../report/status.ts';
import { namesFromContext, withHostPart } from '../vm/host-names.ts';
import { type LoadedVm, loadVm } from '../vm/load.ts';
import { nicsFrom } from '../vm/nics.ts';

export interface VmSnapshot extends LoadedVm {
  readonly machine: Machine;
  readonly now: Date;
  readonly role: Role | undefined;
  /** Undefined when the CONTEXT is invalid; `faults` says why. */
  readonly config: BootConfig | undefined;
  /** What a boot would refuse. */
  readonly faults: readonly VariableFinding[];
  readonly status: Status | undefined;
  /** What the status file holds instead. */
  readonly statusProblem: Problem | undefined;
  /** Whether the agent and Flower work at this moment. */
  readonly life: Life;
  readonly plan: LaunchPlan | undefined;
  readonly endpoints: FlowerEndpoints | undefined;
  readonly flower: LiveFlowerState | undefined;
  /** Why `flower` is not known although its process runs. */
  readonly flowerUnknown: string | undefined;
  /** Undefined without credentials. */
  readonly oneGate: OneGate | undefined;
  /** This VM as OneGate sees it: one request for all checks. Throws Problem. */
  vm(): Promise<Vm>;
  /** This VM's clock minus OneGate's in milliseconds, once OneGate has answered. */
  aheadOfOneGate(): number | undefined;
}

/** One try, within the time that a check has. */
const QUICK: RetryPolicy = { tries: 1, tryTimeoutMs: 4_000, firstWaitMs: 0, maxWaitMs: 0 };

/** Reads everything that needs no network; never rejects. `askLife` asks systemd. */
export async function takeSnapshot(machine: Machine, askLife = lifeOf): Promise<VmSnapshot> {
  const { paths, clock, random } = machine;
  const loaded = loadVm(machine);
  const { image, credentials } = loaded;
  const oneGate =
    'token' in credentials
      ? attempt(() => connectOneGate({ ...credentials, clock, random, policy: QUICK }))
      : undefined;
  let vm: Promise<Vm> | undefined;
  const status = problemOr(() => statusOrProblem(paths.status));
  return {
    ...loaded,
    machine,
    now: clock.now(),
    role: image instanceof Problem ? undefined : image.role,
    ...configured(machine, loaded),
    status: status instanceof Problem ? undefined : status,
    statusProblem: status instanceof Problem ? status : undefined,
    life: await askLife(machine, status),
    plan: attempt(() => readPlan(paths)),
    endpoints: attempt(() => readEndpoints(paths)),
    flower: await liveFlowerState(machine),
    flowerUnknown: await whyUnknown(machine),
    oneGate,
    vm: () => {
      vm ??= oneGate === undefined ? Promise.reject(new Error('no access to OneGate')) : oneGate.vm();
      return vm;
    },
    aheadOfOneGate: () => oneGate?.aheadMs(),
  };
}

function configured(
  { paths, host, clock }: Machine,
  { image, context, credentials }: LoadedVm,
): Pick<VmSnapshot, 'config' | 'faults'> {
  if (image instanceof Problem || context instanceof Problem) return { config: undefined, faults: [] };
  const { variables } = context;
  const named = namesFromContext(variables);
  const { config, errors, problems } = checkContext(variables, {
    image: imageOf(image, paths),
    now: clock.now(),
    addresses: allAddresses(nicsFrom(variables, host), host.addresses()),
    hostNames: named.length > 0 ? named : withHostPart(hostName()),
    token: credentials instanceof Problem || 'missing' in credentials ? undefined : credentials.token,
  });
  const fatal = problems.flatMap(findingsOf).filter(({ severity }) => severity === 'error');
  return { config, faults: [...errors, ...fatal] };
}

/** A read error becomes undefined here; the checks report what is missing. */
function attempt<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The Fleet API of the SuperLink as SuperNodes dial it; without `caFile` in plaintext, without `ca` also if it is missing. */
export function fleetEndpoint({ endpoints }: VmSnapshot) {
  if (endpoints === undefined) return undefined;
  const caFile = trustedCa(endpoints);
  return { endpoint: endpoints.endpoint, caFile, ca: caFile === undefined ? undefined : readText(caFile) };
}

export type FleetEndpoint = NonNullable<ReturnType<typeof fleetEndpoint>>;

/** The file of the certificate that SuperNodes receive; undefined on a SuperNode and in plaintext. */
export const shownCertificate = ({ endpoints }: VmSnapshot): string | undefined =>
  endpoints?.role === 'superlink' ? endpoints.tls?.fleet.certificate : undefined;

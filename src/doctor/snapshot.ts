// What the checks look at: whatever the agent, one-context and Flower have left. Any of it may be missing.

import { allAddresses } from '../boot/addresses.ts';
import { checkContext } from '../boot/checks.ts';
import type { BootConfig } from '../config/parse.ts';
import { findingsOf, type VariableFinding } from '../core/finding.ts';
import type { HostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import { type FlowerEndpoints, readEndpoints, trustedCa } from '../flower/endpoints.ts';
import { imageOf } from '../flower/environment.ts';
import { type LaunchPlan, readPlan } from '../flower/plan.ts';
import { type LiveFlowerState, liveFlowerState } from '../flower/state-file.ts';
import { hostName, type Machine } from '../host/machine.ts';
import { connectOneGate, type OneGate, type RetryPolicy } from '../onegate/client.ts';
import type { Vm } from '../onegate/replies.ts';
import { readStatus, type Status } from '../report/status.ts';
import { namesFromContext, withHostPart } from '../vm/host-names.ts';
import { type LoadedVm, loadVm } from '../vm/load.ts';
import { nicsFrom } from '../vm/nics.ts';

export interface VmSnapshot extends Pick<LoadedVm, 'image' | 'context' | 'credentials'> {
  readonly machine: Machine;
  readonly now: Date;
  readonly role: Role | undefined;
  /** Undefined when the CONTEXT is wrong; `faults` says why. */
  readonly config: BootConfig | undefined;
  /** What a boot would refuse. */
  readonly faults: readonly VariableFinding[];
  readonly status: Status | undefined;
  readonly plan: LaunchPlan | undefined;
  readonly endpoints: FlowerEndpoints | undefined;
  readonly link: LiveFlowerState | undefined;
  /** Undefined without credentials. */
  readonly oneGate: OneGate | undefined;
  /** This VM as OneGate sees it: one request for all checks. Throws Problem. */
  vm(): Promise<Vm>;
  /** This VM's clock minus OneGate's in milliseconds, once OneGate has answered. */
  aheadOfOneGate(): number | undefined;
}

/** One try, well within what a check may take. */
const QUICK: RetryPolicy = { tries: 1, tryTimeoutMs: 4_500, firstWaitMs: 0, maxWaitMs: 0 };

/** Reads everything that can be read at once; never throws. */
export function takeSnapshot(machine: Machine): VmSnapshot {
  const { paths, clock } = machine;
  const { image, context, credentials } = loadVm(machine);
  let ahead: number | undefined;
  const oneGate = attempt(() =>
    connect(machine, credentials, (theirs) => {
      ahead = clock.now().getTime() - theirs.getTime();
    }),
  );
  let vm: Promise<Vm> | undefined;
  return {
    machine,
    now: clock.now(),
    image,
    role: image instanceof Problem ? undefined : image.role,
    context,
    credentials,
    ...configured(machine, image, context),
    status: attempt(() => readStatus(paths.status)),
    plan: attempt(() => readPlan(paths)),
    endpoints: attempt(() => readEndpoints(paths)),
    link: attempt(() => liveFlowerState(paths)),
    oneGate,
    vm: () => {
      vm ??= oneGate === undefined ? Promise.reject(new Error('there is no OneGate')) : oneGate.vm();
      return vm;
    },
    aheadOfOneGate: () => ahead,
  };
}

function configured(
  { paths, host, clock }: Machine,
  image: LoadedVm['image'],
  context: LoadedVm['context'],
): Pick<VmSnapshot, 'config' | 'faults'> {
  if (image instanceof Problem || context instanceof Problem) return { config: undefined, faults: [] };
  const { variables } = context;
  const named = namesFromContext(variables);
  const { config, errors, problems } = checkContext(variables, {
    image: imageOf(image, paths),
    now: clock.now(),
    addresses: allAddresses(nicsFrom(variables, host), host.addresses()),
    hostNames: named.length > 0 ? named : withHostPart(hostName()),
  });
  const fatal = problems.flatMap(findingsOf).filter(({ severity }) => severity === 'error');
  return { config, faults: [...errors, ...fatal] };
}

const connect = (
  { clock, random }: Machine,
  credentials: LoadedVm['credentials'],
  onDate: (theirs: Date) => void,
): OneGate | undefined =>
  credentials instanceof Problem || 'missing' in credentials
    ? undefined
    : connectOneGate({ ...credentials, clock, random, policy: QUICK, onDate });

/** An error becomes undefined here; the checks report it. */
function attempt<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The SuperLink's Fleet API as this VM knows it: its own endpoint, or the one it dials; with the CA, null for plaintext. */
export function fleetEndpoint({
  endpoints,
}: VmSnapshot): { endpoint: HostPort; caFile: string | null } | undefined {
  return endpoints && { endpoint: endpoints.endpoint, caFile: trustedCa(endpoints) ?? null };
}

/** The file of the certificate that SuperNodes are shown; undefined on a SuperNode and in plaintext. */
export const shownCertificate = ({ endpoints }: VmSnapshot): string | undefined =>
  endpoints?.role === 'superlink' ? endpoints.tls?.fleet.certificate : undefined;

// What the checks look at: whatever the agent, one-context and Flower have left. Any of it may be missing.

import { type BootConfig, type Finding, parseVariables } from '../config/parse.ts';
import { type HostPort, parseHostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import { imageOf } from '../flower/environment.ts';
import type { LaunchPlan } from '../flower/plan.ts';
import { argumentOf, readPlan } from '../flower/plan-file.ts';
import { type LiveFlowerState, liveFlowerState } from '../flower/state-file.ts';
import { readBytes, readText } from '../host/files.ts';
import { type Machine, sha256 } from '../host/machine.ts';
import type { Paths } from '../host/paths.ts';
import { connectOneGate, type OneGate, type RetryPolicy } from '../onegate/client.ts';
import type { Vm } from '../onegate/replies.ts';
import { readStatus, type Status } from '../report/status.ts';
import { parseContextSh } from '../vm/context-sh.ts';
import { tokenFrom } from '../vm/credentials.ts';
import { type Image, parseImage } from '../vm/image.ts';

export interface ContextSeen {
  readonly hash: string;
  readonly raw: Readonly<Record<string, string>>;
}

export interface VmSnapshot {
  readonly machine: Machine;
  readonly now: Date;
  readonly appliance: Image | undefined;
  readonly role: 'superlink' | 'supernode' | undefined;
  /** What one-context left, or why it cannot be read. */
  readonly context: ContextSeen | Problem;
  /** Undefined when the CONTEXT is wrong; `faults` says why. */
  readonly config: BootConfig | undefined;
  readonly faults: readonly Finding[];
  readonly status: Status | undefined;
  readonly plan: LaunchPlan | undefined;
  readonly link: LiveFlowerState | undefined;
  readonly token: string | undefined;
  /** Undefined without a token, or without an endpoint. */
  readonly oneGate: OneGate | undefined;
  /** This VM as OneGate sees it: one question for all checks. Throws Problem. */
  vm(): Promise<Vm>;
  /** This VM's clock minus OneGate's in milliseconds, if OneGate has told its time. */
  aheadOfOneGate(): number | undefined;
}

/** One try, well within what a check may take. */
const QUICK: RetryPolicy = { tries: 1, tryTimeoutMs: 4_500, firstWaitMs: 0, maxWaitMs: 0 };

/** Reads everything that can be read at once; never throws. */
export function takeSnapshot(machine: Machine): VmSnapshot {
  const { paths, clock } = machine;
  const appliance = attempt(() => {
    const text = readText(paths.appliance);
    return text === undefined ? undefined : parseImage(text);
  });
  const context = readContext(machine);
  const { config, faults } = configured(paths, appliance, context);
  const token = attempt(() => tokenFrom(readText(paths.oneEnv) ?? ''));
  let ahead: number | undefined;
  const oneGate = attempt(() =>
    connect(machine, context, token, (theirs) => {
      ahead = clock.now().getTime() - theirs.getTime();
    }),
  );
  let vm: Promise<Vm> | undefined;
  return {
    machine,
    now: clock.now(),
    appliance,
    role: appliance?.role,
    context,
    config,
    faults,
    status: attempt(() => readStatus(paths.status)),
    plan: attempt(() => readPlan(machine)),
    link: attempt(() => liveFlowerState(paths)),
    token,
    oneGate,
    vm: () => {
      vm ??= oneGate === undefined ? Promise.reject(new Error('there is no OneGate')) : oneGate.vm();
      return vm;
    },
    aheadOfOneGate: () => ahead,
  };
}

function readContext({ paths }: Machine): ContextSeen | Problem {
  try {
    for (const path of paths.contextFiles) {
      const bytes = readBytes(path);
      if (bytes !== undefined) return { hash: sha256(bytes), raw: parseContextSh(bytes) };
    }
    const found = `neither ${paths.contextFiles.join(' nor ')} exists`;
    return new Problem('context_unreadable', { doing: 'looking for the CONTEXT of this VM', found });
  } catch (error) {
    if (error instanceof Problem) return error;
    const found = (error as Error).message;
    return new Problem('context_unreadable', { doing: 'reading the CONTEXT of this VM', found });
  }
}

function configured(
  paths: Paths,
  appliance: Image | undefined,
  context: ContextSeen | Problem,
): Pick<VmSnapshot, 'config' | 'faults'> {
  if (appliance === undefined || context instanceof Problem) return { config: undefined, faults: [] };
  const parsed = parseVariables(context.raw, imageOf(appliance, paths));
  return parsed.ok ? { config: parsed.config, faults: [] } : { config: undefined, faults: parsed.problems };
}

function connect(
  { clock, random }: Machine,
  context: ContextSeen | Problem,
  token: string | undefined,
  onDate: (theirs: Date) => void,
): OneGate | undefined {
  if (context instanceof Problem || token === undefined) return undefined;
  const endpoint = context.raw['ONEGATE_ENDPOINT']?.trim();
  const vmId = context.raw['VMID']?.trim();
  if (!endpoint || !vmId || !/^\d{1,10}$/.test(vmId)) return undefined;
  return connectOneGate({ endpoint, token, vmId: Number(vmId), clock, random, policy: QUICK, onDate });
}

/** The checks tell what is missing; here it is only missing. */
function attempt<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The SuperLink's Fleet API as this VM knows it: its own endpoint, or the one it dials; with the CA, null for plaintext. */
export function fleetEndpoint({
  plan,
  status,
}: VmSnapshot): { endpoint: HostPort; caFile: string | null } | undefined {
  if (plan === undefined) return undefined;
  const told = plan.role === 'superlink' ? status?.facts['endpoint'] : argumentOf(plan, '--superlink');
  const endpoint = typeof told === 'string' ? parseHostPort(told) : undefined;
  if (endpoint === undefined) return undefined;
  const caFile =
    plan.role === 'superlink'
      ? (plan.fleet?.credentials?.ca ?? argumentOf(plan, '--ssl-ca-certfile'))
      : argumentOf(plan, '--root-certificates');
  return { endpoint, caFile: caFile ?? null };
}

/** The file of the certificate that SuperNodes are shown; undefined on a SuperNode and in plaintext. */
export const shownCertificate = ({ plan }: VmSnapshot): string | undefined =>
  plan?.role === 'superlink'
    ? (plan.fleet?.credentials?.certificate ?? argumentOf(plan, '--ssl-certfile'))
    : undefined;

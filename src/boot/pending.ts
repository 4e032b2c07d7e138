// A change that needs a restart of Flower waits until the restart interrupts nobody. start_flower decides it at each boot; the
// agent begins one when the decision may be another (src/agent/pending-watch.ts).
import { formatHostPort } from '../core/hostport.ts';
import { Problem } from '../core/problem.ts';
import type { Role } from '../core/role.ts';
import { activityOf } from '../flower/activity.ts';
import { readEndpoints, writeEndpoints } from '../flower/endpoints.ts';
import { LIST_WITHIN_MS } from '../flower/flwr.ts';
import type { LiveFlowerState } from '../flower/state-file.ts';
import { readText, unlessUnfit } from '../host/files.ts';
import { type Machine, sha256 } from '../host/machine.ts';
import { covers } from '../tls/names.ts';
import { suspectClockOf } from './clock.ts';
import { type InForce, type PendingChange, processOf, readInForce, writeInForce } from './in-force.ts';
import { certificateFiles } from './launch.ts';
import { differenceOf, partitionIn } from './parts.ts';
import type { PreparedPlan, Started, StepResult, StepTools } from './step.ts';

/** A change that waits longer is a problem. */
export const PENDING_LIMIT_MS = 24 * 60 * 60_000;
/** A certificate that serves is not let expire for a change that waits. */
const BEFORE_EXPIRY_MS = 24 * 60 * 60_000;

/** `restart`: why at once, as a phrase; empty when it would be the same for every reason. */
export type Decision = Waits | { readonly waits?: undefined; readonly restart: string };

interface Waits {
  readonly waits: PendingChange;
  readonly inForce: InForce;
}

const AT_ONCE: Decision = { restart: '' };

/**
 * Whether the Flower that runs with another plan goes on. `state`: of its process. `requested`: a person does not want to
 * wait.
 */
export async function decide(
  state: LiveFlowerState,
  plan: PreparedPlan,
  role: Role,
  requested: boolean,
  {
    machine,
    image,
    signal,
    wait,
    overdue = false,
  }: Pick<StepTools, 'machine' | 'image' | 'signal' | 'wait' | 'overdue'>,
): Promise<Decision> {
  const inForce = readInForce(machine.paths);
  if (inForce === undefined || inForce.plan !== state.plan) return AT_ONCE;
  // systemd would start Flower from these again: while a change waits they have to be those in force.
  const onDisk = unlessUnfit(() => readText(machine.paths.plan));
  const endpoints = unlessUnfit(() => readEndpoints(machine.paths));
  if (onDisk === undefined || sha256(onDisk) !== inForce.plan || endpoints === undefined) return AT_ONCE;
  // A Flower that is only starting serves nobody.
  if (!['serving', 'accepted', 'lost'].includes(state.phase)) return AT_ONCE;
  const now = machine.clock.now();
  const { parts } = plan.describe();
  const { reason, urgent } = differenceOf(inForce.parts, parts);
  if (urgent !== undefined) return { restart: urgent };
  const { certificate, pending } = inForce;
  const host = plan.endpoints.endpoint.host;
  if (certificate !== null && !covers(certificate, host))
    return { restart: `the certificate in use does not name ${formatHostPort(plan.endpoints.endpoint)}` };
  const until =
    certificate === null ||
    inForce.parts.certificate === parts.certificate ||
    // Nobody knows then what time it is.
    suspectClockOf(machine, { built: image.built, caPem: caOf(machine) }) !== undefined
      ? undefined
      : new Date(Date.parse(certificate.until) - BEFORE_EXPIRY_MS);
  if (until !== undefined && now >= until) return { restart: 'the certificate in use is about to expire' };
  const process = processOf(state);
  if (requested || (pending !== null && pending.process !== process)) return { restart: reason };
  if (role === 'superlink')
    wait({
      for: 'Flower to say whether a run is active',
      until: new Date(now.getTime() + LIST_WITHIN_MS),
      check: 'journalctl -u flower-superlink',
    });
  const activity = await activityOf(role, state, machine, signal);
  signal.throwIfAborted();
  if ('idle' in activity || ('unknown' in activity && overdue)) return { restart: reason };
  const because =
    'busy' in activity ? activity.busy : `it is not known whether a run is active: ${activity.unknown}`;
  const since = pending === null ? now : new Date(pending.since);
  return { waits: { reason, since, because, until, overdue, process }, inForce };
}

const caOf = ({ paths }: Machine): string | undefined =>
  unlessUnfit(() => readText(certificateFiles(paths).caCertificate));

/** Leaves the files of what runs as they are, and reports what it runs with. */
export function goOn(
  { waits, inForce }: Waits,
  plan: PreparedPlan,
  { machine: { paths }, journal, setFacts, degrade, overdue }: StepTools,
): StepResult<Started> {
  const { reason, since, because, process } = waits;
  const { parts, certificate } = inForce;
  if (inForce.pending?.reason !== reason)
    journal.info(
      `${reason}: Flower is restarted for it when no run is interrupted (now ${because}); \`flower-context apply --now\` does not wait`,
    );
  writeInForce(paths, { ...inForce, pending: { since: since.toISOString(), process, reason } });
  const runs = partitionIn(parts);
  const flowerVersion = parts.flower ?? plan.flowerVersion;
  setFacts({
    flower_version: flowerVersion,
    ...(certificate && { sans: certificate.sans, certificate_until: certificate.until }),
    ...(runs && { partition_id: runs.id, num_partitions: runs.of }),
  });
  // SuperNodes may dial this VM at another address; where Flower listens has not changed.
  const endpoints = unlessUnfit(() => readEndpoints(paths));
  if (endpoints?.role === 'superlink')
    writeEndpoints(paths, { ...endpoints, endpoint: plan.endpoints.endpoint });
  if (overdue === true)
    degrade(
      new Problem('change_pending', {
        doing: 'waiting until a restart of Flower interrupts no run',
        found: `${reason}, since ${since.toISOString()}; ${because}`,
      }),
    );
  return {
    output: {
      hash: inForce.plan,
      flowerVersion,
      parts,
      pending: waits,
      degradedBy: plan.degradedBy ?? (overdue === true ? 'change_pending' : undefined),
    },
    kept: true,
    note: `Flower runs on; pending since ${since.toISOString()}: ${reason}`,
  };
}

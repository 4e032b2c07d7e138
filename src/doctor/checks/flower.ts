// Flower's own state, the answer of its Fleet API, and the keepalive options in force.
import { formatHostPort } from '../../core/hostport.ts';
import type { LaunchPlan } from '../../flower/plan.ts';
import { probeFleet } from '../../flower/probe.ts';
import { readText } from '../../host/files.ts';
import { sha256 } from '../../host/machine.ts';
import { type Check, type CheckFinding, none, ok, problem, warning } from '../check.ts';
import { fleetEndpoint, type VmSnapshot } from '../snapshot.ts';

export const fleet: Check = {
  id: 'flower',
  title: 'Flower',
  needs: 'plan',
  async run(vm) {
    const { flower, machine, role } = vm;
    const unit = `flower-${role}`;
    const journal = `\`journalctl -u ${unit}\``;
    if (flower === undefined)
      return [problem('Flower is not running', `${journal}; systemd restarts it`, 'flower_start_failed')];
    const current = flower.plan === sha256(readText(machine.paths.plan) ?? '');
    return [
      ...(current
        ? []
        : [warning('Flower runs with an older launch plan', `restart it: \`systemctl restart ${unit}\``)]),
      role === 'superlink'
        ? await answers(vm, journal)
        : flower.phase === 'accepted'
          ? ok(`the SuperLink accepted this node (${flower.node_id ?? '?'}) at ${flower.since}`)
          : problem(`${flower.phase} since ${flower.since}: ${flower.detail}`, journal),
    ];
  },
};

async function answers(vm: VmSnapshot, journal: string): Promise<CheckFinding> {
  const known = fleetEndpoint(vm);
  if (known === undefined) return none('the address is not known yet');
  const ca = known.caFile === null ? null : (readText(known.caFile) ?? null);
  const answer = await probeFleet({ ...known.endpoint, ca }, 4_500);
  if (!answer.ok) return problem(answer.reason, `${journal}; \`ss -ltnp\``, 'health_check_timeout');
  const how = ca === null ? 'in plaintext' : 'verified with the CA that SuperNodes receive';
  return ok(`the Fleet API answers at ${formatHostPort(known.endpoint)} (${answer.ms} ms), ${how}`);
}

/** gRPC closes a connection that pings more often than the server allows, unless it counts no strikes. */
const STRIKES = 'grpc.http2.max_ping_strikes';
const MINIMUM = 'grpc.http2.min_recv_ping_interval_without_data_ms';
const TIME = 'grpc.keepalive_time_ms';

/** The options in the plan are in force, and they fit the other side as far as this side can compute that. */
export const keepalive: Check = {
  id: 'keepalive',
  title: 'keepalive',
  needs: 'plan',
  run({ plan, flower }) {
    if (plan === undefined || flower === undefined) return [none('Flower is not running')];
    const side = plan.role === 'superlink' ? 'server' : 'client';
    const inForce = new Map<string, string | number>(flower.grpc[side]);
    const missing = plan.grpc[side].filter(([name, value]) => inForce.get(name) !== value);
    if (missing.length > 0) {
      const names = missing.map(([name, value]) => `${name}=${value}`).join(', ');
      return [problem(`not in force: ${names}`, `restart Flower: \`systemctl restart flower-${plan.role}\``)];
    }
    const options = new Map(plan.grpc[side]);
    return [side === 'server' ? ofServer(options) : ofClient(options)];
  },
};

type Options = ReadonlyMap<string, LaunchPlan['grpc']['server'][number][1]>;
const seconds = (options: Options, name: string): number => Number(options.get(name) ?? 0) / 1_000;

function ofServer(options: Options): CheckFinding {
  const [minimum, time] = [seconds(options, MINIMUM), seconds(options, TIME)];
  if (options.get(STRIKES) !== 0 && minimum > time)
    return problem(
      `SuperNodes that ping more often than every ${minimum} s receive GOAWAY`,
      'raise FL_GRPC_KEEPALIVE_TIME on the SuperNodes, or lower it here',
    );
  return ok(`pings every ${time} s; accepts pings of SuperNodes every ${minimum} s or slower`);
}

/** A SuperLink allows pings at half of its own FL_GRPC_KEEPALIVE_TIME or slower. */
function ofClient(options: Options): CheckFinding {
  const time = seconds(options, TIME);
  return ok(`pings every ${time} s: valid for FL_GRPC_KEEPALIVE_TIME up to ${2 * time} on the SuperLink`);
}

import type { LaunchPlan } from '../../flower/plan.ts';
import { type Check, type Finding, none, ok, wrong } from '../check.ts';

/** gRPC closes a connection that pings more often than the server allows, unless it counts no strikes. */
const STRIKES = 'grpc.http2.max_ping_strikes';
const MINIMUM = 'grpc.http2.min_recv_ping_interval_without_data_ms';
const TIME = 'grpc.keepalive_time_ms';

/** What the plan asks of gRPC is what gRPC was given, and fits the other side as far as this side can know. */
export const keepalive: Check = {
  id: 'keepalive',
  title: 'keepalive',
  run({ plan, link }) {
    if (plan === undefined || link === undefined) return [none('Flower does not run')];
    const side = plan.role === 'superlink' ? 'server' : 'client';
    const given = new Map<string, string | number>(link.grpc[side]);
    const astray = plan.grpc[side].filter(([name, value]) => given.get(name) !== value);
    if (astray.length > 0) {
      const names = astray.map(([name, value]) => `${name}=${value}`).join(', ');
      const remedy = `restart Flower: \`systemctl restart flower-${plan.role}\``;
      return [wrong(`not in force: ${names}`, remedy)];
    }
    return [side === 'server' ? ofServer(plan) : ofClient(plan)];
  },
};

const seconds = (options: LaunchPlan['grpc']['server'], name: string): number =>
  (new Map(options).get(name) ?? 0) / 1_000;

function ofServer({ grpc: { server } }: LaunchPlan): Finding {
  const [minimum, time] = [seconds(server, MINIMUM), seconds(server, TIME)];
  const strikes = new Map(server).get(STRIKES);
  if (strikes !== 0 && minimum > time) {
    const remedy = 'raise FL_GRPC_KEEPALIVE_TIME on the SuperNodes, or lower it here';
    return wrong(`SuperNodes that ping more often than every ${minimum} s are sent away`, remedy);
  }
  return ok(`pings every ${time} s, takes pings from SuperNodes every ${minimum} s or slower`);
}

/** The SuperLink's minimum is half of its own FL_GRPC_KEEPALIVE_TIME, so ours is too short only for twice as long a one. */
function ofClient({ grpc: { client } }: LaunchPlan): Finding {
  const time = seconds(client, TIME);
  return ok(`pings every ${time} s, which suits a SuperLink with FL_GRPC_KEEPALIVE_TIME up to ${2 * time}`);
}

// Flower's own state, the answer of its Fleet API, and the keepalive options in force.
import { formatHostPort } from '../../core/hostport.ts';
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
  const target = fleetEndpoint(vm);
  if (target === undefined) return none('the address is not known yet');
  const ca = target.caFile === null ? null : (readText(target.caFile) ?? null);
  const at = formatHostPort(target.endpoint);
  const answer = await probeFleet({ ...target.endpoint, ca }, 4_500);
  if (!answer.ok)
    return problem(`${at} ${answer.reason}`, `${journal}; \`ss -ltnp\``, 'health_check_timeout');
  const how = ca === null ? 'in plaintext' : 'verified with the CA that SuperNodes receive';
  return ok(`the Fleet API answers at ${at} (${answer.ms} ms), ${how}`);
}

/** The options of gRPC in the plan are in force. */
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
    const time = Number(inForce.get('grpc.keepalive_time_ms') ?? 0) / 1_000;
    return [ok(`in force: a ping every ${time} s without data`)];
  },
};

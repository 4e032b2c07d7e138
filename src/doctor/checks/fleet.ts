import { formatHostPort } from '../../core/hostport.ts';
import { probeFleet } from '../../flower/probe.ts';
import { readText } from '../../host/files.ts';
import { sha256 } from '../../host/machine.ts';
import { type Check, type Finding, none, ok, warning, wrong } from '../check.ts';
import { fleetEndpoint, type VmSnapshot } from '../snapshot.ts';

/** Flower's own word for it, and on a SuperLink an answer of its Fleet API. */
export const fleet: Check = {
  id: 'flower',
  title: 'Flower',
  async run(scene) {
    const { link, machine, plan, role } = scene;
    if (plan === undefined) return [none('not started yet: there is no launch plan')];
    const journal = `journalctl -u flower-${plan.role}`;
    if (link === undefined)
      return [wrong('its process is gone', `${journal}; systemd starts it again`, 'flower_start_failed')];
    const outdated: Finding[] =
      link.plan === sha256(readText(machine.paths.plan) ?? '')
        ? []
        : [
            warning(
              'it runs with an earlier launch plan',
              `restart it: \`systemctl restart flower-${plan.role}\``,
            ),
          ];
    if (role === 'superlink') return [...outdated, await answers(scene, journal)];
    return link.phase === 'accepted'
      ? [...outdated, ok(`the SuperLink accepted this node (${link.node_id ?? '?'}) at ${link.since}`)]
      : [...outdated, wrong(`${link.phase} since ${link.since}: ${link.detail}`, journal)];
  },
};

async function answers(scene: VmSnapshot, journal: string): Promise<Finding> {
  const known = fleetEndpoint(scene);
  if (known === undefined) return none('its address is not known yet');
  const ca = known.caFile === null ? null : (readText(known.caFile) ?? null);
  const answer = await probeFleet({ ...known.endpoint, ca }, 4_500);
  if (!answer.ok) return wrong(answer.reason, `${journal}; ss -ltnp`, 'health_check_timeout');
  const how = known.caFile === null ? 'in plaintext' : 'verified with the CA that SuperNodes get';
  return ok(`the Fleet API answers at ${formatHostPort(known.endpoint)} (${answer.ms} ms), ${how}`);
}

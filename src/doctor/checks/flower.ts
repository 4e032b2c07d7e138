// Flower's own state, the answer of its Fleet API, the keepalive options in force, and its version here and on peers.
import { CATALOGUE } from '../../core/catalogue.ts';
import { formatHostPort } from '../../core/hostport.ts';
import { Problem } from '../../core/problem.ts';
import { isVersion } from '../../core/version.ts';
import { askGeneration, generationDiffers } from '../../flower/generation.ts';
import { probeFleet } from '../../flower/probe.ts';
import { readText } from '../../host/files.ts';
import { sha256 } from '../../host/machine.ts';
import { ONCE } from '../../onegate/client.ts';
import { notServing } from '../../report/life.ts';
import { type Check, type CheckFinding, none, ok, problem, warning } from '../check.ts';
import { fleetEndpoint, type VmSnapshot } from '../snapshot.ts';

export const fleet: Check = {
  id: 'flower',
  title: 'Flower',
  needs: 'plan',
  async run(vm) {
    const { flower, machine, role, life } = vm;
    const unit = `flower-${role}`;
    const journal = `\`journalctl -u ${unit}\``;
    if (vm.flowerUnknown !== undefined)
      return [problem(vm.flowerUnknown, `restart it: \`systemctl restart ${unit}\``, 'flower_state_unknown')];
    if (flower === undefined) return [notRunning(vm, journal)];
    const current = flower.plan === sha256(readText(machine.paths.plan) ?? '');
    const noApps = flower.up && life.flower?.serving === false;
    return [
      ...(noApps ? [problem(life.flower?.detail ?? '', '`journalctl -u flower-superexec`')] : []),
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

function notRunning({ life: { flower }, now }: VmSnapshot, journal: string): CheckFinding {
  const start = flower?.state === 'restarting' ? '' : '; start it: `systemctl restart flower-context`';
  return problem(notServing(flower, now), `${journal} shows why${start}`, 'flower_start_failed');
}

/** Less than a check has: no answer is a finding of its own. */
const PROBE_MS = 4_000;

async function answers(vm: VmSnapshot, journal: string): Promise<CheckFinding> {
  const target = fleetEndpoint(vm);
  if (target === undefined) return none('the address is not known yet');
  const { endpoint, ca = null } = target;
  const at = formatHostPort(endpoint);
  const answer = await probeFleet({ ...endpoint, ca }, vm.plan!.transport, PROBE_MS);
  if (!answer.ok)
    return problem(`${at} ${answer.reason}`, `${journal}; \`ss -ltnp\``, 'health_check_timeout');
  const how = ca === null ? 'in plaintext' : 'verified with the CA that SuperNodes receive';
  return ok(`the Fleet API answers at ${at} (${answer.ms} ms), ${how}`);
}

/** The options of the plan are in force. */
export const keepalive: Check = {
  id: 'keepalive',
  needs: 'plan',
  run({ plan, flower }) {
    if (plan === undefined || flower === undefined) return [none('not known without a Flower that works')];
    const side = plan.role === 'superlink' ? 'server' : 'client';
    const inForce = new Map<string, string | number>(flower.options[side]);
    const missing = plan.options[side].filter(([name, value]) => inForce.get(name) !== value);
    if (missing.length > 0) {
      const names = missing.map(([name, value]) => `${name}=${value}`).join(', ');
      return [problem(`not in force: ${names}`, `restart Flower: \`systemctl restart flower-${plan.role}\``)];
    }
    if (plan.transport === 'grpc') {
      const time = Number(inForce.get('grpc.keepalive_time_ms') ?? 0) / 1_000;
      return [ok(`in force: a gRPC ping every ${time} s without data`)];
    }
    const [time, timeout] = [inForce.get('TCP_KEEPIDLE'), Number(inForce.get('TCP_USER_TIMEOUT')) / 1_000];
    return [
      ok(
        `in force: a TCP probe after ${time} s without data; no answer for ${timeout} s closes the connection`,
      ),
    ];
  },
};

/** The Flower that runs here, the one that is configured, and those of the other role. */
export const versions: Check = {
  id: 'versions',
  needs: 'plan',
  async run(vm) {
    const running = vm.plan!.flower_version;
    const configured = vm.config?.FLOWER_VERSION ?? running;
    const peers = await ofPeers(vm, running);
    if (configured === running) return [peers];
    const remedy = 'search the journal for flower_install_failed: `journalctl -u flower-context`';
    const found = `Flower ${running} runs, but FLOWER_VERSION is ${configured}`;
    return [warning(found, remedy, 'flower_install_failed'), peers];
  },
};

const GENERATION = 'flower_generation_differs';

/** Both calls together have less than a check. */
const CALL_MS = PROBE_MS / 2;

/** What answers at the address of a SuperLink that has not accepted this node. */
async function answeringGeneration(vm: VmSnapshot, here: string): Promise<Problem | undefined> {
  const target = fleetEndpoint(vm);
  if (vm.role !== 'supernode' || vm.flower?.phase === 'accepted' || target === undefined) return undefined;
  const { endpoint, ca = null } = target;
  return (await askGeneration(vm.machine.host, { ...endpoint, ca }, { here }, CALL_MS))?.problem;
}

async function ofPeers(vm: VmSnapshot, running: string): Promise<CheckFinding> {
  const [answering, published] = await Promise.all([
    answeringGeneration(vm, running),
    publishedByPeers(vm, running),
  ]);
  if (answering === undefined || published.code === GENERATION) return published;
  return problem(answering.facts.found, answering.remedy, answering.code);
}

async function publishedByPeers({ oneGate, role }: VmSnapshot, running: string): Promise<CheckFinding> {
  const here = `Flower ${running} here`;
  if (oneGate === undefined) return ok(`${here}; peers are unknown without OneGate`);
  try {
    const { roles } = await oneGate.serviceInFull({ policy: { ...ONCE, tryTimeoutMs: 4_000 } });
    const peers = roles
      .flatMap(({ nodes }) => nodes)
      .filter(({ attributes }) => attributes.get('FL_ROLE') !== role)
      .map(({ id, attributes }) => ({ id, version: attributes.get('FL_VERSION') ?? '' }))
      .filter(({ version }) => isVersion(version));
    const others = peers.filter(({ version }) => version !== running);
    if (others.length === 0) return ok(`${here} and on ${peers.length} VMs of the other role`);
    const some = others.slice(0, 5).map(({ id, version }) => `VM ${id}: ${version}`);
    const rest = others.length > some.length ? ` and ${others.length - some.length} more` : '';
    const found = `${here}, another on ${some.join(', ')}${rest}`;
    if (others.some(({ version }) => generationDiffers(running, version) !== undefined))
      return problem(`${found}; they do not understand each other`, CATALOGUE[GENERATION].remedy, GENERATION);
    return warning(found, 'set FLOWER_VERSION to the same value for both roles', 'flower_version_differs');
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return ok(`${here}; peers are unknown: ${error.facts.found}`);
  }
}

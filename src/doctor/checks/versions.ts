import { SuperLinkResolver } from '../../cluster/resolver.ts';
import { Problem } from '../../core/problem.ts';
import { isVersion } from '../../core/version.ts';
import { ONCE } from '../../onegate/client.ts';
import { type Check, type Finding, none, ok, warning } from '../check.ts';
import type { VmSnapshot } from '../snapshot.ts';

/** The Flower that runs here, the one that was asked for, and what the other side runs. */
export const versions: Check = {
  id: 'versions',
  title: 'versions',
  async run(scene) {
    const running = scene.plan?.flower_version;
    if (running === undefined) return [none('Flower has not been started yet')];
    const wanted = scene.config?.FLOWER_VERSION;
    const instead: Finding[] =
      wanted === undefined || wanted === running
        ? []
        : [
            warning(
              `Flower ${running} runs, not ${wanted} as FLOWER_VERSION says`,
              'look for flower_install_failed in `journalctl -u flower-context`',
              'flower_install_failed',
            ),
          ];
    const others = await otherSide(scene, running);
    return [...instead, ...(others.verdict === 'ok' && instead.length > 0 ? [] : [others])];
  },
};

async function otherSide(scene: VmSnapshot, running: string): Promise<Finding> {
  const alone = `Flower ${running} here; the other side is not known`;
  if (scene.oneGate === undefined) return ok(`${alone} without OneGate`);
  try {
    return scene.role === 'supernode' ? await superLinks(scene, running) : await superNodes(scene, running);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return ok(
      error.code === 'not_in_service' ? `${alone} outside a service` : `${alone} (${error.facts.found})`,
    );
  }
}

async function superLinks({ oneGate, machine }: VmSnapshot, running: string): Promise<Finding> {
  const seen = await new SuperLinkResolver(oneGate!, machine.clock).poll();
  const theirs = 'endpoint' in seen ? seen.flowerVersion : undefined;
  if (theirs === undefined) return ok(`Flower ${running} here; the SuperLink publishes none yet`);
  return theirs === running
    ? ok(`Flower ${running} on both sides`)
    : differs(`the SuperLink runs Flower ${theirs}, this node ${running}`);
}

async function superNodes({ oneGate }: VmSnapshot, running: string): Promise<Finding> {
  const service = await oneGate!.serviceInFull({ policy: { ...ONCE, tryTimeoutMs: 4_500 } });
  const nodes = service.roles
    .flatMap(({ nodes: all }) => all)
    .filter(({ attributes }) => attributes.get('FL_ROLE') === 'supernode')
    .map(({ id, attributes }) => ({ id, version: attributes.get('FL_VERSION') }))
    .filter(({ version }) => version !== undefined && isVersion(version));
  const other = nodes.filter(({ version }) => version !== running);
  if (other.length > 0) {
    const some = other.slice(0, 5).map(({ id, version }) => `VM ${id}: ${version}`);
    const rest = other.length > some.length ? ` and ${other.length - some.length} more` : '';
    return differs(`Flower ${running} here, another on ${some.join(', ')}${rest}`);
  }
  return ok(
    `Flower ${running} here${nodes.length === 0 ? '' : ` and on ${nodes.length} ${nodes.length === 1 ? 'SuperNode' : 'SuperNodes'}`}`,
  );
}

const differs = (found: string): Finding =>
  warning(found, 'set FLOWER_VERSION to the same value for both roles', 'flower_version_differs');

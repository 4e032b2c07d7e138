import { SuperLinkResolver } from '../../cluster/resolver.ts';
import { Problem } from '../../core/problem.ts';
import { isVersion } from '../../core/version.ts';
import { ONCE } from '../../onegate/client.ts';
import { type Check, type CheckFinding, ok, warning } from '../check.ts';
import type { VmSnapshot } from '../snapshot.ts';

const JOURNAL = 'search the journal for flower_install_failed: `journalctl -u flower-context`';

/** The Flower that runs here, the one that is configured, and the one of the other side. */
export const versions: Check = {
  id: 'versions',
  title: 'versions',
  needs: 'plan',
  async run(vm) {
    const running = vm.plan!.flower_version;
    const configured = vm.config?.FLOWER_VERSION ?? running;
    const other = await otherSide(vm, running);
    if (configured === running) return [other];
    const found = `Flower ${running} runs, but FLOWER_VERSION is ${configured}`;
    return [warning(found, JOURNAL, 'flower_install_failed'), other];
  },
};

async function otherSide(vm: VmSnapshot, running: string): Promise<CheckFinding> {
  const here = `Flower ${running} here`;
  if (vm.oneGate === undefined) return ok(`${here}; the other side is unknown without OneGate`);
  try {
    return vm.role === 'supernode' ? await superLink(vm, running) : await superNodes(vm, running);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return ok(
      error.code === 'not_in_service'
        ? `${here}; the other side is unknown outside a service`
        : `${here}; the other side is unknown (${error.facts.found})`,
    );
  }
}

async function superLink({ oneGate, machine }: VmSnapshot, running: string): Promise<CheckFinding> {
  const seen = await new SuperLinkResolver(oneGate!, machine.clock).poll();
  const other = 'endpoint' in seen ? seen.flowerVersion : undefined;
  if (other === undefined) return ok(`Flower ${running} here; the SuperLink publishes none yet`);
  return other === running
    ? ok(`Flower ${running} on both sides`)
    : differs(`the SuperLink runs Flower ${other}, this node ${running}`);
}

async function superNodes({ oneGate }: VmSnapshot, running: string): Promise<CheckFinding> {
  const service = await oneGate!.serviceInFull({ policy: { ...ONCE, tryTimeoutMs: 4_500 } });
  const nodes = service.roles
    .flatMap(({ nodes: all }) => all)
    .filter(({ attributes }) => attributes.get('FL_ROLE') === 'supernode')
    .map(({ id, attributes }) => ({ id, version: attributes.get('FL_VERSION') }))
    .filter(({ version }) => version !== undefined && isVersion(version));
  const others = nodes.filter(({ version }) => version !== running);
  if (others.length === 0)
    return ok(`Flower ${running} here${nodes.length === 0 ? '' : ` and on all ${nodes.length} SuperNodes`}`);
  const some = others.slice(0, 5).map(({ id, version }) => `VM ${id}: ${version}`);
  const rest = others.length > some.length ? ` and ${others.length - some.length} more` : '';
  return differs(`Flower ${running} here, another on ${some.join(', ')}${rest}`);
}

const differs = (found: string): CheckFinding =>
  warning(found, 'set FLOWER_VERSION to the same value for both roles', 'flower_version_differs');

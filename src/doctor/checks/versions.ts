import { Problem } from '../../core/problem.ts';
import { isVersion } from '../../core/version.ts';
import { ONCE } from '../../onegate/client.ts';
import { type Check, type CheckFinding, ok, warning } from '../check.ts';
import type { VmSnapshot } from '../snapshot.ts';

/** The Flower that runs here, the one that is configured, and those of the other role. */
export const versions: Check = {
  id: 'versions',
  title: 'versions',
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

async function ofPeers({ oneGate, role }: VmSnapshot, running: string): Promise<CheckFinding> {
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
    const remedy = 'set FLOWER_VERSION to the same value for both roles';
    return warning(`${here}, another on ${some.join(', ')}${rest}`, remedy, 'flower_version_differs');
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return ok(`${here}; peers are unknown: ${error.facts.found}`);
  }
}

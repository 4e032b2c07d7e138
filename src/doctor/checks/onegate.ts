import { Buffer } from 'node:buffer';
import { encodeEndpoint } from '../../cluster/endpoint.ts';
import { readText } from '../../host/files.ts';
import type { PublishedName, Vm } from '../../onegate/replies.ts';
import { type Check, type Finding, none, ok, warning, wrong } from '../check.ts';
import { fleetEndpoint, type VmSnapshot } from '../snapshot.ts';

/** OneGate answers and takes the token. */
export const oneGate: Check = {
  id: 'onegate',
  title: 'OneGate',
  async run(scene) {
    if (scene.oneGate === undefined) return [none('not asked without a token')];
    const began = scene.machine.clock.monotonicMs();
    const vm = await scene.vm();
    const took = Math.round(scene.machine.clock.monotonicMs() - began);
    if (vm.id === scene.oneGate.vmId) return [ok(`answers as VM ${vm.id} (${took} ms)`)];
    const found = `it takes this VM for VM ${vm.id}, but VMID is ${scene.oneGate.vmId}`;
    return [wrong(found, "have the VM's CONTEXT disc made anew (power it off and resume it)")];
  },
};

/** What OneGate stores of this VM is what is true: peers and the ready gate go by it. */
export const published: Check = {
  id: 'published',
  title: 'what is published',
  async run(scene) {
    const { oneGate: gate, status, role } = scene;
    if (gate === undefined || status === undefined) return [none('nothing to compare')];
    const vm = await scene.vm().catch(() => undefined);
    if (vm === undefined) return [none('not known while OneGate does not answer')];
    const flag: PublishedName = role === 'supernode' ? 'FL_NODE_READY' : 'FL_READY';
    const says = (name: PublishedName): string => vm.attributes.get(name) ?? 'nothing';
    if (!status.serving) {
      const open = [flag, 'READY' as const].filter((name) => says(name) === 'YES');
      return open.length === 0
        ? [ok(`${flag}=${says(flag)}, FL_ERROR=${says('FL_ERROR')}`)]
        : [wrong(`${open.join('=YES, ')}=YES, but this VM does not serve`, RELOAD)];
    }
    const stale = wanted(scene, flag).filter(([name, value]) => says(name) !== value);
    if (stale.length > 0) {
      const names = stale.map(([name]) => name).join(', ');
      return [wrong(`${names}: not what this VM would say`, RELOAD)];
    }
    return readiness(scene, vm, flag);
  },
};

const RELOAD = 'let the agent look again: `systemctl reload flower-context`';

function wanted(scene: VmSnapshot, flag: PublishedName): (readonly [PublishedName, string])[] {
  const fleet = fleetEndpoint(scene);
  const common = [[flag, 'YES'] as const];
  if (scene.role !== 'superlink' || fleet === undefined) return common;
  const ca = fleet.caFile === null ? undefined : readText(fleet.caFile);
  return [
    ...common,
    ['FL_ENDPOINT', encodeEndpoint(fleet.endpoint)],
    ['FL_TLS', fleet.caFile === null ? 'NO' : 'YES'],
    ...(ca === undefined ? [] : [['FL_CA_CERT', Buffer.from(ca).toString('base64')] as const]),
  ];
}

function readiness({ config, status }: VmSnapshot, vm: Vm, flag: PublishedName): Finding[] {
  const error = vm.attributes.get('FL_ERROR') ?? '-';
  // What the boot went on without is the finding of another check.
  const known = status?.problems.some(({ code, kind }) => code === error && kind === 'degraded');
  if (error !== '-' && !known) return [warning(`${flag}=YES, but also FL_ERROR=${error}`, RELOAD)];
  if (config?.REPORT_READY && vm.attributes.get('READY') !== 'YES') {
    const remedy = `${RELOAD}; the agent publishes it with everything else`;
    return [warning(`${flag}=YES, but READY is not YES yet`, remedy)];
  }
  return [ok(`${flag}=YES, and everything else that other VMs need`)];
}

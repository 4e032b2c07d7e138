// OneGate answers, and it has the attributes that peers and the ready script rely on.

import { Buffer } from 'node:buffer';
import { plainOneGate } from '../../boot/checks.ts';
import { encodeEndpoint } from '../../cluster/endpoint.ts';
import { plain } from '../../core/text.ts';
import type { PublishedName, Vm } from '../../onegate/replies.ts';
import { type Check, type CheckFinding, none, ok, problem, warning } from '../check.ts';
import { fleetEndpoint, type VmSnapshot } from '../snapshot.ts';

export const oneGate: Check = {
  id: 'onegate',
  title: 'OneGate',
  needs: 'onegate',
  async run({ machine, oneGate: gate, vm: request, config, credentials }) {
    const began = machine.clock.monotonicMs();
    const { id } = await request();
    const took = Math.round(machine.clock.monotonicMs() - began);
    if (id === gate?.vmId) {
      const endpoint = 'endpoint' in credentials ? credentials.endpoint : undefined;
      // Usual at OpenNebula, so it is no finding; `validate` and the first boot say what it means.
      const exposed = config !== undefined && plainOneGate(config, endpoint) !== undefined;
      return [ok(`answers for VM ${id} (${took} ms)${exposed ? ', by plain HTTP without a pinned CA' : ''}`)];
    }
    const remedy = 'make the CONTEXT disc again: power the VM off and resume it';
    return [problem(`the token belongs to VM ${id}, but VMID is ${gate?.vmId}`, remedy)];
  },
};

export const published: Check = {
  id: 'published',
  needs: 'onegate',
  async run(vm) {
    const { status, role, life } = vm;
    if (status === undefined) return [none('no status to compare with')];
    const own = await vm.vm().catch(() => undefined);
    if (own === undefined) return [none('not checked: OneGate does not answer')];
    const flag: PublishedName = role === 'supernode' ? 'FL_NODE_READY' : 'FL_READY';
    const value = (name: PublishedName): string => own.attributes.get(name) ?? 'absent';
    // The status says what was so when the agent wrote it.
    if (!status.serving || life.flower?.serving !== true) {
      const open = [flag, 'READY' as const].filter((name) => value(name) === 'YES');
      return open.length === 0
        ? [ok(`${flag}=${plain(value(flag), 80)}, FL_ERROR=${plain(value('FL_ERROR'), 80)}`)]
        : [problem(`${open.join('=YES, ')}=YES, but this VM does not serve`, WITHDRAW)];
    }
    const stale = expected(vm, flag).filter(([name, right]) => value(name) !== right);
    if (stale.length > 0)
      return [problem(`stale on OneGate: ${stale.map(([name]) => name).join(', ')}`, RELOAD)];
    return readiness(vm, own, flag);
  },
};

const WITHDRAW = 'the agent withdraws it within a minute; if not: `systemctl restart flower-context`';
const RELOAD = 'publish again: `systemctl reload flower-context`';

function expected(vm: VmSnapshot, flag: PublishedName): (readonly [PublishedName, string])[] {
  const fleet = fleetEndpoint(vm);
  if (vm.role !== 'superlink' || fleet === undefined) return [[flag, 'YES']];
  const { endpoint, caFile, ca } = fleet;
  return [
    [flag, 'YES'],
    ['FL_ENDPOINT', encodeEndpoint(endpoint)],
    ['FL_TLS', caFile === undefined ? 'NO' : 'YES'],
    ...(ca === undefined ? [] : [['FL_CA_CERT', Buffer.from(ca).toString('base64')] as const]),
  ];
}

function readiness({ config, status }: VmSnapshot, { attributes }: Vm, flag: PublishedName): CheckFinding[] {
  const error = attributes.get('FL_ERROR') ?? '-';
  // The check of the agent reports what the boot continued without.
  const reported = status?.problems.some(({ code, kind }) => code === error && kind === 'degraded');
  if (error !== '-' && !reported)
    return [warning(`${flag}=YES, but also FL_ERROR=${plain(error, 80)}`, RELOAD)];
  if (config?.REPORT_READY && attributes.get('READY') !== 'YES')
    return [warning(`${flag}=YES, but READY is not YES yet`, RELOAD)];
  return [ok(`${flag}=YES and all attributes that peers need`)];
}

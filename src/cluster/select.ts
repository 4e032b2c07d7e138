// Selects the SuperLink from the attributes of the VMs of its role, or says why none is ready. Other VMs publish any text:
// it is checked before it is used, and a text that fails is described, not repeated.
import type { HostPort } from '../core/hostport.ts';
import { parseIp } from '../core/ip.ts';
import { isVersion } from '../core/version.ts';
import { attribute, type Service, VM_STATE, type Vm } from '../onegate/replies.ts';
import { decodeEndpoint } from './endpoint.ts';

/** The checked attributes of the SuperLink. */
export interface SuperLink {
  readonly endpoint: HostPort;
  /** For nodes without IPv4, when `endpoint` has an IPv4 address. */
  readonly endpoint6?: HostPort;
  readonly tls: 'YES' | 'NO' | undefined;
  /** FL_CA_CERT: base64 of a text that tls/trust.ts checks. */
  readonly caCert?: string;
  readonly vmId: number;
  readonly flowerVersion?: string;
  /** Sentences about invalid attributes. */
  readonly warnings: readonly string[];
  /** The service, when it was read in the same poll. */
  readonly service?: Service;
}

/** Why there is no SuperLink yet. */
export interface Pending {
  readonly for: string;
  readonly check: string;
  /** Its VM exists and can be asked directly. */
  readonly vmExists: boolean;
}

/** The VM that is ready; the oldest when several are. */
export function selectSuperLink(vms: readonly Vm[], service?: Service): SuperLink | Pending {
  const results = [...vms].sort((a, b) => a.id - b.id).map((vm) => ({ vm, result: selectOne(vm) }));
  const ready = results.flatMap(({ result }) => ('endpoint' in result ? [result] : []));
  const [first] = ready;
  if (first !== undefined) {
    const ids = ready.map((one) => one.vmId).join(', ');
    const several = `VMs ${ids} all publish FL_READY=YES; VM ${first.vmId}, the oldest, is used`;
    return {
      ...first,
      warnings: ready.length > 1 ? [several, ...first.warnings] : first.warnings,
      ...(service !== undefined && { service }),
    };
  }
  // None is ready: a VM that is not terminated gives the better reason.
  const pending = results.find(({ vm }) => vm.state !== VM_STATE.done) ?? results[0];
  return pending !== undefined && 'for' in pending.result
    ? pending.result
    : { for: 'a SuperLink', check: 'the SuperLink VM', vmExists: false };
}

function selectOne(vm: Vm): SuperLink | Pending {
  const gone = vm.state === undefined ? undefined : STOPPED_STATES[vm.state];
  if (gone !== undefined) {
    return {
      for: `a SuperLink: its VM ${vm.id} is ${gone}`,
      check: `the VM on the front-end (\`onevm show ${vm.id}\`)`,
      vmExists: false,
    };
  }
  const check = `\`flower-context status\` on VM ${vm.id}`;
  const error = attribute(vm, 'FL_ERROR');
  const reported =
    error === undefined || error === '-'
      ? ''
      : `; it reports FL_ERROR=${/^[a-z][a-z0-9_]{0,63}$/.test(error) ? error : '(not a problem code)'}`;
  if (attribute(vm, 'FL_READY') !== 'YES') {
    return { for: `the SuperLink on VM ${vm.id} to publish FL_READY=YES${reported}`, check, vmExists: true };
  }
  const published = attribute(vm, 'FL_ENDPOINT');
  const endpoint = published === undefined ? undefined : decodeEndpoint(published);
  if (endpoint === undefined) {
    const fault =
      published === undefined ? 'no FL_ENDPOINT' : `an invalid FL_ENDPOINT (${describeInvalid(published)})`;
    const reason = `to publish its address: it publishes FL_READY=YES with ${fault}${reported}`;
    return { for: `the SuperLink on VM ${vm.id} ${reason}`, check, vmExists: true };
  }

  const warnings: string[] = [];
  const published6 = attribute(vm, 'FL_ENDPOINT6') ?? '-';
  const endpoint6 = published6 === '-' ? undefined : decodeEndpoint(published6);
  const usable6 = endpoint6 !== undefined && parseIp(endpoint6.host)?.version === 6;
  if (published6 !== '-' && !usable6)
    warnings.push(`VM ${vm.id} publishes an FL_ENDPOINT6 that is no IPv6 address with a port; ignored`);
  const tls = attribute(vm, 'FL_TLS');
  if (tls !== undefined && tls !== 'YES' && tls !== 'NO')
    warnings.push(`VM ${vm.id} publishes an FL_TLS that is neither YES nor NO; ignored`);
  const caCert = attribute(vm, 'FL_CA_CERT');
  const caUsable = caCert !== undefined && caCert.length <= 65_536 && /^[A-Za-z0-9+/]+={0,2}$/.test(caCert);
  if (caCert !== undefined && caCert !== '-' && !caUsable)
    warnings.push(`VM ${vm.id} publishes an FL_CA_CERT that is not base64; ignored`);
  const version = attribute(vm, 'FL_VERSION');
  return {
    endpoint,
    ...(usable6 ? { endpoint6 } : {}),
    tls: tls === 'YES' || tls === 'NO' ? tls : undefined,
    ...(caUsable ? { caCert } : {}),
    vmId: vm.id,
    ...(version !== undefined && isVersion(version) ? { flowerVersion: version } : {}),
    warnings,
  };
}

/** Of a VM that runs no Flower. */
export const STOPPED_STATES: Record<number, string> = {
  [VM_STATE.stopped]: 'stopped',
  [VM_STATE.suspended]: 'suspended',
  [VM_STATE.done]: 'terminated',
  [VM_STATE.poweroff]: 'powered off',
  [VM_STATE.undeployed]: 'undeployed',
};

function describeInvalid(text: string): string {
  if (/\p{Cc}/u.test(text)) return 'it has control characters';
  if (text.length > 300) return `it is ${text.length} characters long`;
  return /^[\w.:[\]-]+$/.test(text) ? text : 'it has characters that no address has';
}

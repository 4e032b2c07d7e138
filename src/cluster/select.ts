// What the VMs of the SuperLink's role publish, judged: a SuperLink that can be dialled, or why not yet. What peers
// publish is a stranger's text: it is checked before it is used, and what does not pass is described, not repeated.

import type { HostPort } from '../core/hostport.ts';
import { isVersion } from '../core/version.ts';
import { attribute, type Service, VM_STATE, type Vm } from '../onegate/replies.ts';
import { decodeEndpoint } from './endpoint.ts';

/** What the SuperLink publishes, checked. */
export interface SuperLink {
  readonly endpoint: HostPort;
  readonly tls: 'YES' | 'NO' | undefined;
  /** FL_CA_CERT as published: base64 (of what, is for the reader to check). */
  readonly caCert?: string;
  readonly vmId: number;
  readonly flowerVersion?: string;
  /** What was odd about it, as sentences. */
  readonly warnings: readonly string[];
  /** The service as it was seen on the way, when it was. */
  readonly service?: Service;
}

/** Why there is no SuperLink yet. */
export interface Pending {
  readonly for: string;
  readonly check: string;
  /** Its VM exists and can be asked directly. */
  readonly known: boolean;
}

/** Takes the VM that is ready out of those of the SuperLink's role; the oldest when several are. */
export function selectSuperLink(vms: readonly Vm[], service?: Service): SuperLink | Pending {
  const judged = [...vms].sort((a, b) => a.id - b.id).map((vm) => ({ vm, outcome: judgeOne(vm) }));
  const ready = judged.flatMap(({ outcome }) => ('endpoint' in outcome ? [outcome] : []));
  const [first] = ready;
  if (first !== undefined) {
    const several =
      ready.length > 1
        ? [
            `VMs ${ready.map((one) => one.vmId).join(', ')} all publish a ready SuperLink; VM ${first.vmId}, the oldest, is taken`,
          ]
        : [];
    return {
      ...first,
      warnings: [...several, ...first.warnings],
      ...(service === undefined ? {} : { service }),
    };
  }
  // Of several that are not ready, one that lives says more than one that is gone.
  const alive = judged.filter(({ vm }) => vm.state !== VM_STATE.done);
  const shown = (alive[0] ?? judged[0])?.outcome;
  return shown !== undefined && 'for' in shown
    ? shown
    : { for: 'a SuperLink', check: 'the SuperLink VM', known: false };
}

function judgeOne(vm: Vm): SuperLink | Pending {
  const gone = vm.state === undefined ? undefined : STATES_WITHOUT_A_SUPERLINK[vm.state];
  if (gone !== undefined) {
    return {
      for: `a SuperLink: its VM ${vm.id} is ${gone}`,
      check: `the VM on the front-end (\`onevm show ${vm.id}\`)`,
      known: false,
    };
  }
  const check = `\`flower-context status\` on VM ${vm.id}`;
  const error = attribute(vm, 'FL_ERROR');
  const says =
    error === undefined || error === '-'
      ? ''
      : `; it reports FL_ERROR=${/^[a-z][a-z0-9_]{0,63}$/.test(error) ? error : 'something that is no problem code'}`;
  if (attribute(vm, 'FL_READY') !== 'YES') {
    return { for: `the SuperLink on VM ${vm.id} to publish FL_READY=YES${says}`, check, known: true };
  }
  const published = attribute(vm, 'FL_ENDPOINT');
  const endpoint = published === undefined ? undefined : decodeEndpoint(published);
  if (endpoint === undefined) {
    const fault =
      published === undefined
        ? 'no FL_ENDPOINT'
        : `an FL_ENDPOINT that is no host:port (${describeInvalid(published)})`;
    return {
      for: `the SuperLink on VM ${vm.id} to publish its address: it says FL_READY=YES with ${fault}${says}`,
      check,
      known: true,
    };
  }

  const warnings: string[] = [];
  const tls = attribute(vm, 'FL_TLS');
  if (tls !== undefined && tls !== 'YES' && tls !== 'NO')
    warnings.push(`VM ${vm.id} publishes an FL_TLS that is neither YES nor NO; it is left out of account`);
  const caCert = attribute(vm, 'FL_CA_CERT');
  const caUsable = caCert !== undefined && caCert.length <= 65_536 && /^[A-Za-z0-9+/]+={0,2}$/.test(caCert);
  if (caCert !== undefined && caCert !== '-' && !caUsable)
    warnings.push(`VM ${vm.id} publishes an FL_CA_CERT that is not base64; it is left out of account`);
  const version = attribute(vm, 'FL_VERSION');
  return {
    endpoint,
    tls: tls === 'YES' || tls === 'NO' ? tls : undefined,
    ...(caUsable ? { caCert } : {}),
    vmId: vm.id,
    ...(version !== undefined && isVersion(version) ? { flowerVersion: version } : {}),
    warnings,
  };
}

const STATES_WITHOUT_A_SUPERLINK: Record<number, string> = {
  [VM_STATE.stopped]: 'stopped',
  [VM_STATE.suspended]: 'suspended',
  [VM_STATE.done]: 'terminated',
  [VM_STATE.poweroff]: 'powered off',
  [VM_STATE.undeployed]: 'undeployed',
};

/** A stranger's text is described, not repeated. */
function describeInvalid(text: string): string {
  if (/\p{Cc}/u.test(text)) return 'it has control characters';
  if (text.length > 300) return `it is ${text.length} characters long`;
  return /^[\w.:[\]-]+$/.test(text) ? text : 'it has characters no address has';
}

/** A stranger's name, fit for a sentence. */
export const sanitize = (name: string): string => name.replaceAll(/[^\w.-]/g, '?').slice(0, 64);

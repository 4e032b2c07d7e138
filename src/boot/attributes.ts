// What is published on OneGate, and when. variables.md, "OneGate attributes".
import { Buffer } from 'node:buffer';
import { encodeEndpoint } from '../cluster/endpoint.ts';
import type { BootConfig } from '../config/parse.ts';
import type { PublishedName, Vm } from '../onegate/replies.ts';
import type { Knowledge } from './knowledge.ts';

export type Attributes = Readonly<Record<string, string>>;

const yesNo = (value: boolean): string => (value ? 'YES' : 'NO');

/** What is true of a VM that boots: nothing serves yet, whatever was published before. */
export function bootingAttributes({ role }: BootConfig, vmId: number): Attributes {
  const withdrawn = { READY: 'NO', FL_ROLE: role, FL_ERROR: '-' };
  return role === 'superlink'
    ? { ...withdrawn, FL_READY: 'NO' }
    : { ...withdrawn, FL_NODE_READY: 'NO', FL_NODE_ID: String(vmId) };
}

/**
 * Whether what OneGate shows of this VM contradicts that it boots: READY or a problem of an earlier boot, or the attributes
 * of the VM whose image this is. What is absent contradicts nothing: OneFlow and peers wait for YES.
 */
export const contradictsBooting = (stored: Vm, config: BootConfig): boolean =>
  Object.entries(bootingAttributes(config, stored.id)).some(([name, value]) => {
    const shown = stored.attributes.get(name as PublishedName);
    return shown !== undefined && shown !== value;
  });

/**
 * The one update that opens the gate: with it, everything a child role needs is stored. READY=YES is part of it, so that
 * nothing has to follow: one-context may report it as well, or may have given up, or not be there.
 */
export function servingAttributes(known: Knowledge): Attributes {
  const config = known.get('config');
  const common = {
    FL_ROLE: config.role,
    FL_VERSION: known.get('flowerVersion'),
    FL_ERROR: known.peek('lacks') ?? '-',
    ...(config.REPORT_READY ? { READY: 'YES' } : {}),
  };
  if (config.role === 'superlink') {
    const trust = known.get('serverTrust');
    return {
      ...common,
      FL_ENDPOINT: encodeEndpoint(known.get('endpoint')),
      FL_TLS: yesNo(trust !== undefined),
      // An earlier life with TLS may have left a certificate: overwritten, never erased (facts/opennebula.md 10).
      FL_CA_CERT: trust === undefined ? '-' : Buffer.from(trust.caPem).toString('base64'),
      FL_READY: 'YES',
    };
  }
  const partition = known.get('partition');
  return {
    ...common,
    ...(config.VMID === undefined ? {} : { FL_NODE_ID: String(config.VMID) }),
    ...(partition === undefined
      ? {}
      : { FL_PARTITION_ID: String(partition.id), FL_NUM_PARTITIONS: String(partition.of) }),
    ...(config.FL_USE_CASE === 'none' ? {} : { FL_USE_CASE: config.FL_USE_CASE }),
    FL_GPU_AVAILABLE: yesNo(known.get('gpu')),
    FL_NODE_READY: 'YES',
  };
}

/** The boot failed, or what served does not any more. */
export function failedAttributes(role: 'superlink' | 'supernode', code: string): Attributes {
  return {
    READY: 'NO',
    FL_ROLE: role,
    [role === 'superlink' ? 'FL_READY' : 'FL_NODE_READY']: 'NO',
    FL_ERROR: code,
  };
}

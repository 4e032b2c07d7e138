// What is published on OneGate, and when. variables.md, "OneGate attributes".
import { Buffer } from 'node:buffer';
import { encodeEndpoint } from '../discovery/endpoint.ts';
import type { BootConfig } from '../params/parse.ts';
import type { Knowledge } from './knowledge.ts';

export type Attributes = Readonly<Record<string, string>>;

const yesNo = (value: boolean): string => (value ? 'YES' : 'NO');

/** The first update of a boot: nothing serves yet, whatever an earlier life said. */
export function bootingAttributes({ role }: BootConfig, vmId: number): Attributes {
  const withdrawn = { READY: 'NO', FL_ROLE: role, FL_ERROR: '-' };
  return role === 'superlink'
    ? { ...withdrawn, FL_READY: 'NO' }
    : { ...withdrawn, FL_NODE_READY: 'NO', FL_NODE_ID: String(vmId) };
}

/** The one update that opens the gate: with it, everything a child role needs is stored (decision 5). */
export function servingAttributes(known: Knowledge): Attributes {
  const config = known.get('config');
  const common = {
    FL_ROLE: config.role,
    FL_VERSION: known.get('flowerVersion'),
    FL_ERROR: known.peek('lacks') ?? '-',
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

// What is published on OneGate, and when.
import { Buffer } from 'node:buffer';
import { encodeEndpoint } from '../cluster/endpoint.ts';
import type { Choice, Partition } from '../cluster/partition.ts';
import type { BootConfig, SuperLinkConfig, SuperNodeConfig } from '../config/parse.ts';
import type { ProblemCode } from '../core/catalogue.ts';
import type { HostPort } from '../core/hostport.ts';
import type { Role } from '../core/role.ts';
import type { PublishedName, Vm } from '../onegate/replies.ts';

export type Attributes = Readonly<Record<string, string>>;

const yesNo = (value: boolean): string => (value ? 'YES' : 'NO');

/** What is true of a VM that boots: nothing serves yet, whatever was published before. `error`: why, after a failure. */
export function bootingAttributes(
  { role }: Pick<BootConfig, 'role'>,
  vmId: number,
  error?: ProblemCode,
): Attributes {
  const common = { READY: 'NO', FL_ROLE: role, FL_ERROR: error ?? '-' };
  return role === 'superlink'
    ? { ...common, FL_READY: 'NO' }
    : { ...common, FL_NODE_READY: 'NO', FL_NODE_ID: String(vmId) };
}

/**
 * Whether what OneGate shows of this VM contradicts that it boots: READY or a problem of an earlier boot, or the attributes
 * of the VM whose image this is. What is absent contradicts nothing: OneFlow and peers wait for YES.
 */
export const contradictsBooting = (
  stored: Vm,
  config: Pick<BootConfig, 'role'>,
  error?: ProblemCode,
): boolean =>
  Object.entries(bootingAttributes(config, stored.id, error)).some(([name, value]) => {
    const found = stored.attributes.get(name as PublishedName);
    return found !== undefined && found !== value;
  });

/** What both roles publish. `degradedBy`: the first thing that the boot continued without. */
interface Serving {
  readonly flowerVersion: string;
  readonly degradedBy: ProblemCode | undefined;
}

/**
 * READY=YES is part of the one update that opens the gate, so that nothing has to follow: one-context may report it as
 * well, may have given up, or may be absent.
 */
const common = ({ role, REPORT_READY }: BootConfig, { flowerVersion, degradedBy }: Serving): Attributes => ({
  FL_ROLE: role,
  FL_VERSION: flowerVersion,
  FL_ERROR: degradedBy ?? '-',
  ...(REPORT_READY ? { READY: 'YES' } : {}),
});

/** The update of a SuperLink that serves: with it, everything that SuperNodes need is stored. `caPem` undefined: plaintext. */
export const superLinkAttributes = (
  config: SuperLinkConfig,
  {
    endpoint,
    endpoint6,
    caPem,
    ...serving
  }: Serving & {
    readonly endpoint: HostPort;
    readonly endpoint6?: HostPort | undefined;
    readonly caPem: string | undefined;
  },
): Attributes => ({
  ...common(config, serving),
  FL_ENDPOINT: encodeEndpoint(endpoint),
  FL_ENDPOINT6: endpoint6 === undefined ? '-' : encodeEndpoint(endpoint6),
  FL_TLS: yesNo(caPem !== undefined),
  // An earlier life with TLS may have left a certificate. OneGate cannot erase an attribute, only overwrite it.
  FL_CA_CERT: caPem === undefined ? '-' : Buffer.from(caPem).toString('base64'),
  FL_READY: 'YES',
});

/** The update of a SuperNode that was accepted. `partition` undefined: outside a service. */
export const superNodeAttributes = (
  config: SuperNodeConfig,
  {
    partition,
    gpu,
    useCase = config.FL_USE_CASE,
    ...serving
  }: Serving & {
    readonly partition: (Partition & Pick<Choice, 'byOrder'>) | undefined;
    readonly gpu: boolean;
    /** FL_USE_CASE that Flower runs with; that of the CONTEXT when left out. */
    readonly useCase?: string | undefined;
  },
): Attributes => ({
  ...common(config, serving),
  ...(config.VMID === undefined ? {} : { FL_NODE_ID: String(config.VMID) }),
  ...(partition === undefined
    ? {}
    : { FL_PARTITION_ID: String(partition.id), FL_NUM_PARTITIONS: String(partition.of) }),
  ...(partition?.byOrder === undefined ? {} : { FL_PARTITION_ORDER: yesNo(partition.byOrder) }),
  ...(useCase === 'none' ? {} : { FL_USE_CASE: useCase }),
  FL_GPU_AVAILABLE: yesNo(gpu),
  FL_NODE_READY: 'YES',
});

/** The boot failed, or what served does not any more. */
export const failedAttributes = (role: Role, code: string): Attributes => ({
  READY: 'NO',
  FL_ROLE: role,
  [role === 'superlink' ? 'FL_READY' : 'FL_NODE_READY']: 'NO',
  FL_ERROR: code,
});

// The parts of OneGate's replies that the agent uses. In a reply, numbers are text or numbers, an empty element is {}, a
// repeated name is an array, and a single NIC is an object or an array of one (OneGate 7.5.80, recorded exchanges 02, 05, 21,
// 125, 147). With extended=true it also holds the whole CONTEXT of the peers, passwords included, so everything that is not
// named here is dropped at once.
import * as z from 'zod';
import { MOST_NODES } from './limits.ts';

/** The attributes that nodes of a federation publish. All others of a USER_TEMPLATE are dropped. */
export const PUBLISHED = [
  'READY',
  'FL_ROLE',
  'FL_VERSION',
  'FL_READY',
  'FL_ENDPOINT',
  'FL_ENDPOINT6',
  'FL_TLS',
  'FL_CA_CERT',
  'FL_NODE_READY',
  'FL_NODE_ID',
  'FL_PARTITION_ID',
  'FL_NUM_PARTITIONS',
  'FL_PARTITION_ORDER',
  'FL_GPU_AVAILABLE',
  'FL_USE_CASE',
  'FL_ERROR',
] as const;

export type PublishedName = (typeof PUBLISHED)[number];

/** OpenNebula's VM states that matter here (include/VirtualMachine.h: VmState). */
export const VM_STATE = { stopped: 4, suspended: 5, done: 6, poweroff: 8, undeployed: 9 } as const;

export interface Vm {
  readonly id: number;
  /** Undefined where the reply has none (a plain GET /service). */
  readonly state: number | undefined;
  readonly lcmState: number | undefined;
  readonly attributes: ReadonlyMap<PublishedName, string>;
  /** IPv4 and global IPv6 addresses of its NICs, in the NICs' order. */
  readonly addresses: readonly string[];
}

export interface Role {
  readonly name: string;
  /** How many nodes OneFlow wants. When the role shrinks it is lowered at once, while the nodes to remove are still listed. */
  readonly cardinality: number;
  readonly state: number;
  /** In the order of creation. Without extended=true a node is only its id and name. */
  readonly nodes: readonly Vm[];
}

export interface Service {
  readonly id: number;
  /** 1 DEPLOYING, 2 RUNNING, 4 WARNING, 8 SCALING, 10 COOLDOWN, ... */
  readonly state: number;
  readonly roles: readonly Role[];
}

export const SERVICE_STATE = { deploying: 1, cooldown: 10 } as const;

/** The attribute `name` of `vm`; undefined without one, or when it is not text. */
export const attribute = (vm: Vm, name: PublishedName): string | undefined => vm.attributes.get(name);

const digits = z.lazy(() => z.string().regex(/^\s*\d{1,10}\s*$/));
const whole = z.lazy(() =>
  z.union([z.number(), digits.transform(Number)]).pipe(z.int().min(0).max(4_294_967_295)),
);
const anything = z.lazy(() => z.unknown().optional());

/** `[x]`, `x` or `{}`, `null`, nothing: always a list of what parses. */
const listOf = <T extends z.ZodType>(item: T) =>
  z.preprocess(
    (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]),
    z.array(item),
  );

const nicSchema = z.lazy(() => z.object({ IP: anything, IP6_GLOBAL: anything }).catch({}));
const templateSchema = z.lazy(() => z.object({ NIC: listOf(nicSchema).catch([]) }).catch({ NIC: [] }));

const vmSchema = z.lazy(() =>
  z
    .object({
      ID: whole,
      STATE: whole.optional().catch(undefined),
      LCM_STATE: whole.optional().catch(undefined),
      USER_TEMPLATE: z.record(z.string(), z.unknown()).catch({}).optional(),
      TEMPLATE: templateSchema.optional(),
    })
    .transform(
      (vm): Vm => ({
        id: vm.ID,
        state: vm.STATE,
        lcmState: vm.LCM_STATE,
        attributes: attributesOf(vm.USER_TEMPLATE),
        addresses: (vm.TEMPLATE?.NIC ?? []).flatMap((nic) => [nic.IP, nic.IP6_GLOBAL].filter(isText)),
      }),
    ),
);

const nodeSchema = z.lazy(() =>
  z
    .object({ deploy_id: whole, vm_info: z.object({ VM: z.unknown() }).optional().catch(undefined) })
    .transform((node): Vm => {
      // OneFlow's list of the role decides which VM this is; vm_info only adds to it.
      const info = vmSchema.safeParse(node.vm_info?.VM);
      return info.success && info.data.id === node.deploy_id
        ? info.data
        : vmSchema.parse({ ID: node.deploy_id });
    }),
);

const roleSchema = z.lazy(() =>
  z.object({
    name: z.string(),
    cardinality: whole,
    state: whole.catch(0),
    /** A node without a VM, which is not created yet, is left out. */
    nodes: listOf(nodeSchema.optional().catch(undefined))
      .catch([])
      .transform((nodes) => nodes.filter((node) => node !== undefined))
      .refine((nodes) => nodes.length <= MOST_NODES, { error: `more than ${MOST_NODES} nodes` }),
  }),
);

const vmReply = z.lazy(() => z.object({ VM: vmSchema }));
const serviceReply = z.lazy(() =>
  z.object({
    SERVICE: z.object({ id: whole, state: whole, roles: z.array(roleSchema).max(1_000) }),
  }),
);

/** The body of GET /vm or GET /vms/ID. Throws ZodError. */
export const parseVm = (json: unknown): Vm => vmReply.parse(json).VM;

/** The body of GET /service, plain or extended. Throws ZodError. */
export const parseService = (json: unknown): Service => serviceReply.parse(json).SERVICE;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

function attributesOf(userTemplate: Readonly<Record<string, unknown>> = {}): Map<PublishedName, string> {
  const kept = new Map<PublishedName, string>();
  for (const name of PUBLISHED) {
    const value = userTemplate[name];
    // OneGate stores an attribute twice when an update has it twice (recorded exchange 147): the last one counts.
    const one = Array.isArray(value) ? value.filter(isText).at(-1) : value;
    if (isText(one)) kept.set(name, one);
  }
  return kept;
}

import { fullDocument } from './document.ts';
import {
  addressAfter,
  type NetworkSpec,
  type NicSpec,
  nicAttributes,
  nicContext,
  visibleNic,
} from './network.ts';
import { type VmState, vmStates } from './states.ts';
import { sorted } from './template.ts';
import { UserTemplate } from './user-template.ts';

/** Who a VM or service belongs to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly uname: string;
  readonly gname: string;
}

export const oneadmin: Owner = { uid: 0, gid: 0, uname: 'oneadmin', gname: 'oneadmin' };

/** A VM as a test asks for it. */
export interface VmSpec {
  readonly name?: string;
  readonly id?: number;
  readonly owner?: Owner;
  /** Left out: one card on the zone's network. */
  readonly nics?: readonly NicSpec[];
  /** Attributes it has from its template; peers can read them. */
  readonly userTemplate?: Readonly<Record<string, string>>;
  /** CONTEXT variables besides those that oned writes itself. */
  readonly context?: Readonly<Record<string, string>>;
  /** The content of token.txt; generated when left out. */
  readonly token?: string;
}

/** One HISTORY record of the extended document; times are seconds since 1970. */
export interface HistoryRecord {
  readonly [name: string]: string;
}

/** The parts of a VM besides its spec. */
export interface VmSetting {
  readonly id: number;
  readonly name: string;
  readonly token: string;
  readonly uuid: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly endpoint: string;
  readonly network: NetworkSpec;
  readonly service?: { readonly id: number; readonly role: string };
}

/** One virtual machine of the zone. Change its state through the zone, which informs OneFlow. */
export class Vm {
  readonly id: number;
  readonly name: string;
  readonly owner: Owner;
  /** What the guest sends as X-ONEGATE-TOKEN: fixed for the VM's life, good even after its end (sample 320). */
  readonly token: string;
  /** The role's name, for a VM that OneFlow made. */
  readonly role: string | undefined;
  readonly nics: readonly NicSpec[];
  readonly userTemplate: UserTemplate;
  /** The variables of its CONTEXT disc: what context.sh would say. */
  readonly context: Readonly<Record<string, string>>;
  readonly network: NetworkSpec;
  state: VmState = 'PENDING';

  /** What only the extended document shows; settable, so that a recorded one can be rebuilt. */
  uuid: string;
  created: number;
  ended = 0;
  lastPoll = 0;
  deployId = '';
  monitoring: Readonly<Record<string, string>> = {};
  history: HistoryRecord[] = [];

  constructor(spec: VmSpec, setting: VmSetting) {
    this.id = setting.id;
    this.name = setting.name;
    this.owner = spec.owner ?? oneadmin;
    this.token = setting.token;
    this.role = setting.service?.role;
    this.network = setting.network;
    this.nics = spec.nics ?? [{ ip: addressAfter(setting.network.first, setting.id) }];
    this.uuid = setting.uuid;
    this.created = setting.created;
    const { service } = setting;
    this.userTemplate = new UserTemplate({
      HYPERVISOR: 'dummy',
      ...spec.userTemplate,
      ...(service && { ROLE_NAME: service.role, SERVICE_ID: String(service.id) }),
    });
    this.context = sorted({
      NETWORK: 'YES',
      REPORT_READY: 'YES',
      SSH_PUBLIC_KEY: '',
      TOKEN: 'YES',
      DISK_ID: '0',
      TARGET: 'hda',
      ...this.#cards(),
      ...spec.context,
      ...(spec.context?.TOKEN !== 'NO' && {
        ONEGATE_ENDPOINT: setting.endpoint,
        VMID: String(setting.id),
      }),
    });
  }

  /** Its first card's IPv4 address. */
  get ip(): string | undefined {
    return this.nics.find((nic) => nic.ip && !nic.aliasOf)?.ip;
  }

  get numbers(): readonly [state: number, lcmState: number] {
    return vmStates[this.state];
  }

  /** The cards (or the aliases) as oned keeps them. */
  cards(kind: 'NIC' | 'NIC_ALIAS'): Readonly<Record<string, string>>[] {
    return this.nics
      .map((nic, position) => ({ nic, attributes: nicAttributes(nic, this.id, position, this.network) }))
      .filter(({ nic }) => (kind === 'NIC_ALIAS') === Boolean(nic.aliasOf))
      .map(({ attributes }) => attributes);
  }

  /** The answer to GET /vm and /vms/ID: samples 02, 03, 24. Here cards are always in an array. */
  document(): object {
    const [state, lcmState] = this.numbers;
    return {
      VM: {
        NAME: this.name,
        ID: String(this.id),
        STATE: String(state),
        LCM_STATE: String(lcmState),
        USER_TEMPLATE: this.userTemplate.published(),
        TEMPLATE: {
          NIC: this.cards('NIC').map(visibleNic),
          NIC_ALIAS: this.cards('NIC_ALIAS').map(visibleNic),
        },
      },
    };
  }

  /** What GET /service says of a node, fixed when it was deployed: sample 20. */
  summary(): object {
    const { uid, gid, uname, gname } = this.owner;
    return {
      VM: {
        ID: String(this.id),
        UID: String(uid),
        GID: String(gid),
        UNAME: uname,
        GNAME: gname,
        NAME: this.name,
      },
    };
  }

  /** What GET /service?extended=true says of a node: sample 21. */
  fullDocument(): object {
    return { VM: fullDocument(this) };
  }

  #cards(): Record<string, string> {
    const context: Record<string, string> = {};
    let alias = 0;
    this.nics.forEach((nic, position) => {
      const parent = nic.aliasOf?.replace(/^NIC/, 'ETH');
      const prefix = parent ? `${parent}_ALIAS${alias++}` : `ETH${position}`;
      Object.assign(context, nicContext(nic, prefix, this.network));
    });
    return context;
  }
}

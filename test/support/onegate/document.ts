import type { HistoryRecord, Vm } from './vm.ts';

const permissions = {
  OWNER_U: '1',
  OWNER_M: '1',
  OWNER_A: '0',
  GROUP_U: '0',
  GROUP_M: '0',
  GROUP_A: '0',
  OTHER_U: '0',
  OTHER_M: '0',
  OTHER_A: '0',
};

const securityGroup = (direction: string) => ({
  PROTOCOL: 'ALL',
  RULE_TYPE: direction,
  SECURITY_GROUP_ID: '0',
  SECURITY_GROUP_NAME: 'default',
});

/** One or many, as XML becomes JSON: a single element is an object, several are an array, none is absent. */
function oneOrMany<T>(name: string, elements: readonly T[]): Record<string, T | readonly T[]> {
  if (elements.length === 0) return {};
  return { [name]: elements.length === 1 ? (elements[0] as T) : elements };
}

/** The first history record of a VM that was placed on the lab's only host. `at`: seconds since 1970. */
export function firstHistoryRecord(vm: Vm, at: number): HistoryRecord {
  const time = String(at);
  return {
    OID: String(vm.id),
    SEQ: '0',
    HOSTNAME: 'lab-host-0',
    HID: '0',
    CID: '0',
    STIME: time,
    ETIME: '0',
    VM_MAD: 'dummy',
    TM_MAD: 'dummy',
    DS_ID: '0',
    PLAN_ID: '-1',
    ACTION_ID: '0',
    PSTIME: time,
    PETIME: time,
    RSTIME: time,
    RETIME: '0',
    ESTIME: '0',
    EETIME: '0',
    ACTION: '0',
    UID: '-1',
    GID: '-1',
    REQUEST_ID: '-1',
  };
}

/** Everything oned says of a VM, in its order: samples 05, 21, 323, 330, 406. Empty elements are `{}`. */
export function fullDocument(vm: Vm): object {
  const { uid, gid, uname, gname } = vm.owner;
  const [state, lcmState] = vm.numbers.map(String);
  return {
    ID: String(vm.id),
    UID: String(uid),
    GID: String(gid),
    UNAME: uname,
    GNAME: gname,
    NAME: vm.name,
    PERMISSIONS: permissions,
    LAST_POLL: String(vm.lastPoll),
    STATE: state,
    LCM_STATE: lcmState,
    PREV_STATE: state,
    PREV_LCM_STATE: lcmState,
    RESCHED: '0',
    STIME: String(vm.created),
    ETIME: String(vm.ended),
    DEPLOY_ID: vm.deployId || {},
    MONITORING: vm.monitoring,
    SCHED_ACTIONS: {},
    TEMPLATE: {
      AUTOMATIC_DS_REQUIREMENTS: '("CLUSTERS/ID" @> 0)',
      AUTOMATIC_NIC_REQUIREMENTS: '("CLUSTERS/ID" @> 0)',
      AUTOMATIC_REQUIREMENTS: '(CLUSTER_ID = 0) & !(PIN_POLICY = PINNED)',
      CONTEXT: vm.context,
      CPU: '0.1',
      CREATED_BY: String(uid),
      MEMORY: '64',
      ...oneOrMany('NIC', vm.cards('NIC')),
      ...oneOrMany('NIC_ALIAS', vm.cards('NIC_ALIAS')),
      OS: { UUID: vm.uuid },
      SECURITY_GROUP_RULE: [securityGroup('OUTBOUND'), securityGroup('INBOUND')],
      TEMPLATE_ID: '0',
      ...(vm.history.length > 0 && { TM_MAD_SYSTEM: 'dummy' }),
      VMID: String(vm.id),
    },
    USER_TEMPLATE: vm.userTemplate,
    HISTORY_RECORDS: oneOrMany('HISTORY', vm.history),
    BACKUPS: { BACKUP_CONFIG: {}, BACKUP_IDS: {} },
  };
}

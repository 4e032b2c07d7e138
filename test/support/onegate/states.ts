/** OneFlow's states of a service; a role's are the same up to COOLDOWN. */
export const serviceStates = {
  PENDING: 0,
  DEPLOYING: 1,
  RUNNING: 2,
  UNDEPLOYING: 3,
  WARNING: 4,
  DONE: 5,
  FAILED_UNDEPLOYING: 6,
  FAILED_DEPLOYING: 7,
  SCALING: 8,
  FAILED_SCALING: 9,
  COOLDOWN: 10,
} as const;
export type ServiceState = keyof typeof serviceStates;

/** [STATE, LCM_STATE] of a VM, as oned numbers them: samples 02, 310, 320, 330, 406. */
export const vmStates = {
  PENDING: [1, 0],
  BOOT: [3, 2],
  RUNNING: [3, 3],
  SHUTDOWN: [3, 12],
  UNKNOWN: [3, 16],
  BOOT_FAILURE: [3, 36],
  STOPPED: [4, 0],
  SUSPENDED: [5, 0],
  DONE: [6, 0],
  POWEROFF: [8, 0],
  UNDEPLOYED: [9, 0],
} as const;
export type VmState = keyof typeof vmStates;

/** The gate counts these as "it came up" when it polls: an agent must not power off on failure. */
export const countedAsUp: readonly VmState[] = ['DONE', 'POWEROFF', 'SUSPENDED', 'STOPPED', 'UNDEPLOYED'];

/** A running service turns to WARNING while a node is in one of these: sample 314. */
export const worrying: readonly VmState[] = [
  'POWEROFF',
  'UNKNOWN',
  'BOOT_FAILURE',
  'SUSPENDED',
  'STOPPED',
  'UNDEPLOYED',
];

// THE table: every CONTEXT variable of the appliance, one row each, in the order in which they are listed everywhere.

import type { Role } from '../core/role.ts';
import { BOTH_ROLES } from './table/both.ts';
import { PLATFORM } from './table/platform.ts';
import { RUN } from './table/run.ts';
import { SERVICE } from './table/service.ts';
import { SUPERLINK_ONLY } from './table/superlink.ts';
import { SUPERNODE_ONLY } from './table/supernode.ts';
import type { Variable } from './variable.ts';

export const TABLE = {
  ...SERVICE,
  ...SUPERLINK_ONLY,
  ...RUN,
  ...SUPERNODE_ONLY,
  ...BOTH_ROLES,
  ...PLATFORM,
} as const;

export type Table = typeof TABLE;
export type VariableName = keyof Table;

/** Marketplace convention: every name an operator sets is also taken with this in front. */
export const ALIAS_PREFIX = 'ONEAPP_';

export const ALL_NAMES = Object.keys(TABLE) as readonly VariableName[];

/** The row of a name, without its value's type. */
export const rowOf = (name: VariableName): Variable => TABLE[name] as Variable;

export const isVariableName = (name: string): name is VariableName => Object.hasOwn(TABLE, name);

export const namesOf = (role: Role): readonly VariableName[] =>
  ALL_NAMES.filter((name) => rowOf(name).roles.includes(role));

/** Whether ONEAPP_<name> means <name>: not for what OpenNebula and one-context read by its plain name. */
export const hasAlias = (name: VariableName): boolean => rowOf(name).level !== 'infrastructure';

// The table of all CONTEXT variables of the appliance, one row each, in the order of every list of them.

import type { Role } from '../core/role.ts';
import { BOTH_ROLES } from './table/both.ts';
import { PLATFORM } from './table/platform.ts';
import { RUN } from './table/run.ts';
import { SERVICE } from './table/service.ts';
import { SUPERLINK_ONLY } from './table/superlink.ts';
import { SUPERNODE_ONLY } from './table/supernode.ts';
import type { Variable } from './variable.ts';

/** @internal */
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

/** By a convention of the OpenNebula Marketplace, names that an operator sets are also accepted with this prefix. */
export const ALIAS_PREFIX = 'ONEAPP_';

/** A name of the CONTEXT without the prefix, if it has one. */
export const plainName = (name: string): string =>
  name.startsWith(ALIAS_PREFIX) ? name.slice(ALIAS_PREFIX.length) : name;

/** The second name of a variable. Infrastructure has none: OpenNebula and one-context read the plain name only. */
export const aliasOf = (name: VariableName): string | undefined =>
  hasAlias(name) ? ALIAS_PREFIX + name : undefined;

/** Every name under which the CONTEXT may have a variable. */
export const namesInContext = (name: VariableName): readonly string[] =>
  [name, aliasOf(name)].filter((one) => one !== undefined);

export const ALL_NAMES = Object.keys(TABLE) as readonly VariableName[];

/** The row of a name, without its value's type. */
export const rowOf = (name: VariableName): Variable => TABLE[name] as Variable;

export const isVariableName = (name: string): name is VariableName => Object.hasOwn(TABLE, name);

export const namesOf = (role: Role): readonly VariableName[] =>
  ALL_NAMES.filter((name) => rowOf(name).roles.includes(role));

export const hasAlias = (name: VariableName): boolean => rowOf(name).level !== 'infrastructure';

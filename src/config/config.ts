// The configuration of a boot. Its types come from the table: a new row is a new field.

import type { Role } from '../core/role.ts';
import type { Table } from './table.ts';
import type { Variable } from './variable.ts';

type RolesOf<Row> = Row extends Variable<infer _V, infer Roles, infer _D> ? Roles : never;
type ValueOf<Row> = Row extends Variable<infer Value, infer _R, infer _D> ? Value : never;
type DefaultedOf<Row> = Row extends { readonly defaulted?: infer Roles } ? Exclude<Roles, undefined> : never;

type NameFor<R extends Role> = {
  [Name in keyof Table]: R extends RolesOf<Table[Name]> ? Name : never;
}[keyof Table];
type ValueFor<Row, R extends Role> = ValueOf<Row> | (R extends DefaultedOf<Row> ? never : undefined);

/** The configuration of one role: a field per variable, with the name of the variable. Unset without a default: undefined. */
type ConfigOf<R extends Role> = { readonly role: R } & {
  readonly [Name in NameFor<R>]: ValueFor<Table[Name], R>;
};

export type SuperLinkConfig = ConfigOf<'superlink'>;
export type SuperNodeConfig = ConfigOf<'supernode'>;
export type BootConfig = SuperLinkConfig | SuperNodeConfig;

// A service template as the rules see it.
import type { VariableName } from '../../config/table.ts';
import type { Role as RoleKind } from '../../core/role.ts';
import type { OneFlowVersion } from '../oneflow.ts';
import type { Topology } from '../topology.ts';
import type { UserInput } from '../user-input.ts';
import type { Path } from './json.ts';

export interface Input extends UserInput {
  /** As it is written: with ONEAPP_ if so. */
  readonly name: string;
  readonly variable: VariableName | undefined;
  readonly text: string;
  readonly path: Path;
}

export interface ContextEntry {
  readonly name: string;
  readonly variable: VariableName | undefined;
  readonly value: string;
  readonly path: Path;
  /** In the CONTEXT; else an attribute of the VM, which the CONTEXT of the VM template takes up as $NAME. */
  readonly inContext: boolean;
}

export interface ServiceRole {
  readonly path: Path;
  readonly body: Members;
  readonly name: string;
  /** Undefined: none of ours (a database, a virtual router). */
  readonly kind: RoleKind | undefined;
  readonly cardinality: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly parents: readonly unknown[];
  readonly inputs: readonly Input[];
  /** Without a CONTEXT of its own, that of the VM template counts. */
  readonly hasContext: boolean;
  readonly context: readonly ContextEntry[];
  readonly lines: readonly ContextEntry[];
  /** Why oned would refuse the contents. */
  readonly fault: string | undefined;
}

export interface Service {
  readonly form: OneFlowVersion;
  readonly site: Topology;
  readonly body: Members;
  readonly inputs: readonly Input[];
  readonly roles: readonly ServiceRole[];
}

export type Members = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

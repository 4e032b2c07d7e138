// A row of the table. Every text about a variable comes from its row.
import type * as z from 'zod';
import type { Role } from '../core/role.ts';
import type { Framework } from './frameworks.ts';

/** The contents of the image; some defaults come from it. */
export interface ImageFacts {
  readonly role: Role;
  readonly flowerVersion: string;
  readonly framework: Framework;
  /** Environments installed in addition to that of the image, VERSION-FRAMEWORK; only on a VM. */
  readonly installed?: readonly string[];
}

/**
 * Where OpenNebula gets the value from: service (one value for all roles of a OneFlow service), role (of one role), or
 * infrastructure (the template's CONTEXT or OpenNebula itself; never a user input).
 */
export type Level = 'service' | 'role' | 'infrastructure';

/** The types of OpenNebula's USER_INPUTS that are used here. */
export type InputType = 'text' | 'text64' | 'list' | 'number' | 'number-float' | 'boolean';

/** The part of a row that depends on the kind of value; see kinds.ts. */
export interface Kind<Value> {
  readonly input: InputType;
  /** The choices of a list. */
  readonly options?: readonly string[];
  /** What is accepted, to complete "expected ...". */
  readonly expected: string;
  /** Reads the trimmed, non-empty text. Its issues never repeat the text. */
  readonly schema: z.ZodType<Value, string>;
  /** The text is never part of a finding: it is long, or may be secret. */
  readonly redact?: boolean;
}

interface About {
  readonly level: Level;
  /** The question of the USER_INPUT, and the short description elsewhere. */
  readonly title: string;
  /** What the appliance does with it. */
  readonly description: string;
  /** A value that is accepted, ready to paste. */
  readonly example: string;
  readonly mandatory?: boolean;
  /** The value that a form shows first; the row's default when left out. */
  readonly inputDefault?: string;
  /** The choices of a form, if they differ from `options`. An empty one means the default. */
  readonly inputOptions?: readonly string[];
  /** The value is masked in every output. */
  readonly secret?: boolean;
  /** The key of Flower's run config that gets the value. */
  readonly runConfig?: string;
  /** The key of the SuperNode's node config that gets the value. */
  readonly nodeConfig?: string;
  /** Strategies that read it; the others ignore it. */
  readonly strategies?: readonly string[];
  /** Infrastructure: what templates write into CONTEXT; nothing when OpenNebula writes it. */
  readonly template?: string;
  /** Infrastructure: the program that uses it. */
  readonly consumer?: string;
}

/** Where a default comes from: a text that the row's schema reads, per role, or the image. */
type Default =
  | string
  | { readonly [R in Role]?: string }
  | { readonly image: (image: ImageFacts) => unknown };

export interface Variable<Value = unknown, Roles extends Role = Role, Defaulted extends Role = Role>
  extends Kind<Value>,
    About {
  readonly roles: readonly Roles[];
  /** Left out: unset stays undefined. */
  readonly default?: Default;
  /** Only a type: roles in which the variable always has a value. */
  readonly defaulted?: Defaulted;
}

type Row<Value> = Kind<Value> & Omit<About, 'level'>;

type ImageValue<D> = D extends { readonly image: (image: ImageFacts) => infer Value } ? Value : never;
/** The roles in which a variable with the default `D` always has a value. */
type Defaulted<D, Roles> = D extends string | { readonly image: unknown } ? Roles : keyof D & Role;

/** A function that declares the rows of one group. Without a default a variable is undefined when unset. */
export const rowsOf =
  <const Roles extends Role>(level: Level, ...roles: readonly Roles[]) =>
  <Value, const D extends Default = Record<never, never>>(
    row: Row<Value> & { readonly default?: D },
  ): Variable<Value | ImageValue<D>, Roles, Defaulted<D, Roles>> => ({ level, roles, ...row });

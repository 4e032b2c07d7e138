// A service template of either format as the rules read it.
import { hasAlias, isVariableName, plainName, rowOf, type VariableName } from '../../config/table.ts';
import { Problem } from '../../core/problem.ts';
import type { Role as RoleKind } from '../../core/role.ts';
import { contextOf, parseTemplate } from '../../vm/context-block.ts';
import type { OneFlowVersion } from '../oneflow.ts';
import { TOPOLOGY_NAMES, type Topology } from '../topology.ts';
import { parseInput, type UserInput } from '../user-input.ts';

export type Path = readonly (string | number)[];

export type Members = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Input extends UserInput {
  /** As it is written: with ONEAPP_ if so. */
  readonly name: string;
  readonly variable: VariableName | undefined;
  readonly text: string;
  readonly path: Path;
}

/** A name and a value in the contents of a role. */
export interface Entry {
  readonly name: string;
  readonly variable: VariableName | undefined;
  readonly value: string;
  readonly path: Path;
  /** In the CONTEXT; else an attribute of the VM, which the CONTEXT of the VM template takes as $NAME. */
  readonly inContext: boolean;
}

export interface ServiceRole {
  readonly path: Path;
  readonly body: Members;
  readonly name: string;
  /** Undefined: another kind of VM, a database or a virtual router for instance. */
  readonly kind: RoleKind | undefined;
  readonly cardinality: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly parents: readonly unknown[];
  readonly inputs: readonly Input[];
  readonly contentsPath: Path;
  /** Without a CONTEXT of its own a role uses that of the VM template. */
  readonly hasContext: boolean;
  readonly context: readonly Entry[];
  /** The attributes outside of CONTEXT. */
  readonly lines: readonly Entry[];
  /** Why oned would refuse the contents. */
  readonly fault: string | undefined;
}

export interface Service {
  readonly format: OneFlowVersion;
  readonly topology: Topology;
  readonly path: Path;
  readonly body: Members;
  readonly inputs: readonly Input[];
  readonly roles: readonly ServiceRole[];
}

export const INPUTS = { 6: 'custom_attrs', 7: 'user_inputs' } as const;
const CONTENTS = { 6: 'vm_template_contents', 7: 'template_contents' } as const;

/** `path`: of the template in its file. `topology`: when the author names it. */
export function readService(
  template: Members & { readonly roles: readonly Members[] },
  path: Path,
  topology?: Topology,
): Service {
  const body = withoutNulls(template);
  const format = formatOf(body, template.roles);
  const drafts = template.roles.map((role, index) =>
    readRole(withoutNulls(role), [...path, 'roles', index], format),
  );
  const roles = drafts.map((draft) => ({ ...draft, kind: kindOf(draft, drafts) }));
  const inputs = inputsIn(body, path, format);
  return { format, topology: topology ?? topologyOf(body, roles), path, body, inputs, roles };
}

/** OneFlow treats null as absent. */
const withoutNulls = (members: Members): Members =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));

/** A whole number, or the text of one: OneFlow accepts both. */
export function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.trunc(value);
  return typeof value === 'string' && /^\s*[+-]?(0|[1-9]\d{0,14})\s*$/.test(value)
    ? Number(value)
    : undefined;
}

/** OneFlow 7 converts a template when all its roles are of the old format: one member of 7 makes it a template of 7. */
function formatOf(body: Members, roles: readonly Members[]): OneFlowVersion {
  const someHas = (...names: readonly string[]): boolean =>
    roles.some((role) => names.some((name) => name in role));
  if (someHas('template_id', CONTENTS[7], INPUTS[7])) return 7;
  return INPUTS[6] in body || someHas('vm_template', CONTENTS[6]) ? 6 : 7;
}

function topologyOf(body: Members, roles: readonly ServiceRole[]): Topology {
  const name = typeof body['name'] === 'string' ? body['name'].toLowerCase().replaceAll(/[\s_]+/g, '-') : '';
  const named = TOPOLOGY_NAMES.find((topology) => name.includes(topology));
  if (named !== undefined) return named;
  if (!roles.some(({ kind }) => kind === 'superlink')) return 'training-site';
  return roles.some(({ kind }) => kind === 'supernode') ? 'single-site' : 'coordinator';
}

type Draft = Omit<ServiceRole, 'kind'>;

function readRole(body: Members, path: Path, format: OneFlowVersion): Draft {
  const contentsPath = [...path, CONTENTS[format]];
  return {
    path,
    body,
    name: typeof body['name'] === 'string' ? body['name'] : '',
    cardinality: wholeNumber(body['cardinality']),
    min: wholeNumber(body['min_vms']),
    max: wholeNumber(body['max_vms']),
    parents: Array.isArray(body['parents']) ? body['parents'] : [],
    inputs: inputsIn(body, path, format),
    contentsPath,
    ...readContents(body[CONTENTS[format]], contentsPath),
  };
}

/** OneFlow 7 reads `user_inputs` beside roles of the old format as well. */
const inputsIn = (members: Members, path: Path, format: OneFlowVersion): Input[] =>
  (format === 6 ? [INPUTS[6], INPUTS[7]] : [INPUTS[7]]).flatMap((member) => {
    const inputs = members[member];
    return Object.entries(isObject(inputs) ? inputs : {}).flatMap(([name, text]) =>
      typeof text === 'string'
        ? [{ ...parseInput(text), name, variable: variableOf(name), text, path: [...path, member, name] }]
        : [],
    );
  });

type Contents = Pick<ServiceRole, 'hasContext' | 'context' | 'lines' | 'fault'>;

function readContents(contents: unknown, path: Path): Contents {
  if (typeof contents === 'string') return readText(contents, path);
  const { CONTEXT: context, ...others } = isObject(contents) ? contents : {};
  return {
    hasContext: isObject(context),
    context: isObject(context) ? entriesOf(context, [...path, 'CONTEXT'], true) : [],
    lines: entriesOf(others, path, false),
    fault: undefined,
  };
}

const toEntry = (name: string, value: string, path: Path, inContext: boolean): Entry => ({
  name,
  variable: variableOf(name),
  value,
  path,
  inContext,
});

/** Vectors outside of CONTEXT (DISK, NIC) hold no variables. OneFlow writes null as an empty text. */
const entriesOf = (members: Members, path: Path, inContext: boolean): Entry[] =>
  Object.entries(members).flatMap(([name, given]) => {
    if (typeof given === 'object' && !inContext) return [];
    const value = typeof given === 'string' ? given : given === null ? '' : JSON.stringify(given);
    return [toEntry(name, value, [...path, name], inContext)];
  });

/** The contents of the old format: a text, which oned parses. */
function readText(text: string, path: Path): Contents {
  try {
    const attributes = parseTemplate(text);
    const context = contextOf(attributes);
    return {
      hasContext: context !== undefined,
      context: Object.entries(context ?? {}).map(([name, value]) => toEntry(name, value, path, true)),
      lines: attributes.flatMap(({ name, value }) =>
        typeof value === 'string' ? [toEntry(name, value, path, false)] : [],
      ),
      fault: undefined,
    };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { hasContext: false, context: [], lines: [], fault: error.facts.found };
  }
}

/** The variable that a name stands for: ONEAPP_FL_X is FL_X. */
export function variableOf(name: string): VariableName | undefined {
  const plain = plainName(name);
  return isVariableName(plain) && (plain === name || hasAlias(plain)) ? plain : undefined;
}

/** SuperLink or SuperNodes: by the role's name, as discovery does; else by variables that only one of the two has. */
function kindOf(role: Draft, all: readonly Draft[]): RoleKind | undefined {
  const own = evidentKind(role);
  if (own !== undefined || all.length !== 2) return own;
  // Discovery, too, takes the only other role beside a SuperLink for the SuperNodes.
  const other = all.find((one) => one !== role)!;
  const isFlower = variablesOf(role).some((name) => rowOf(name).level !== 'infrastructure');
  return evidentKind(other) === 'superlink' && isFlower ? 'supernode' : undefined;
}

function evidentKind(role: Draft): RoleKind | undefined {
  if (/super[-_]?link/i.test(role.name)) return 'superlink';
  if (/super[-_]?node/i.test(role.name)) return 'supernode';
  const kinds = new Set(
    variablesOf(role).flatMap((name) => (rowOf(name).roles.length === 1 ? rowOf(name).roles : [])),
  );
  return kinds.size === 1 ? [...kinds][0] : undefined;
}

const variablesOf = ({ inputs, context, lines }: Draft): VariableName[] =>
  [...inputs, ...context, ...lines].flatMap(({ variable }) => (variable === undefined ? [] : [variable]));

export const rolesOf = ({ roles }: Service, kind: RoleKind): readonly ServiceRole[] =>
  roles.filter((role) => role.kind === kind);

/** The roles of which it is known whether they are SuperLink or SuperNodes. */
export const flowerRoles = ({ roles }: Service): readonly (ServiceRole & { readonly kind: RoleKind })[] =>
  roles.filter((role): role is ServiceRole & { readonly kind: RoleKind } => role.kind !== undefined);

/** Every user input of a service. */
export const allInputs = ({ inputs, roles }: Service): readonly Input[] => [
  ...inputs,
  ...roles.flatMap((role) => role.inputs),
];

/** The inputs whose values a role gets, by name. */
export const inputsOf = (service: Service, role: ServiceRole): ReadonlyMap<string, Input> =>
  new Map([...service.inputs, ...role.inputs].map((input) => [input.name, input]));

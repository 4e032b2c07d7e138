// A service template of either form as the rules see it: who is who, what is asked for, what reaches each VM.

import type { Form } from '../params/surfaces/oneflow.ts';
import { SITE_NAMES, type Site } from '../params/surfaces/site.ts';
import { parseInput, type UserInput } from '../params/surfaces/user-input.ts';
import { ALIAS_PREFIX, hasAlias, isVariableName, type VariableName } from '../params/table.ts';
import type { Role as RoleKind } from '../params/variable.ts';
import { contextBlock } from './context-block.ts';
import type { Path } from './json.ts';
import { nearestRole } from './who.ts';

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
}

export interface ServiceRole {
  readonly path: Path;
  readonly body: Readonly<Record<string, unknown>>;
  readonly name: string;
  /** Undefined: none of ours (a database, a virtual router). */
  readonly kind: RoleKind | undefined;
  readonly cardinality: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly inputs: readonly Input[];
  readonly context: readonly ContextEntry[];
}

export interface Service {
  readonly form: Form;
  readonly site: Site;
  readonly body: Readonly<Record<string, unknown>>;
  readonly inputs: readonly Input[];
  readonly roles: readonly ServiceRole[];
}

export type Members = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where a form keeps things. */
export const KEYS: Readonly<
  Record<Form, { readonly inputs: string; readonly contents: string; readonly template: string }>
> = {
  6: { inputs: 'custom_attrs', contents: 'vm_template_contents', template: 'vm_template' },
  7: { inputs: 'user_inputs', contents: 'template_contents', template: 'template_id' },
};

/** `site`: what the template is meant to be, when its author says so. */
export function readService(body: Members, site?: Site): Service {
  const form = formOf(body);
  const inputs = readInputs(body[KEYS[form].inputs], [KEYS[form].inputs]);
  const bodies = Array.isArray(body['roles']) ? body['roles'] : [];
  const drafts = bodies.map((role, index) => readRole(isObject(role) ? role : {}, ['roles', index], form));
  const roles = drafts.map((draft) => ({ ...draft, kind: nearestRole(draft, drafts) }));
  return { form, site: site ?? siteOf(body, roles), body, inputs, roles };
}

/** 6 is only what has nothing of 7: OneFlow 7 converts a template when all its roles are of the old form. */
function formOf(body: Members): Form {
  const roles = Array.isArray(body['roles']) ? body['roles'].filter(isObject) : [];
  if (roles.some((role) => 'template_id' in role || 'template_contents' in role || 'user_inputs' in role))
    return 7;
  const old =
    'custom_attrs' in body || roles.some((role) => 'vm_template' in role || 'vm_template_contents' in role);
  return old ? 6 : 7;
}

function siteOf(body: Members, roles: readonly ServiceRole[]): Site {
  const name = typeof body['name'] === 'string' ? body['name'].toLowerCase().replaceAll(/[\s_]+/g, '-') : '';
  const named = SITE_NAMES.find((site) => name.includes(site));
  if (named !== undefined) return named;
  const has = (kind: RoleKind): boolean => roles.some((role) => role.kind === kind);
  if (has('superlink')) return has('supernode') ? 'single-site' : 'coordinator';
  return 'training-site';
}

function readRole(body: Members, path: Path, form: Form): Omit<ServiceRole, 'kind'> {
  const number = (name: string): number | undefined =>
    typeof body[name] === 'number' ? body[name] : undefined;
  return {
    path,
    body,
    name: typeof body['name'] === 'string' ? body['name'] : '',
    cardinality: number('cardinality'),
    min: number('min_vms'),
    max: number('max_vms'),
    inputs: readInputs(body[KEYS[form].inputs], [...path, KEYS[form].inputs]),
    context: readContext(body[KEYS[form].contents], [...path, KEYS[form].contents]),
  };
}

function readInputs(value: unknown, path: Path): Input[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, text]) =>
    typeof text === 'string'
      ? [{ ...parseInput(text), name, variable: variableOf(name), text, path: [...path, name] }]
      : [],
  );
}

function readContext(contents: unknown, path: Path): ContextEntry[] {
  if (typeof contents === 'string') {
    return contextBlock(contents).map(([name, value]) => ({ name, variable: variableOf(name), value, path }));
  }
  if (!isObject(contents) || !isObject(contents['CONTEXT'])) return [];
  return Object.entries(contents['CONTEXT']).map(([name, value]) => ({
    name,
    variable: variableOf(name),
    value: typeof value === 'string' ? value : JSON.stringify(value),
    path: [...path, 'CONTEXT', name],
  }));
}

/** The variable that a name stands for: ONEAPP_FL_X is FL_X. */
export function variableOf(name: string): VariableName | undefined {
  const plain = name.startsWith(ALIAS_PREFIX) ? name.slice(ALIAS_PREFIX.length) : name;
  return isVariableName(plain) && (plain === name || hasAlias(plain)) ? plain : undefined;
}

/** What a VM of the role gets when the form is accepted as it is. */
export interface Preset {
  /** As it is written: with ONEAPP_ if so. */
  readonly name: string;
  readonly value: string;
  /** The form insists on an answer. */
  readonly mandatory: boolean;
  readonly path: Path;
  /** The input it comes from; undefined: a word of the CONTEXT. */
  readonly input: Input | undefined;
}

/** In the form of 7 inputs win over the CONTEXT, and the role over the service; in that of 6 only the CONTEXT counts. */
export function presetsOf(service: Service, role: ServiceRole): Preset[] {
  const inputs = new Map([...service.inputs, ...role.inputs].map((input) => [input.name, input]));
  const fromContext = role.context.flatMap(({ name, value, path }): Preset[] => {
    const reference = /^\$\{?(\w+)\}?$/.exec(value)?.[1];
    if (reference === undefined)
      return value.startsWith('$') ? [] : [{ name, value, mandatory: false, path, input: undefined }];
    const input = inputs.get(reference);
    return input === undefined ? [] : [fromInput(name, input)];
  });
  if (service.form === 6) return fromContext;
  return [
    ...fromContext.filter(({ name }) => !inputs.has(name)),
    ...[...inputs].map(([name, input]) => fromInput(name, input)),
  ];
}

const fromInput = (name: string, input: Input): Preset => ({
  name,
  value: input.preset,
  mandatory: input.mandatory,
  path: input.path,
  input,
});

/** The preset of a variable, under its own name or with ONEAPP_; the plain name wins when it has a value. */
export function presetOf(service: Service, role: ServiceRole, variable: VariableName): Preset | undefined {
  const found = presetsOf(service, role).filter(({ name }) => variableOf(name) === variable);
  return (
    found.find(({ name, value }) => name === variable && value.trim() !== '') ??
    found.find(({ value }) => value.trim() !== '') ??
    found[0]
  );
}

export const rolesOf = ({ roles }: Service, kind: RoleKind): readonly ServiceRole[] =>
  roles.filter((role) => role.kind === kind);

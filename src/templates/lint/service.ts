// A service template of either form as the rules see it: who is who, what is asked for, what reaches each VM.

import { hasAlias, isVariableName, plainName, type VariableName } from '../../config/table.ts';
import { Problem } from '../../core/problem.ts';
import type { Role as RoleKind } from '../../core/role.ts';
import { type Attribute, contextOf, parseTemplate } from '../../vm/context-block.ts';
import type { OneFlowVersion } from '../oneflow.ts';
import { TOPOLOGY_NAMES, type Topology } from '../topology.ts';
import { parseInput } from '../user-input.ts';
import type { Path } from './json.ts';
import {
  type ContextEntry,
  type Input,
  isObject,
  type Members,
  type Service,
  type ServiceRole,
} from './model.ts';
import { nearestRole } from './who.ts';

/** Where a form keeps things. */
export const KEYS: Readonly<
  Record<OneFlowVersion, { readonly inputs: string; readonly contents: string; readonly template: string }>
> = {
  6: { inputs: 'custom_attrs', contents: 'vm_template_contents', template: 'vm_template' },
  7: { inputs: 'user_inputs', contents: 'template_contents', template: 'template_id' },
};

/** `site`: what the template is meant to be, when its author says so. */
export function readService(given: Members, site?: Topology): Service {
  const body = present(given);
  const form = formOf(body);
  const inputs = inputsIn(body, [], form);
  const bodies = Array.isArray(body['roles']) ? body['roles'] : [];
  const drafts = bodies.map((role, index) => readRole(isObject(role) ? role : {}, ['roles', index], form));
  const roles = drafts.map((draft) => ({ ...draft, kind: nearestRole(draft, drafts) }));
  return { form, site: site ?? siteOf(body, roles), body, inputs, roles };
}

/** OneFlow takes null for absent, in a service, a role and a policy. */
const LEVELS = ['roles', 'elasticity_policies', 'scheduled_policies'];

const present = (members: Members): Members =>
  Object.fromEntries(
    Object.entries(members)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [
        name,
        LEVELS.includes(name) && Array.isArray(value)
          ? value.map((one) => (isObject(one) ? present(one) : one))
          : value,
      ]),
  );

/** A number as OneFlow reads one: whole, or the text of a whole one. */
export function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.trunc(value);
  return typeof value === 'string' && /^\s*[+-]?(0|[1-9]\d{0,14})\s*$/.test(value)
    ? Number(value)
    : undefined;
}

/** 6 is only what has nothing of 7: OneFlow 7 converts a template when all its roles are of the old form. */
function formOf(body: Members): OneFlowVersion {
  const roles = Array.isArray(body['roles']) ? body['roles'].filter(isObject) : [];
  if (roles.some((role) => 'template_id' in role || 'template_contents' in role || 'user_inputs' in role))
    return 7;
  const old =
    'custom_attrs' in body || roles.some((role) => 'vm_template' in role || 'vm_template_contents' in role);
  return old ? 6 : 7;
}

function siteOf(body: Members, roles: readonly ServiceRole[]): Topology {
  const name = typeof body['name'] === 'string' ? body['name'].toLowerCase().replaceAll(/[\s_]+/g, '-') : '';
  const named = TOPOLOGY_NAMES.find((site) => name.includes(site));
  if (named !== undefined) return named;
  const has = (kind: RoleKind): boolean => roles.some((role) => role.kind === kind);
  if (has('superlink')) return has('supernode') ? 'single-site' : 'coordinator';
  return 'training-site';
}

function readRole(body: Members, path: Path, form: OneFlowVersion): Omit<ServiceRole, 'kind'> {
  const { contents } = KEYS[form];
  return {
    path,
    body,
    name: typeof body['name'] === 'string' ? body['name'] : '',
    cardinality: wholeNumber(body['cardinality']),
    min: wholeNumber(body['min_vms']),
    max: wholeNumber(body['max_vms']),
    parents: Array.isArray(body['parents']) ? body['parents'] : [],
    inputs: inputsIn(body, path, form),
    ...readContents(body[contents], [...path, contents]),
  };
}

/** OneFlow 7 reads the inputs of its own form beside roles in the form of 6, too. */
const inputsIn = (members: Members, path: Path, form: OneFlowVersion): Input[] =>
  (form === 6 ? [KEYS[6].inputs, KEYS[7].inputs] : [KEYS[7].inputs]).flatMap((name) =>
    readInputs(members[name], [...path, name]),
  );

function readInputs(value: unknown, path: Path): Input[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, text]) =>
    typeof text === 'string'
      ? [{ ...parseInput(text), name, variable: variableOf(name), text, path: [...path, name] }]
      : [],
  );
}

type Contents = Pick<ServiceRole, 'hasContext' | 'context' | 'lines' | 'fault'>;

function readContents(contents: unknown, path: Path): Contents {
  if (typeof contents === 'string') return readText(contents, path);
  const members = isObject(contents) ? contents : {};
  const { CONTEXT: context, ...others } = members;
  return {
    hasContext: isObject(context),
    context: isObject(context) ? entriesOf(context, [...path, 'CONTEXT'], true) : [],
    lines: entriesOf(others, path, false),
    fault: undefined,
  };
}

/** Vectors (DISK, NIC) are none of ours. */
const entriesOf = (members: Members, path: Path, inContext: boolean): ContextEntry[] =>
  Object.entries(members).flatMap(([name, value]) =>
    typeof value === 'object' && !inContext
      ? []
      : [
          {
            name,
            variable: variableOf(name),
            // OneFlow writes null as an empty text.
            value: typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value),
            path: [...path, name],
            inContext,
          },
        ],
  );

/** Raw contents of OneFlow 6, as oned reads them once the inputs have been put in. */
function readText(text: string, path: Path): Contents {
  let attributes: Attribute[];
  try {
    attributes = parseTemplate(text);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { hasContext: false, context: [], lines: [], fault: error.facts.found };
  }
  const entry = (name: string, value: string, inContext: boolean): ContextEntry => ({
    name,
    variable: variableOf(name),
    value,
    path,
    inContext,
  });
  const context = contextOf(attributes);
  return {
    hasContext: context !== undefined,
    context: Object.entries(context ?? {}).map(([name, value]) => entry(name, value, true)),
    lines: attributes.flatMap(({ name, value }) =>
      typeof value === 'string' ? [entry(name, value, false)] : [],
    ),
    fault: undefined,
  };
}

/** The variable that a name stands for: ONEAPP_FL_X is FL_X. */
export function variableOf(name: string): VariableName | undefined {
  const plain = plainName(name);
  return isVariableName(plain) && (plain === name || hasAlias(plain)) ? plain : undefined;
}

/** What a VM of the role gets when the form is accepted as it is. */
export interface Preset {
  /** As it is written: with ONEAPP_ if so. */
  readonly name: string;
  readonly value: string;
  /** Somebody else fills it in when the VM is made: a parent role's address, a network's. */
  readonly open: boolean;
  /** The form insists on an answer. */
  readonly mandatory: boolean;
  readonly path: Path;
  /** The input it comes from; undefined: it is written in the contents of the role. */
  readonly input: Input | undefined;
  readonly inContext: boolean;
}

/**
 * In the form of 7 inputs win over the contents, and the role over the service; in that of 6 only the contents count. An
 * attribute outside the CONTEXT counts because the CONTEXT of the VM template takes it up.
 */
export function presetsOf(service: Service, role: ServiceRole): Preset[] {
  const inputs = inputsOf(service, role);
  const inContext = new Set(role.context.map(({ name }) => name));
  const lines = role.lines.filter(
    ({ name, variable }, index) =>
      variable !== undefined &&
      !inContext.has(name) &&
      role.lines.findIndex((one) => one.name === name) === index,
  );
  const written = [...lines, ...role.context].flatMap((entry): Preset[] => {
    const preset = presetOfEntry(entry, inputs, role.lines);
    return preset === undefined ? [] : [preset];
  });
  if (service.form === 6) return written;
  return [
    ...written.filter(({ name }) => !inputs.has(name)),
    ...[...inputs].map(([name, input]) => fromInput(name, input, false)),
  ];
}

/** The inputs whose values a role gets, by name. */
export const inputsOf = (service: Service, role: ServiceRole): ReadonlyMap<string, Input> =>
  new Map([...service.inputs, ...role.inputs].map((input) => [input.name, input]));

/** The name of which a text is the value, and nothing else: $NAME. */
export const referenceIn = (value: string): string | undefined => /^\$(\w+)$/.exec(value.trim())?.[1];

/** Undefined: the value is a reference that nobody defines. */
function presetOfEntry(
  { name, value, path, inContext }: ContextEntry,
  inputs: ReadonlyMap<string, Input>,
  lines: readonly ContextEntry[],
): Preset | undefined {
  const reference = referenceIn(value);
  if (reference === undefined)
    return { name, value, open: value.includes('$'), mandatory: false, path, input: undefined, inContext };
  const input = inputs.get(reference);
  if (input !== undefined) return fromInput(name, input, inContext);
  const line = inContext ? lines.find((one) => one.name === reference) : undefined;
  const preset = line === undefined ? undefined : presetOfEntry(line, inputs, lines);
  return preset === undefined ? undefined : { ...preset, name };
}

const fromInput = (name: string, input: Input, inContext: boolean): Preset => ({
  name,
  value: input.preset,
  open: false,
  mandatory: input.mandatory,
  path: input.path,
  input,
  inContext,
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

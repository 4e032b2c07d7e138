// What people are asked for: once, under names that exist, with presets and choices that the agent takes.

import { nearest } from '../../params/nearest.ts';
import { type Finding, parseVariables } from '../../params/parse.ts';
import { releaseImage } from '../../params/release.ts';
import type { Form } from '../../params/surfaces/oneflow.ts';
import { formatInput, inputOf } from '../../params/surfaces/user-input.ts';
import { ALIAS_PREFIX, ALL_NAMES, hasAlias, rowOf, type VariableName } from '../../params/table.ts';
import type { Role } from '../../params/variable.ts';
import type { LintCode } from '../codes.ts';
import { type Fix, type Remark, remove, write } from '../finding.ts';
import {
  type ContextEntry,
  type Input,
  type Preset,
  presetsOf,
  type Service,
  type ServiceRole,
  variableOf,
} from '../service.ts';

/** The same name, or the same variable with and without ONEAPP_, at service and at role level. */
export const inputTwice = ({ inputs, roles }: Service): Remark[] =>
  roles.flatMap((role) =>
    role.inputs.flatMap(({ name, text, path, variable }): Remark[] => {
      const above = inputs.find(
        (one) => one.name === name || (variable !== undefined && one.variable === variable),
      );
      if (above === undefined) return [];
      const level = variable === undefined ? 'service' : rowOf(variable).level;
      const found = `${name} is asked for by the service and by role ${role.name}`;
      const loser = level === 'role' ? above : { name, text };
      return [
        {
          code: 'input_twice',
          path: level === 'role' ? above.path : path,
          found,
          fix: remove(loser.name, loser.text),
        },
      ];
    }),
  );

const OURS = /^(ONEAPP_)?(FL|FLOWER|ML)_/i;

export function unknownVariables({ form, inputs, roles }: Service): Remark[] {
  const asked = [...inputs, ...roles.flatMap((role) => role.inputs)];
  const given = roles.flatMap((role) => role.context);
  const references = new Set(asked.map(({ name }) => name));
  return [...asked, ...given.filter(({ name }) => !references.has(name))].flatMap((one): Remark[] => {
    const { name, variable, path } = one;
    if (variable !== undefined || !OURS.test(name)) return [];
    const plain = name.startsWith(ALIAS_PREFIX) ? name.slice(ALIAS_PREFIX.length) : name;
    const meant = nearest(plain, ALL_NAMES.filter(hasAlias));
    const found = meant === undefined ? name : `${name}; did you mean ${meant}?`;
    return [{ code: 'unknown_variable', path, found, fix: renamed(form, one, meant, references) }];
  });
}

/** The same line under the name that was meant; nothing when that one is there already. */
function renamed(
  form: Form,
  one: Input | ContextEntry,
  meant: string | undefined,
  taken: ReadonlySet<string>,
): Fix {
  const { name } = one;
  if ('text' in one)
    return meant === undefined || taken.has(meant) ? remove(name, one.text) : write(meant, one.text);
  const { value } = one;
  if (form === 7) return meant === undefined ? remove(name, value) : write(meant, value);
  if (meant === undefined || taken.has(meant)) return { do: 'remove', line: `${name}=\\"${value}\\",` };
  const right = value === `$${name}` ? `$${meant}` : value;
  return { do: 'write', line: `${meant}=\\"${right}\\",`, where: `instead of ${name}=` };
}

/** Reads the form as it would be sent when nobody changes anything, and tells what the agent would say to it. */
export const presets = (service: Service): Remark[] =>
  service.roles.flatMap((role) => (role.kind === undefined ? [] : presetsOfRole(service, role, role.kind)));

/** Told by rules of their own, which know both roles. */
const ELSEWHERE: ReadonlySet<VariableName> = new Set(['FL_GRPC_KEEPALIVE_TIME']);

function presetsOfRole(service: Service, role: ServiceRole, kind: Role): Remark[] {
  const all = presetsOf(service, role);
  const raw = Object.fromEntries(all.map(({ name, value }) => [name, value]));
  const parsed = parseVariables(raw, releaseImage(kind));
  const findings = [...(parsed.ok ? [] : parsed.problems), ...parsed.warnings];
  return findings.flatMap((finding): Remark[] => {
    const variable = variableOf(finding.variable);
    // Names that no row has are told by unknownVariables.
    if (variable === undefined) return [];
    if (finding.severity === 'warning' && (ELSEWHERE.has(variable) || !rowOf(variable).roles.includes(kind)))
      return [];
    const at =
      all.find(({ name }) => name === finding.variable) ??
      all.find(({ name }) => variableOf(name) === variable);
    const path = at?.path ?? role.path;
    return [
      {
        code: codeOf(finding, variable),
        path,
        found: `${finding.variable}: ${finding.found}`,
        fix: better(service, finding, variable, at),
      },
    ];
  });
}

function codeOf({ severity, found }: Finding, variable: VariableName): LintCode {
  if (severity === 'warning') return 'preset_suspicious';
  if (variable === 'FL_USE_CASE' && found.includes('ML_FRAMEWORK')) return 'use_case_framework';
  return variable === 'FL_MIN_AVAILABLE_CLIENTS' && found.includes('FL_NUM_MALICIOUS')
    ? 'robust_clients'
    : 'preset_invalid';
}

function better(
  { form }: Service,
  { variable: name, example }: Finding,
  variable: VariableName,
  at: Preset | undefined,
): Fix {
  const preset = example ?? inputOf(variable).preset;
  if (at?.input !== undefined) return write(at.input.name, formatInput({ ...at.input, preset }));
  if (at === undefined) return write(name, formatInput(inputOf(variable, { preset })));
  return form === 7 ? write(name, preset) : { do: 'write', line: `${name}=\\"${preset}\\"` };
}

/** A list whose choices are other than the table's: each must be one that the agent takes. */
export const options = ({ inputs, roles }: Service): Remark[] =>
  [...inputs, ...roles.flatMap((role) => role.inputs)].flatMap((input): Remark[] => {
    const { variable, path } = input;
    if (variable === undefined || !input.type.startsWith('list')) return [];
    const { schema } = rowOf(variable);
    const refused = input.options.filter(
      (option) => option.trim() !== '' && !schema.safeParse(option.trim()).success,
    );
    if (refused.length === 0) return [];
    return [
      {
        code: 'option_invalid',
        path,
        found: `${input.name} offers ${refused.map((one) => JSON.stringify(one)).join(', ')}`,
        fix: corrected(input, variable, refused),
      },
    ];
  });

function corrected(input: Input, variable: VariableName, refused: readonly string[]): Fix {
  const { options: accepted, inputOptions } = rowOf(variable);
  const known = inputOptions ?? accepted;
  const kept = input.options.filter((option) => !refused.includes(option));
  const right = known ?? kept;
  const preset = right.includes(input.preset) ? input.preset : (right[0] ?? '');
  return write(input.name, formatInput({ ...input, options: right, preset }));
}

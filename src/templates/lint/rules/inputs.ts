// What people are asked for: once, under names that exist, with presets and choices that the agent takes.

import { type Finding, parseVariables } from '../../../config/parse.ts';
import { releaseImage } from '../../../config/release.ts';
import { ALL_NAMES, hasAlias, plainName, rowOf, type VariableName } from '../../../config/table.ts';
import { closestMatch } from '../../../core/closest-match.ts';
import type { Role } from '../../../core/role.ts';
import type { OneFlowVersion } from '../../oneflow.ts';
import { TOPOLOGIES, type Topology } from '../../topology.ts';
import { formatInput, formDefault, inputOf, parseInput } from '../../user-input.ts';
import type { LintCode } from '../codes.ts';
import { contentsLine, type Fix, type Remark, remove, write } from '../finding.ts';
import type { ContextEntry, Input, Service, ServiceRole } from '../model.ts';
import { KEYS, type Preset, presetsOf, variableOf } from '../service.ts';

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

export const OURS = /^(ONEAPP_)?(FL|FLOWER|ML)_/i;

export function unknownVariables({ form, inputs, roles }: Service): Remark[] {
  const asked = [...inputs, ...roles.flatMap((role) => role.inputs)];
  const given = roles.flatMap((role) => [...role.context, ...role.lines]);
  const references = new Set(asked.map(({ name }) => name));
  return [...asked, ...given.filter(({ name }) => !references.has(name))].flatMap((one): Remark[] => {
    const { name, variable, path } = one;
    if (variable !== undefined || !OURS.test(name)) return [];
    const meant = closestMatch(plainName(name), ALL_NAMES.filter(hasAlias));
    const found = meant === undefined ? name : `${name}; did you mean ${meant}?`;
    return [{ code: 'unknown_variable', path, found, fix: renamed(form, one, meant, references) }];
  });
}

/** The same line under the name that was meant; nothing when that one is there already. */
function renamed(
  form: OneFlowVersion,
  one: Input | ContextEntry,
  meant: string | undefined,
  taken: ReadonlySet<string>,
): Fix {
  const { name } = one;
  if ('text' in one)
    return meant === undefined || taken.has(meant) ? remove(name, one.text) : write(meant, one.text);
  const { value, inContext } = one;
  if (form === 7) return meant === undefined ? remove(name, value) : write(meant, value);
  if (meant === undefined || taken.has(meant))
    return { do: 'remove', line: contentsLine(name, value, inContext) };
  const right = value === `$${name}` ? `$${meant}` : value;
  const where = `in vm_template_contents, instead of ${name}=`;
  return { do: 'write', line: contentsLine(meant, right, inContext), where };
}

/** Reads the form as it would be sent when nobody changes anything, and tells what the agent would say to it. */
export const presets = (service: Service): Remark[] =>
  service.roles.flatMap((role) => (role.kind === undefined ? [] : presetsOfRole(service, role, role.kind)));

/** Told by rules of their own, which know both roles. */
const ELSEWHERE: ReadonlySet<VariableName> = new Set(['FL_GRPC_KEEPALIVE_TIME']);

function presetsOfRole(service: Service, role: ServiceRole, kind: Role): Remark[] {
  const all = presetsOf(service, role);
  const known = all.filter(({ open }) => !open);
  const raw = Object.fromEntries(known.map(({ name, value }) => [name, value]));
  const open = new Set(all.filter((preset) => preset.open).map(({ name }) => name));
  const parsed = parseVariables(raw, releaseImage(kind), open);
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
  const isCount = variable === 'FL_MIN_AVAILABLE_CLIENTS' || variable === 'FL_MIN_FIT_CLIENTS';
  return isCount && found.includes('FL_NUM_MALICIOUS') ? 'robust_clients' : 'preset_invalid';
}

function better(
  service: Service,
  { variable: name, example }: Finding,
  variable: VariableName,
  at: Preset | undefined,
): Fix {
  const value = example ?? inputOf(variable).preset;
  return at === undefined
    ? write(name, formatInput(inputOf(variable, { preset: value })))
    : setting(service, at, value);
}

/** The line that gives a preset another value. */
export function setting({ form }: Service, { name, input, inContext }: Preset, value: string): Fix {
  if (input !== undefined) return write(input.name, formatInput({ ...input, preset: value }));
  if (form === 7) return write(name, value);
  const where = `in vm_template_contents, instead of ${name}=`;
  return { do: 'write', line: contentsLine(name, value, inContext), where };
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

/** Types that the command line knows; with another one it ends. */
const TYPES: ReadonlySet<string> = new Set([
  'text',
  'text64',
  'password',
  'boolean',
  'number',
  'number-float',
  'range',
  'range-float',
  'list',
  'fixed',
]);

/** `mandatory|type|question|options|preset`, as the command line and Sunstone take it apart. */
export const inputForms = ({ inputs, roles }: Service): Remark[] =>
  [...inputs, ...roles.flatMap((role) => role.inputs)].flatMap((input): Remark[] => {
    const found = unaskable(input);
    if (found === undefined) return [];
    const { name, text, path } = input;
    return [
      { code: 'input_form', path, found: `${name} ${found}`, fix: write(name, inFiveParts(name, text)) },
    ];
  });

function unaskable({ text, type, preset, mandatory }: Input): string | undefined {
  const parts = text.split('|').length;
  if (parts < 3 || parts === 4 || parts > 5)
    return `has ${parts} ${parts === 1 ? 'part' : 'parts'}, and the command line takes 3 or 5`;
  if (!TYPES.has(type)) return `is of the type ${JSON.stringify(type)}, which the command line does not know`;
  if (parts === 3 && type !== 'text' && type !== 'password')
    return `is a ${type} of three parts, of which the command line makes no value when it is left empty`;
  const isNumber = type.startsWith('number') || type.startsWith('range');
  return isNumber && !mandatory && preset.trim() === ''
    ? 'is a number without a preset: left empty it has no value, and OneFlow wants one'
    : undefined;
}

function inFiveParts(name: string, text: string): string {
  const variable = variableOf(name);
  if (variable !== undefined && rowOf(variable).level !== 'infrastructure') {
    const { mandatory, preset } = parseInput(text.split('|').length > 2 ? text : '');
    const own = inputOf(variable);
    const taken = rowOf(variable).schema.safeParse(preset.trim()).success ? preset : own.preset;
    return formatInput({ ...own, mandatory: mandatory && text.includes('|'), preset: taken });
  }
  const [kind = 'O', type = '', title = name, options = '', preset = ''] = text.includes('|')
    ? text.split('|').map((part) => part.trim())
    : ['O', 'text', name, '', text];
  const known = TYPES.has(type) ? type : 'text';
  const number = known.startsWith('number') && preset === '' ? '0' : preset;
  return [kind, known, title, options, known === 'boolean' && preset === '' ? 'NO' : number].join('|');
}

/** Sunstone 6 asks only for what the service asks, Sunstone 7 also for what the VM template asks. */
export const askedAtRole = ({ form, site, roles }: Service): Remark[] =>
  roles.flatMap((role) =>
    role.kind === undefined
      ? []
      : role.inputs.flatMap(({ name, variable, preset, text, path }): Remark[] => {
          const usual = variable === undefined ? '' : usualPreset(variable, site);
          if (preset.trim() === '' || preset === usual) return [];
          const found = `${name} is asked for at role ${role.name}, with ${JSON.stringify(preset)} instead of ${JSON.stringify(usual)}`;
          const where = `in ${KEYS[form].inputs} of the service, instead of here`;
          return [{ code: 'input_at_role', path, found, fix: write(name, text, where) }];
        }),
  );

/** What the VM has when nobody is asked. */
const usualPreset = (variable: VariableName, site: Topology): string =>
  rowOf(variable).level === 'infrastructure'
    ? ''
    : (TOPOLOGIES[site].presets[variable] ?? formDefault(variable));

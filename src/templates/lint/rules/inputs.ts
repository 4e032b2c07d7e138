// The inputs of a form: each once, with a name that exists, a type that every client knows, values that the agent accepts.
import { type BootConfig, parseVariables } from '../../../config/parse.ts';
import { releaseImage } from '../../../config/release.ts';
import { ALL_NAMES, hasAlias, plainName, rowOf, type VariableName } from '../../../config/table.ts';
import { closestMatch } from '../../../core/closest-match.ts';
import { findingsOf, type VariableFinding } from '../../../core/finding.ts';
import { attempt, Problem } from '../../../core/problem.ts';
import { profileFor } from '../../../flower/profiles.ts';
import { formatInput, inputOf, parseInput } from '../../user-input.ts';
import { type Fix, type Rule, remove, removeEntry, write, writeEntry } from '../finding.ts';
import { presetsOf, withValue } from '../presets.ts';
import {
  allInputs,
  type Entry,
  flowerRoles,
  INPUTS,
  type Input,
  type Service,
  variableOf,
} from '../service.ts';
import { FLOWER_NAME } from './contents.ts';

/** The same name, or the same variable with and without ONEAPP_, at the service and at a role. */
export const inputTwice: Rule = ({ inputs, roles }, report) => {
  for (const role of roles)
    for (const own of role.inputs) {
      const { name, variable } = own;
      const above = inputs.find(
        (one) => one.name === name || (variable !== undefined && one.variable === variable),
      );
      if (above === undefined) continue;
      const unwanted = variable !== undefined && rowOf(variable).level === 'role' ? above : own;
      const found = `${name} is an input of the service and of role ${role.name}`;
      report('input_twice', unwanted.path, found, remove(unwanted.name, unwanted.text));
    }
};

export const unknownVariables: Rule = (service, report) => {
  const asked = allInputs(service);
  const taken = new Set(asked.map(({ name }) => name));
  const written = service.roles
    .flatMap((role) => [...role.context, ...role.lines])
    .filter(({ name }) => !taken.has(name));
  for (const one of [...asked, ...written]) {
    const { name, variable, path } = one;
    if (variable !== undefined || !FLOWER_NAME.test(name)) continue;
    const meant = closestMatch(plainName(name), ALL_NAMES.filter(hasAlias));
    const found = meant === undefined ? name : `${name}; did you mean ${meant}?`;
    const free = meant === undefined || taken.has(meant) ? undefined : meant;
    report('unknown_variable', path, found, renamed(service, one, free));
  }
};

/** The same line with the name that was meant; without such a name the line has to go. */
function renamed(service: Service, one: Input | Entry, meant: string | undefined): Fix {
  if ('text' in one) return meant === undefined ? remove(one.name, one.text) : write(meant, one.text);
  if (meant === undefined) return removeEntry(service, one);
  const value = one.value === `$${one.name}` ? `$${meant}` : one.value;
  return writeEntry(service, { ...one, name: meant, value }, one.name);
}

/** A rule of its own compares both roles. */
const COMPARED: ReadonlySet<VariableName> = new Set(['FL_GRPC_KEEPALIVE_TIME']);

/** The ranges of versions belong to the profiles, not to the table. The fix is the version of the image, not an example. */
function unsupported({ FLOWER_VERSION: version }: BootConfig): readonly VariableFinding[] {
  const found = attempt(() => profileFor(version));
  return found instanceof Problem ? findingsOf(found).map(({ example: _, ...rest }) => rest) : [];
}

/** Reads the form as it is sent without changes, and reports what the agent says about it. */
export const presets: Rule = (service, report) => {
  for (const role of flowerRoles(service)) {
    const { kind } = role;
    const all = presetsOf(service, role);
    const raw = Object.fromEntries(all.filter(({ open }) => !open).map(({ name, value }) => [name, value]));
    const open = new Set(all.filter((preset) => preset.open).map(({ name }) => name));
    const parsed = parseVariables(raw, releaseImage(kind), open);
    for (const finding of [
      ...(parsed.ok ? [...unsupported(parsed.config), ...parsed.ahead] : parsed.problems),
      ...parsed.warnings,
    ]) {
      const { severity, found, example } = finding;
      const variable = variableOf(finding.variable);
      // unknownVariables reports the names that no variable has.
      if (variable === undefined) continue;
      if (severity === 'warning' && (COMPARED.has(variable) || !rowOf(variable).roles.includes(kind)))
        continue;
      const at =
        all.find(({ name }) => name === finding.variable) ??
        all.find(({ name }) => variableOf(name) === variable);
      const value = example ?? inputOf(variable).preset;
      const code = severity === 'error' ? 'preset_invalid' : 'preset_suspicious';
      const right =
        at === undefined
          ? write(finding.variable, formatInput(inputOf(variable, { preset: value })))
          : withValue(service, at, value);
      report(code, at?.path ?? role.path, `${finding.variable}: ${found}`, right);
    }
  }
};

/** The choices of a changed list: the agent must accept each. */
export const options: Rule = (service, report) => {
  for (const input of allInputs(service)) {
    const { name, variable, path, type } = input;
    if (variable === undefined || !type.startsWith('list')) continue;
    const isAccepted = (option: string): boolean =>
      option.trim() === '' || rowOf(variable).schema.safeParse(option.trim()).success;
    const refused = input.options.filter((option) => !isAccepted(option));
    if (refused.length === 0) continue;
    const kept = input.options.filter(isAccepted);
    const preset = kept.includes(input.preset) ? input.preset : (kept[0] ?? '');
    const found = `${name} offers ${refused.map((one) => JSON.stringify(one)).join(', ')}`;
    report('option_invalid', path, found, write(name, formatInput({ ...input, options: kept, preset })));
  }
};

/** The types that the command line knows; it stops at any other. */
const TYPES = /^(text|text64|password|boolean|number|number-float|range|range-float|list|fixed)$/;

/** `mandatory|type|question|options|preset`, as the command line and Sunstone split it. */
export const inputForms: Rule = (service, report) => {
  for (const input of allInputs(service)) {
    const found = faultOf(input);
    if (found !== undefined)
      report('input_form', input.path, `${input.name} ${found}`, write(input.name, inFiveParts(input)));
  }
  // OneFlow 7 reads `custom_attrs` only where all roles have the old format. OneFlow 6 does not know `user_inputs`.
  const other = INPUTS[service.format === 7 ? 6 : 7];
  for (const { path, body } of [service, ...service.roles])
    if (other in body) {
      const found = `OneFlow ${service.format} does not ask for the inputs in ${other}`;
      report('input_form', [...path, other], found);
    }
};

function faultOf({ text, type, preset, mandatory }: Input): string | undefined {
  const parts = text.split('|').length;
  if (parts !== 3 && parts !== 5)
    return `has ${parts} ${parts === 1 ? 'part' : 'parts'}; the command line accepts 3 or 5`;
  if (!TYPES.test(type)) return `has the type ${JSON.stringify(type)}, which the command line does not know`;
  if (parts === 3 && type !== 'text' && type !== 'password')
    return `is a ${type} of three parts; the command line sends no value for an empty answer`;
  const isNumber = type.startsWith('number') || type.startsWith('range');
  return isNumber && !mandatory && preset === ''
    ? 'is a number without a preset; an empty answer has no value, and OneFlow requires one'
    : undefined;
}

function inFiveParts({ name, text, variable }: Input): string {
  const parts = text.includes('|') ? text.split('|').slice(0, 5) : ['O', 'text', name, '', text];
  const given = parseInput(parts.join('|'));
  if (variable !== undefined && rowOf(variable).level !== 'infrastructure') {
    const own = inputOf(variable);
    const isAccepted = rowOf(variable).schema.safeParse(given.preset).success;
    const { mandatory } = given;
    return formatInput({ ...own, mandatory, preset: isAccepted ? given.preset : own.preset });
  }
  const type = TYPES.test(given.type) ? given.type : 'text';
  const empty = type === 'boolean' ? 'NO' : type.startsWith('number') ? '0' : '';
  return formatInput({ ...given, type, title: given.title || name, preset: given.preset || empty });
}

// What the VMs of a role get when the form is sent without changes.
import type { VariableName } from '../../config/table.ts';
import { formatInput, formDefault } from '../user-input.ts';
import { type Fix, write, writeEntry } from './finding.ts';
import { type Entry, type Input, inputsOf, type Service, type ServiceRole, variableOf } from './service.ts';

interface Preset extends Omit<Entry, 'variable'> {
  /** Its value is known only when the VM is made: the address of a parent role, or of a network. */
  readonly open: boolean;
  /** The form requires an answer. */
  readonly mandatory: boolean;
  /** The input that it comes from; undefined: it is written in the contents of the role. */
  readonly input: Input | undefined;
}

/**
 * In the format of 7 inputs win over the contents, and those of the role over those of the service. In that of 6 only the
 * contents count. An attribute outside of CONTEXT counts because the CONTEXT of the VM template takes it.
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
  const written = [...lines, ...role.context].flatMap((entry) => fromEntry(entry, inputs, role.lines));
  if (service.format === 6) return written;
  return [...written.filter(({ name }) => !inputs.has(name)), ...[...inputs.values()].map(fromInput)];
}

/** The name of which a text is the value, and nothing else: $NAME. */
export const referenceIn = (value: string): string | undefined => /^\$(\w+)$/.exec(value.trim())?.[1];

/** Empty: the value is a reference to a name that is not defined. */
function fromEntry(entry: Entry, inputs: ReadonlyMap<string, Input>, lines: readonly Entry[]): Preset[] {
  const { name, value, inContext } = entry;
  const reference = referenceIn(value);
  if (reference === undefined)
    return [{ ...entry, open: value.includes('$'), mandatory: false, input: undefined }];
  const input = inputs.get(reference);
  if (input !== undefined) return [{ ...fromInput(input), name, inContext }];
  const line = inContext ? lines.find((one) => one.name === reference) : undefined;
  return line === undefined ? [] : fromEntry(line, inputs, lines).map((preset) => ({ ...preset, name }));
}

export const fromInput = (input: Input): Preset => {
  const { name, preset: value, mandatory, path } = input;
  return { name, value, mandatory, path, input, open: false, inContext: false };
};

/** The preset of a variable, with ONEAPP_ or without; the plain name wins when it has a value. */
export function presetOf(service: Service, role: ServiceRole, variable: VariableName): Preset | undefined {
  const found = presetsOf(service, role).filter(({ name }) => variableOf(name) === variable);
  const filled = found.filter(({ value }) => value.trim() !== '');
  return filled.find(({ name }) => name === variable) ?? filled[0] ?? found[0];
}

/** The value of a variable; the table's default when the template has none. */
export function textOf(service: Service, role: ServiceRole, name: VariableName): string {
  const given = presetOf(service, role, name)?.value.trim();
  return given === undefined || given === '' ? formDefault(name) : given;
}

export function numberOf(service: Service, role: ServiceRole, name: VariableName): number | undefined {
  const text = textOf(service, role, name);
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** The line that gives a preset another value. */
export const withValue = (service: Service, preset: Preset, value: string): Fix =>
  preset.input === undefined
    ? writeEntry(service, { ...preset, value }, preset.name)
    : write(preset.input.name, formatInput({ ...preset.input, preset: value }));

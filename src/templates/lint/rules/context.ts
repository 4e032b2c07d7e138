// What every VM of this appliance needs in its CONTEXT, and what no form may ask for.
import { rowOf, type VariableName } from '../../../config/table.ts';
import type { LintCode } from '../codes.ts';
import { type Rule, remove, removeEntry, writeEntry } from '../finding.ts';
import { allInputs, flowerRoles, type Service, type ServiceRole } from '../service.ts';
import { appendsContext } from './contents.ts';

interface Needed {
  readonly code: LintCode;
  readonly name: VariableName;
  readonly isValid: (value: string) => boolean;
}

const NEEDED: readonly Needed[] = [
  { code: 'token_missing', name: 'TOKEN', isValid: (value) => value.trim().toUpperCase() === 'YES' },
  { code: 'report_ready_missing', name: 'REPORT_READY', isValid: (value) => value.trim() === 'YES' },
  { code: 'ready_script_missing', name: 'READY_SCRIPT_PATH', isValid: (value) => value.trim() !== '' },
];

export const needed: Rule = (service, report) => {
  for (const role of flowerRoles(service)) {
    if (!role.hasContext || !mustHaveThem(service, role)) continue;
    for (const { code, name, isValid } of NEEDED) {
      const entry = role.context.find((one) => one.name === name);
      if (entry !== undefined && isValid(entry.value)) continue;
      const found =
        entry === undefined
          ? `role ${role.name} has no ${name} in its CONTEXT`
          : `${name} is ${JSON.stringify(entry.value)}`;
      const contextPath = service.format === 7 ? [...role.contentsPath, 'CONTEXT'] : role.contentsPath;
      const right = { name, value: rowOf(name).template!, inContext: true };
      report(code, entry?.path ?? contextPath, found, writeEntry(service, right, entry && name));
    }
  }
};

/**
 * The VM template has these in its CONTEXT. A role must have them where it replaces that CONTEXT, which OneFlow 6 does
 * unless the role has APPEND, or where the role writes one of them.
 */
const mustHaveThem = ({ format }: Service, role: ServiceRole): boolean =>
  role.context.some((entry) => NEEDED.some(({ name }) => name === entry.name)) ||
  (format === 6 && !appendsContext(role));

export const infrastructureAsInput: Rule = (service, report) => {
  for (const { name, variable, text, path } of allInputs(service))
    if (variable !== undefined && rowOf(variable).level === 'infrastructure')
      report('infrastructure_as_input', path, `${name} is an input`, remove(name, text));
};

/** A READY in the template is a READY in the VM's own template from the start. */
export const readyPreset: Rule = (service, report) => {
  for (const { name, text, path } of allInputs(service))
    if (name === 'READY') report('ready_preset', path, 'READY is an input', remove(name, text));
  for (const entry of service.roles.flatMap(({ lines }) => lines))
    if (entry.name === 'READY')
      report(
        'ready_preset',
        entry.path,
        `READY is ${JSON.stringify(entry.value)}`,
        removeEntry(service, entry),
      );
};

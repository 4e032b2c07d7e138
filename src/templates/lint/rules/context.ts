// What every VM of ours needs in its CONTEXT, and what must not be asked for.
import { rowOf, type VariableName } from '../../../config/table.ts';
import type { LintCode } from '../codes.ts';
import { contentsLine, contentsPlace, type Fix, type Remark, remove, write } from '../finding.ts';
import { isObject, type Service, type ServiceRole } from '../model.ts';
import { KEYS } from '../service.ts';
import { appendsContext } from './contents.ts';

interface Needed {
  readonly code: LintCode;
  readonly name: VariableName;
  readonly holds: (value: string) => boolean;
}

const NEEDED: readonly Needed[] = [
  { code: 'token_missing', name: 'TOKEN', holds: (value) => value.trim().toUpperCase() === 'YES' },
  { code: 'report_ready_missing', name: 'REPORT_READY', holds: (value) => value.trim() === 'YES' },
  { code: 'ready_script_missing', name: 'READY_SCRIPT_PATH', holds: (value) => value.trim() !== '' },
];

/**
 * The VM template has these in its CONTEXT. A role needs them where it replaces that CONTEXT, which OneFlow 6 does unless
 * the role says APPEND, or where it begins to write them itself.
 */
export const needed = (service: Service): Remark[] =>
  service.roles
    .filter((role) => role.kind !== undefined && role.hasContext && writesThem(service, role))
    .flatMap((role) =>
      NEEDED.flatMap(({ code, name, holds }): Remark[] => {
        const entry = role.context.find((one) => one.name === name);
        if (entry !== undefined && holds(entry.value)) return [];
        const found =
          entry === undefined
            ? `role ${role.name} has no ${name} in its CONTEXT`
            : `${name} is ${JSON.stringify(entry.value)}`;
        return [
          {
            code,
            path: entry?.path ?? contextPath(service, role),
            found,
            fix: contextLine(service, name, entry !== undefined),
          },
        ];
      }),
    );

const writesThem = ({ form }: Service, role: ServiceRole): boolean =>
  role.context.some((entry) => NEEDED.some(({ name }) => name === entry.name)) ||
  (form === 6 && !appendsContext(role));

function contextPath({ form }: Service, { path, body }: ServiceRole): (string | number)[] {
  const contents = [...path, KEYS[form].contents];
  return isObject(body[KEYS[form].contents]) ? [...contents, 'CONTEXT'] : contents;
}

/** The line that belongs into the CONTEXT: a member of an object in the form of 7, a part of a text in that of 6. */
function contextLine({ form }: Service, name: VariableName, there: boolean): Fix {
  const value = rowOf(name).template!;
  return form === 7
    ? write(name, value, there ? undefined : 'in template_contents.CONTEXT')
    : {
        do: 'write',
        line: contentsLine(name, value, true),
        where: there ? `in vm_template_contents, instead of ${name}=` : contentsPlace(true),
      };
}

export const infrastructureAsInput = ({ inputs, roles }: Service): Remark[] =>
  [...inputs, ...roles.flatMap((role) => role.inputs)].flatMap(({ name, variable, text, path }): Remark[] =>
    variable !== undefined && rowOf(variable).level === 'infrastructure'
      ? [{ code: 'infrastructure_as_input', path, found: `${name} is asked for`, fix: remove(name, text) }]
      : [],
  );

/** A READY in the template is a READY in the VM's own template from the start. */
export function readyPreset({ form, inputs, roles }: Service): Remark[] {
  const asked = [...inputs, ...roles.flatMap((role) => role.inputs)].flatMap(
    ({ name, text, path }): Remark[] =>
      name === 'READY'
        ? [{ code: 'ready_preset', path, found: 'READY is asked for', fix: remove(name, text) }]
        : [],
  );
  const set = roles.flatMap(({ lines }) =>
    lines.flatMap(({ name, value, path }): Remark[] => {
      if (name !== 'READY') return [];
      const fix: Fix =
        form === 7 ? remove(name, value) : { do: 'remove', line: contentsLine(name, value, false) };
      return [{ code: 'ready_preset', path, found: `READY is ${JSON.stringify(value)}`, fix }];
    }),
  );
  return [...asked, ...set];
}

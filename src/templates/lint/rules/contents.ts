// What a role writes into its VMs: whether oned reads it, whether OneFlow 7 hands it on as it is, whether it does anything.
import { Buffer } from 'node:buffer';
import { rowOf, type VariableName } from '../../../config/table.ts';
import { closestMatch } from '../../../core/closest-match.ts';
import { contentsLine, type Fix, type Remark, remove, write } from '../finding.ts';
import { type ContextEntry, isObject, type Service, type ServiceRole } from '../model.ts';
import { inputsOf, KEYS, referenceIn } from '../service.ts';
import { OURS } from './inputs.ts';

const contentsOf = ({ form }: Service, { path }: ServiceRole): (string | number)[] => [
  ...path,
  KEYS[form].contents,
];

export const contentsSyntax = (service: Service): Remark[] =>
  service.roles.flatMap((role): Remark[] =>
    role.fault === undefined
      ? []
      : [
          {
            code: 'contents_syntax',
            path: contentsOf(service, role),
            found: `${role.fault} (of the text, for role ${role.name})`,
            fix: {
              do: 'write',
              line: 'NAME=\\"VALUE\\"\\nCONTEXT=[ NAME=\\"VALUE\\", NAME=\\"VALUE\\" ]\\n',
            },
          },
        ],
  );

/** OneFlow 7 makes `CONTEXT["FL_X"]` of each input, and goes through the list of NICs. */
export const contextShape = (service: Service): Remark[] =>
  service.roles.flatMap((role): Remark[] => {
    const contents = role.body[KEYS[service.form].contents];
    const path = contentsOf(service, role);
    if (service.form === 6) {
      const line = role.lines.find(({ name }) => name === 'CONTEXT');
      if (line === undefined) return [];
      const fix: Fix = { do: 'remove', line: contentsLine('CONTEXT', line.value, false) };
      return [{ code: 'context_shape', path, found: 'CONTEXT is a text', fix }];
    }
    const context = isObject(contents) ? contents['CONTEXT'] : undefined;
    if (context === undefined || isObject(context)) return [];
    const blocks = Array.isArray(context) ? context.filter(isObject) : [];
    return [
      {
        code: 'context_shape',
        path: [...path, 'CONTEXT'],
        found: `CONTEXT is ${Array.isArray(context) ? 'a list' : 'no object'}`,
        fix: write('CONTEXT', Object.assign({}, ...blocks.toReversed())),
      },
    ];
  });

export const nicShape = (service: Service): Remark[] =>
  service.roles.flatMap((role): Remark[] => {
    const contents = role.body[KEYS[7].contents];
    const nic = service.form === 7 && isObject(contents) ? contents['NIC'] : undefined;
    if (nic === undefined || nic === null || nic === '' || Array.isArray(nic)) return [];
    return [
      {
        code: 'nic_shape',
        path: [...contentsOf(service, role), 'NIC'],
        found: `NIC is ${isObject(nic) ? 'an object' : 'no list'}`,
        fix: write('NIC', isObject(nic) ? [nic] : []),
      },
    ];
  });

/** Attributes that are not variables, as lines; a CONTEXT becomes lines of its variables. */
export function contextBlock(service: Service): Remark[] {
  if (service.form !== 6) return [];
  return service.roles.flatMap((role): Remark[] => {
    if (!role.hasContext) return [];
    const inputs = inputsOf(service, role).size;
    const appends = appendsContext(role);
    const found = [
      `role ${role.name} has a CONTEXT of its own`,
      ...(inputs > 0 ? [`and there ${inputs === 1 ? 'is an input' : `are ${inputs} inputs`}`] : []),
      ...(appends ? [] : ['without APPEND="CONTEXT"']),
    ].join(' ');
    return [{ code: 'context_block', path: contentsOf(service, role), found, fix: asLines(role) }];
  });
}

/** Whether OneFlow 6 adds the CONTEXT to that of the VM template, instead of replacing it. */
export const appendsContext = ({ lines }: ServiceRole): boolean =>
  lines.some(({ name, value }) => name === 'APPEND' && value.split(',').includes('CONTEXT'));

function asLines({ body, context, lines }: ServiceRole): Fix {
  const text = String(body[KEYS[6].contents] ?? '');
  const vectors = [...text.matchAll(/(?<![\w$])(?!CONTEXT)[A-Za-z_]+[ \t]*=[ \t]*\[[^\]]*\]/g)].map(
    ([whole]) => `${whole}\n`,
  );
  const ours = context.filter(
    ({ variable }) => variable !== undefined && rowOf(variable).level !== 'infrastructure',
  );
  const singles = [...lines.filter(({ name }) => name !== 'APPEND'), ...ours].map(
    ({ name, value }) => `${name}="${value.replaceAll('"', '\\"')}"\n`,
  );
  const whole = [...vectors, ...longestFirst(singles)].join('');
  // Not shortened, however long: it is there to be pasted.
  return { do: 'write', line: `"${KEYS[6].contents}": ${JSON.stringify(whole)}` };
}

/** $A also hits the beginning of $AB. */
const longestFirst = (lines: readonly string[]): string[] => lines.toSorted((a, b) => b.length - a.length);

/** A value that OneFlow hands on as another one. */
export const changedValues = (service: Service): Remark[] =>
  service.roles.flatMap((role): Remark[] => {
    if (role.kind === undefined) return [];
    return [...role.context, ...role.lines].flatMap((entry): Remark[] => {
      const how = changed(service, role, entry);
      if (how === undefined) return [];
      return [
        {
          code: 'value_changed',
          path: entry.path,
          found: `${entry.name}: ${how}`,
          fix: kept(service, entry),
        },
      ];
    });
  });

function changed(
  { form }: Service,
  role: ServiceRole,
  { value, inContext }: ContextEntry,
): string | undefined {
  const unknown = [...value.matchAll(/\$\{(.*?)\}/g)].find(
    ([, reference]) => !role.parents.includes(reference!.split('.')[0]),
  );
  if (unknown !== undefined)
    return `OneFlow replaces ${unknown[0].slice(0, 60)} with nothing, because no parent role has that name`;
  if (form === 6 && value.includes('"')) return 'OpenNebula 7 turns each quote into a backslash';
  if (!value.includes('\n')) return undefined;
  if (form === 6) return 'OpenNebula 7 ends the value at the end of its first line';
  return inContext ? 'OneFlow writes a comma behind each of its lines' : undefined;
}

/** The same with other quotes, or in base64 where something reads that; else nothing can be proposed but to leave it out. */
function kept({ form }: Service, { name, value, variable, inContext }: ContextEntry): Fix {
  if (form === 6 && value.includes('"') && !/[\n']|\$\{/.test(value)) {
    const where = `in vm_template_contents, instead of ${name}=`;
    return { do: 'write', line: contentsLine(name, value.replaceAll('"', "'"), inContext), where };
  }
  const isScript = name === 'START_SCRIPT';
  const isPem = variable !== undefined && rowOf(variable).input === 'text64';
  if (!isScript && !isPem)
    return form === 7 ? remove(name, value) : { do: 'remove', line: contentsLine(name, value, inContext) };
  const encoded = Buffer.from(value).toString('base64');
  const better = isScript ? 'START_SCRIPT_BASE64' : name;
  return form === 7
    ? write(better, encoded)
    : {
        do: 'write',
        line: contentsLine(better, encoded, inContext),
        where: `in vm_template_contents, instead of ${name}=`,
      };
}

/** OneFlow 7 writes each input into the CONTEXT, over what is there. */
export function unusedContext(service: Service): Remark[] {
  if (service.form !== 7) return [];
  return service.roles.flatMap((role) => {
    const inputs = inputsOf(service, role);
    // Infrastructure must not be asked for at all, which is told by a rule of its own.
    const isPlatform = (variable: VariableName | undefined): boolean =>
      variable !== undefined && rowOf(variable).level === 'infrastructure';
    return role.context.flatMap(({ name, variable, value, path }): Remark[] =>
      !inputs.has(name) || referenceIn(value) === name || isPlatform(variable)
        ? []
        : [
            {
              code: 'context_unused',
              path,
              found: `${name} is ${JSON.stringify(value)} and also asked for`,
              fix: remove(name, value),
            },
          ],
    );
  });
}

export const undefinedReferences = (service: Service): Remark[] =>
  service.roles.flatMap((role) => {
    if (role.kind === undefined) return [];
    const inputs = inputsOf(service, role);
    const defined = new Set([...inputs.keys(), ...role.lines.map(({ name }) => name)]);
    return [...role.context, ...role.lines].flatMap((entry): Remark[] => {
      const { name, value, path, inContext } = entry;
      const reference = referenceIn(value);
      if (reference === undefined || !OURS.test(reference)) return [];
      if (inContext ? defined.has(reference) : inputs.has(reference)) return [];
      const meant = inputs.has(name) ? name : closestMatch(reference, [...inputs.keys()]);
      const found = `${name} is $${reference}, which nobody defines`;
      return [{ code: 'reference_undefined', path, found, fix: referring(service, entry, meant) }];
    });
  });

function referring(
  { form }: Service,
  { name, value, inContext }: ContextEntry,
  meant: string | undefined,
): Fix {
  if (form === 7) return meant === undefined ? remove(name, value) : write(name, `$${meant}`);
  return meant === undefined
    ? { do: 'remove', line: contentsLine(name, value, inContext) }
    : {
        do: 'write',
        line: contentsLine(name, `$${meant}`, inContext),
        where: `in vm_template_contents, instead of ${name}=`,
      };
}

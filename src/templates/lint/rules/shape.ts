// What OneFlow itself accepts of the members that the other rules read, in both forms. Members that it does not know are
// allowed there, and so they are here. What it refuses clearly at `oneflow-template create` needs no rule of ours.
import * as z from 'zod';
import { type Fix, type Remark, write } from '../finding.ts';
import type { Path } from '../json.ts';
import type { Service } from '../model.ts';
import { KEYS, wholeNumber } from '../service.ts';

const shutdown = z.enum(['terminate', 'terminate-hard', 'shutdown', 'shutdown-hard']);
/** OneFlow takes the text of a whole number for the number. */
const whole = z.unknown().transform((value, context): number => {
  const number = wholeNumber(value);
  if (number !== undefined) return number;
  context.issues.push({ code: 'custom', message: 'this is not a whole number', input: value });
  return z.NEVER;
});
const count = whole.pipe(z.number().min(0));
const object = z.record(z.string(), z.unknown());
const adjust = {
  type: z.enum(['CHANGE', 'CARDINALITY', 'PERCENTAGE_CHANGE']),
  adjust: whole,
  min_adjust_step: whole.pipe(z.number().min(1)).optional(),
};

const both = {
  name: z.string(),
  cardinality: count.optional(),
  parents: z.array(z.string()).optional(),
  shutdown_action: shutdown.optional(),
  min_vms: count.optional(),
  max_vms: count.optional(),
  cooldown: count.optional(),
  on_hold: z.boolean().optional(),
  elasticity_policies: z
    .array(
      z.looseObject({
        ...adjust,
        expression: z.string(),
        period_number: count.optional(),
        period: count.optional(),
        cooldown: count.optional(),
      }),
    )
    .optional(),
  scheduled_policies: z
    .array(z.looseObject({ ...adjust, start_time: z.string().optional(), recurrence: z.string().optional() }))
    .optional(),
};

const role7 = z.looseObject({
  ...both,
  type: z.enum(['vm', 'vr']),
  template_id: count.optional(),
  template_contents: object.optional(),
  user_inputs: object.optional(),
  user_inputs_values: object.optional(),
});

const role6 = z.looseObject({
  ...both,
  vm_template: count.optional(),
  vm_template_contents: z.string().optional(),
  custom_attrs: object.optional(),
  custom_attrs_values: object.optional(),
});

const service = {
  name: z.string(),
  deployment: z.enum(['none', 'straight']).optional(),
  description: z.string().optional(),
  shutdown_action: shutdown.optional(),
  ready_status_gate: z.boolean().optional(),
  automatic_deletion: z.boolean().optional(),
  on_hold: z.boolean().optional(),
  networks: object.optional(),
  networks_values: z.array(object).optional(),
  custom_attrs: object.optional(),
  custom_attrs_values: object.optional(),
  user_inputs: object.optional(),
  user_inputs_values: object.optional(),
};

const SCHEMA = {
  6: z.looseObject({ ...service, roles: z.array(role6) }),
  7: z.looseObject({ ...service, roles: z.array(role7) }),
} as const;

export function shape(read: Service): Remark[] {
  const { body, form } = read;
  const parsed = SCHEMA[form].safeParse(body);
  const issues = parsed.success ? [] : parsed.error.issues;
  const remarks = issues.map((issue): Remark => {
    const path = issue.path as Path;
    return {
      code: 'schema',
      path,
      found: `${formatMember(path)}: ${issue.message}`,
      fix: fixOf(path, body, form),
    };
  });
  return [...remarks, ...mixed(read), ...inputTexts(read), ...counts(read), ...names(read)];
}

const formatMember = (path: Path): string => (path.length === 0 ? 'the template' : String(path.at(-1)));

const EXAMPLES: Readonly<Record<string, unknown>> = {
  name: 'superlink',
  type: 'vm',
  template_id: 0,
  vm_template: 0,
  cardinality: 1,
  min_vms: 1,
  max_vms: 1,
  deployment: 'straight',
  ready_status_gate: true,
  shutdown_action: 'terminate',
  cooldown: 300,
  parents: ['superlink'],
  template_contents: { CONTEXT: { TOKEN: 'YES' } },
  vm_template_contents: 'APPEND="CONTEXT"\nCONTEXT=[ TOKEN="YES" ]\n',
  roles: [],
  user_inputs: {},
  custom_attrs: {},
};

function fixOf(path: Path, body: unknown, form: 6 | 7): Fix {
  const name = String(path.findLast((part) => typeof part === 'string') ?? 'name');
  const now = path.reduce<unknown>(
    (inner, part) => (inner as Record<string | number, unknown> | undefined)?.[part],
    body,
  );
  if (typeof now === 'string' && /^(true|false)$/i.test(now))
    return write(name, now.toLowerCase() === 'true');
  return write(name, name in EXAMPLES ? EXAMPLES[name] : form === 7 ? {} : '');
}

/** OneFlow 7 takes the old form only when no role is of the new one; OneFlow 6 knows nothing of the new one. */
function mixed({ form, body, roles }: Service): Remark[] {
  const other = KEYS[form === 7 ? 6 : 7];
  const ours = KEYS[form];
  const here = [
    { members: body, path: [] as Path },
    ...roles.map((role) => ({ members: role.body, path: role.path })),
  ];
  return here.flatMap(({ members, path }) =>
    ([other.template, other.contents, other.inputs] as const).flatMap((name, at): Remark[] => {
      if (!(name in members)) return [];
      const instead = [ours.template, ours.contents, ours.inputs][at]!;
      const found = `${name} belongs to OpenNebula ${form === 7 ? 6 : 7}, while the template is in the form of ${form}`;
      return [
        {
          code: 'schema',
          path: [...path, name],
          found,
          fix: { do: 'rename', line: `${JSON.stringify(name)} -> ${JSON.stringify(instead)}` },
          // OneFlow 7 takes these as they are; 6 only does not ask.
          ...(form === 6 && name === other.inputs ? { severity: 'warning' as const } : {}),
        },
      ];
    }),
  );
}

/** Inputs are texts; what is in them is told by a rule of its own. */
function inputTexts({ form, body, roles }: Service): Remark[] {
  const { inputs } = KEYS[form];
  const groups = [
    { members: body, path: [] as Path },
    ...roles.map((role) => ({ members: role.body, path: role.path })),
  ];
  return groups.flatMap(({ members, path }) => {
    const group = members[inputs];
    if (typeof group !== 'object' || group === null) return [];
    return Object.entries(group).flatMap(([name, text]): Remark[] => {
      if (typeof text === 'string') return [];
      return [
        {
          code: 'schema',
          path: [...path, inputs, name],
          found: `${name} is no user input`,
          fix: write(name, `O|text|${name}||${typeof text === 'number' ? text : ''}`),
        },
      ];
    });
  });
}

function counts({ roles }: Service): Remark[] {
  return roles.flatMap(({ path, name, min, max, cardinality, body }): Remark[] => {
    const remarks: Remark[] = [];
    const say = (member: string, found: string, value: number): number =>
      remarks.push({
        code: 'schema',
        path: [...path, member],
        found: `role ${name}: ${found}`,
        fix: write(member, value),
      });
    if (min !== undefined && max !== undefined && min > max)
      say('max_vms', `max_vms ${max} is less than min_vms ${min}`, min);
    if (cardinality !== undefined && min !== undefined && cardinality < min)
      say('cardinality', `cardinality ${cardinality} is less than min_vms ${min}`, min);
    if (cardinality !== undefined && max !== undefined && cardinality > max)
      say('max_vms', `max_vms ${max} is less than cardinality ${cardinality}`, cardinality);
    const policies = ['elasticity_policies', 'scheduled_policies'].some(
      (member) => lengthOf(body[member]) > 0,
    );
    if (policies && min === undefined) say('min_vms', 'policies need min_vms', Math.max(1, cardinality ?? 1));
    if (policies && max === undefined)
      say('max_vms', 'policies need max_vms', Math.max(10, cardinality ?? 1));
    return remarks;
  });
}

export const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);

function names({ roles }: Service): Remark[] {
  return roles.flatMap(({ path, name, body }, index): Remark[] => {
    const remarks: Remark[] = [];
    if (name !== '' && roles.findIndex((role) => role.name === name) < index) {
      const fix = write('name', `${name}_${index + 1}`);
      remarks.push({ code: 'schema', path: [...path, 'name'], found: `the role name ${name} is taken`, fix });
    }
    const parents = Array.isArray(body['parents']) ? body['parents'] : [];
    for (const parent of parents) {
      if (roles.some((role) => role.name === parent && role.name !== name)) continue;
      const others = roles.filter((role) => role.name !== name).map((role) => role.name);
      const found =
        parent === name ? `role ${name} waits for itself` : `there is no role ${String(parent)} to wait for`;
      remarks.push({
        code: 'schema',
        path: [...path, 'parents'],
        found,
        fix: write('parents', others.slice(0, 1)),
      });
    }
    return remarks;
  });
}

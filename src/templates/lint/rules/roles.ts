// How many VMs a role has, what it is called, who scales it.
import { type Remark, remove, write } from '../finding.ts';
import { isObject, type Service, type ServiceRole } from '../model.ts';
import { rolesOf, wholeNumber } from '../service.ts';
import { lengthOf } from './shape.ts';

/** A SuperLink gives a silent node up after 60 s; its place is handed over and the newcomer boots in the minute after. */
const SETTLED_S = 120;

/** OpenNebula's limit on names, and what OneFlow puts around a role's: `_99999_(service_99999999)`. */
const LONGEST_NAME = 128;
const AROUND_A_ROLE = 26;

export function superlinkCount(service: Service): Remark[] {
  const all = rolesOf(service, 'superlink');
  const more = all.slice(1).map(
    ({ path, name }): Remark => ({
      code: 'superlink_count',
      path: [...path, 'name'],
      found: `${name} is another SuperLink role beside ${all[0]!.name}`,
      fix: remove('name', name),
    }),
  );
  const wrong = all.flatMap(({ path, body }) =>
    ['cardinality', 'min_vms', 'max_vms'].flatMap((member): Remark[] =>
      body[member] === undefined || wholeNumber(body[member]) === 1
        ? []
        : [
            {
              code: 'superlink_count',
              path: [...path, member],
              found: `${member} is ${JSON.stringify(body[member])}`,
              fix: write(member, 1),
            },
          ],
    ),
  );
  return [...more, ...wrong];
}

export const superlinkPolicies = (service: Service): Remark[] =>
  rolesOf(service, 'superlink').flatMap(({ path, body }) =>
    ['elasticity_policies', 'scheduled_policies'].flatMap((member): Remark[] =>
      lengthOf(body[member]) === 0
        ? []
        : [
            {
              code: 'superlink_policies',
              path: [...path, member],
              found: `${lengthOf(body[member])} in ${member}`,
              fix: write(member, []),
            },
          ],
    ),
  );

export const cardinalityMissing = ({ roles }: Service): Remark[] =>
  roles.flatMap(({ path, name, kind, body, min }): Remark[] =>
    body['cardinality'] !== undefined
      ? []
      : [
          {
            code: 'cardinality_missing',
            path: [...path, 'cardinality'],
            found: `role ${name} has no cardinality`,
            fix: write('cardinality', kind === 'supernode' ? Math.max(2, min ?? 2) : Math.max(1, min ?? 1)),
          },
        ],
  );

export const cooldown = ({ roles }: Service): Remark[] =>
  roles
    .filter(({ kind }) => kind !== undefined)
    .flatMap(({ path, body }) => {
      const policies = Array.isArray(body['elasticity_policies']) ? body['elasticity_policies'] : [];
      const places = [
        { at: path, value: body['cooldown'] },
        ...policies.map((policy, index) => ({
          at: [...path, 'elasticity_policies', index],
          value: isObject(policy) ? policy['cooldown'] : undefined,
        })),
      ];
      return places.flatMap(({ at, value }): Remark[] => {
        const seconds = wholeNumber(value);
        if (seconds === undefined || seconds >= SETTLED_S) return [];
        const found = `${seconds} s, less than ${SETTLED_S}`;
        return [{ code: 'cooldown_short', path: [...at, 'cooldown'], found, fix: write('cooldown', 300) }];
      });
    });

export function names({ body, roles }: Service): Remark[] {
  const remarks: Remark[] = [];
  if (typeof body['name'] === 'string' && body['name'].length > LONGEST_NAME) {
    const { length } = body['name'];
    const fix = write('name', body['name'].slice(0, 60).trimEnd());
    remarks.push({
      code: 'name_too_long',
      path: ['name'],
      found: `${length} characters, more than ${LONGEST_NAME}`,
      fix,
    });
  }
  for (const { name, path } of roles) {
    if (name !== '' && !/^\w+$/.test(name)) {
      const allowed = name.replaceAll(/\W+/g, '_');
      remarks.push({
        code: 'role_name',
        path: [...path, 'name'],
        found: JSON.stringify(name),
        fix: write('name', allowed),
      });
    }
    if (name.length > LONGEST_NAME - AROUND_A_ROLE) {
      const found = `${name.length} characters, more than ${LONGEST_NAME - AROUND_A_ROLE}`;
      remarks.push({
        code: 'name_too_long',
        path: [...path, 'name'],
        found,
        fix: write('name', name.slice(0, 40)),
      });
    }
  }
  return remarks;
}

/** Attributes of a VM that are texts; an expression counts a text as 0, and a name that no VM has as false. */
const TEXTS =
  /^(READY|YES|NO|TRUE|FALSE|FL_(READY|NODE_READY|ROLE|VERSION|ERROR|ENDPOINT|TLS|CA_CERT|NODE_ID|USE_CASE|GPU_AVAILABLE))$/;

export const expressions = ({ roles }: Service): Remark[] =>
  roles
    .filter(({ kind }) => kind !== undefined)
    .flatMap(({ path, body }) => {
      const policies = Array.isArray(body['elasticity_policies']) ? body['elasticity_policies'] : [];
      return policies.flatMap((policy, index): Remark[] => {
        const text = isObject(policy) ? policy['expression'] : undefined;
        const names = typeof text === 'string' ? text.toUpperCase().match(/[A-Z]\w*/g) : null;
        const found = names?.find((name) => TEXTS.test(name));
        if (found === undefined) return [];
        return [
          {
            code: 'expression_never',
            path: [...path, 'elasticity_policies', index, 'expression'],
            found: `${JSON.stringify(text)}: ${found} is a text`,
            fix: write('expression', 'CPU > 80'),
          },
        ];
      });
    });

/** Roles that wait for each other, each through others or directly. */
export function cyclicParents({ body, roles }: Service): Remark[] {
  if (body['deployment'] !== 'straight') return [];
  const named = new Map(roles.map((role) => [role.name, role]));
  const ancestors = (role: ServiceRole): Set<string> => {
    const seen = new Set<string>();
    const open = [role];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const parent of next.parents) {
        const other = typeof parent === 'string' ? named.get(parent) : undefined;
        if (other === undefined || seen.has(other.name)) continue;
        seen.add(other.name);
        open.push(other);
      }
    }
    return seen;
  };
  // One that waits for itself is told by the rule on names.
  const waiting = roles.filter((role) => ancestors(role).has(role.name) && !role.parents.includes(role.name));
  // The SuperLink waits for nobody; of others the first is as good as any.
  const first = waiting.find(({ kind }) => kind === 'superlink') ?? waiting[0];
  if (first === undefined) return [];
  const found = `${waiting.map(({ name }) => name).join(' and ')} wait for each other`;
  const inCircle = new Set(waiting.map(({ name }) => name));
  const others = first.parents.filter((parent) => !inCircle.has(String(parent)));
  return [{ code: 'cyclic_parents', path: [...first.path, 'parents'], found, fix: write('parents', others) }];
}

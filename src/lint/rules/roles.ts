// How many VMs a role has, what it is called, who scales it.
import { type Remark, remove, write } from '../finding.ts';
import { isObject, rolesOf, type Service } from '../service.ts';
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
      body[member] === undefined || body[member] === 1
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
      return places.flatMap(({ at, value }): Remark[] =>
        typeof value === 'number' && value < SETTLED_S
          ? [
              {
                code: 'cooldown_short',
                path: [...at, 'cooldown'],
                found: `${value} s, less than ${SETTLED_S}`,
                fix: write('cooldown', 300),
              },
            ]
          : [],
      );
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

// OneFlow 6 only: inputs reach a VM by `$NAME` in vm_template_contents, which is replaced as text.
import { rowOf } from '../../../config/table.ts';
import { contentsLine, contentsPlace, type Remark, remove } from '../finding.ts';
import type { Input, Service, ServiceRole } from '../model.ts';
import { KEYS } from '../service.ts';

export function notMapped(service: Service): Remark[] {
  if (service.form !== 6) return [];
  return [
    ...service.inputs.flatMap((input) => lostOfService(input, service.roles)),
    ...service.roles.flatMap((role) =>
      role.inputs.filter(({ name }) => !refersTo(role, name)).map((input) => lost(input, role)),
    ),
  ];
}

/** A variable has to reach the roles that read it; any other input some role. */
function lostOfService(input: Input, roles: readonly ServiceRole[]): Remark[] {
  const { name, variable, text, path } = input;
  const isRead = ({ kind }: ServiceRole): boolean =>
    variable !== undefined && kind !== undefined && rowOf(variable).roles.includes(kind);
  const readers = roles.filter(isRead);
  const without = readers.filter((role) => !refersTo(role, name));
  const reaches = roles.some((role) => refersTo(role, name));
  if (without.length > 0 || reaches)
    return without.map((role) => ({
      ...lost(input, role),
      code: reaches ? 'input_partly_mapped' : 'input_not_mapped',
    }));
  if (variable === undefined && roles.length > 0) return [lost(input, roles[0]!)];
  const found = `no role of this service reads ${name}`;
  return [{ code: 'input_not_mapped', path, found, fix: remove(name, text) }];
}

const lost = ({ name, path }: Input, role: ServiceRole): Remark => ({
  code: 'input_not_mapped',
  path: role.body[KEYS[6].contents] === undefined ? path : [...role.path, KEYS[6].contents],
  found: `no $${name} in ${KEYS[6].contents} of role ${role.name}`,
  fix: {
    do: 'write',
    line: contentsLine(name, `$${name}`, role.hasContext),
    where: `${contentsPlace(role.hasContext)} of role ${role.name}`,
  },
});

const refersTo = ({ body }: ServiceRole, name: string): boolean =>
  new RegExp(`\\$${escaped(name)}(?!\\w)`).test(String(body[KEYS[6].contents] ?? ''));

const escaped = (name: string): string => name.replaceAll(/[^\w]/g, '\\$&');

export function overlaps(service: Service): Remark[] {
  if (service.form !== 6) return [];
  return service.roles.flatMap(({ path, body, inputs, hasContext }) => {
    const contents = body[KEYS[6].contents];
    if (typeof contents !== 'string') return [];
    const known = new Set([...service.inputs, ...inputs].map(({ name }) => name));
    const order = [...contents.matchAll(/\$(\w+)/g)]
      .map(([, name]) => name!)
      .filter((name) => known.has(name));
    return order.flatMap((name, index): Remark[] => {
      const hit = order.slice(index + 1).find((later) => later !== name && later.startsWith(name));
      if (hit === undefined || order.indexOf(name) < index) return [];
      const found = `$${name} stands before $${hit}, which becomes the value of ${name} with ${hit.slice(name.length)} behind it`;
      const line = contentsLine(hit, `$${hit}`, hasContext);
      return [
        {
          code: 'input_overlaps',
          path: [...path, KEYS[6].contents],
          found,
          fix: { do: 'write', line, where: `before ${name}= in ${KEYS[6].contents}` },
        },
      ];
    });
  });
}

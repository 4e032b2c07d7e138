// OneFlow 6 only: inputs reach a VM by `$NAME` in vm_template_contents, which is replaced as text.
import type { Remark } from '../finding.ts';
import { KEYS, type Service } from '../service.ts';

export function notMapped(service: Service): Remark[] {
  if (service.form !== 6) return [];
  const contents = service.roles.map(({ body }) => String(body[KEYS[6].contents] ?? ''));
  const everywhere = contents.join('\n');
  const lost = [
    ...service.inputs.filter(({ name }) => !refersTo(everywhere, name)),
    ...service.roles.flatMap((role, index) =>
      role.inputs.filter(({ name }) => !refersTo(contents[index]!, name)),
    ),
  ];
  return lost.map(({ name, path }): Remark => {
    const line = `${name}=\\"$${name}\\",`;
    return {
      code: 'input_not_mapped',
      path,
      found: `no $${name} in ${KEYS[6].contents}`,
      fix: { do: 'write', line, where: 'behind CONTEXT=[ in vm_template_contents' },
    };
  });
}

const refersTo = (contents: string, name: string): boolean => new RegExp(`\\$${name}(?!\\w)`).test(contents);

export function overlaps(service: Service): Remark[] {
  if (service.form !== 6) return [];
  return service.roles.flatMap(({ path, body, inputs }) => {
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
      return [
        {
          code: 'input_overlaps',
          path: [...path, KEYS[6].contents],
          found,
          fix: { do: 'write', line: `${hit}=\\"$${hit}\\",`, where: `before ${name}=` },
        },
      ];
    });
  });
}

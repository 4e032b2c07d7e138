// In the format of 6 an input reaches a VM where vm_template_contents of its role has $NAME.
import { rowOf } from '../../../config/table.ts';
import { type Report, type Rule, remove, writeEntry } from '../finding.ts';
import { flowerRoles, type Input, type Service, type ServiceRole } from '../service.ts';

export const notMapped: Rule = (service, report) => {
  if (service.format === 7) return;
  for (const input of service.inputs) serviceInput(service, input, report);
  for (const role of service.roles)
    for (const input of role.inputs)
      if (!refersTo(role, input.name)) reportLost('input_not_mapped', service, input, role, report);
};

/** A variable has to reach the roles that read it; any other input some role. */
function serviceInput(service: Service, input: Input, report: Report): void {
  const { name, variable, text, path } = input;
  const { roles } = service;
  const readers = flowerRoles(service).filter(
    ({ kind }) => variable !== undefined && rowOf(variable).roles.includes(kind),
  );
  const unreached = readers.filter((role) => !refersTo(role, name));
  const reachesOne = roles.some((role) => refersTo(role, name));
  const code = reachesOne ? 'input_partly_mapped' : 'input_not_mapped';
  for (const role of unreached) reportLost(code, service, input, role, report);
  if (unreached.length > 0 || reachesOne) return;
  if (variable === undefined && roles.length > 0) reportLost(code, service, input, roles[0]!, report);
  else report(code, path, `no role of this service reads ${name}`, remove(name, text));
}

function reportLost(
  code: 'input_not_mapped' | 'input_partly_mapped',
  service: Service,
  { name, path }: Input,
  role: ServiceRole,
  report: Report,
): void {
  const { contentsPath, hasContext, body } = role;
  const found = `vm_template_contents of role ${role.name} has no $${name}`;
  const fix = writeEntry(service, { name, value: `$${name}`, inContext: hasContext });
  report(code, body['vm_template_contents'] === undefined ? path : contentsPath, found, {
    ...fix,
    where: `${fix.where} of role ${role.name}`,
  });
}

const refersTo = ({ body }: ServiceRole, name: string): boolean =>
  new RegExp(`\\$${name.replaceAll(/[^\w]/g, '\\$&')}(?!\\w)`).test(
    String(body['vm_template_contents'] ?? ''),
  );

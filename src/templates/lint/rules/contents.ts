// What a role writes into its VMs: whether oned can read it, and whether OneFlow delivers it unchanged.
import { Buffer } from 'node:buffer';
import { rowOf } from '../../../config/table.ts';
import { closestMatch } from '../../../core/closest-match.ts';
import { type Rule, removeEntry, write, writeEntry } from '../finding.ts';
import { referenceIn } from '../presets.ts';
import { type Entry, flowerRoles, inputsOf, isObject, type Service, type ServiceRole } from '../service.ts';

/** Names that only this appliance uses. */
export const FLOWER_NAME = /^(ONEAPP_)?(FL|FLOWER|ML)_/i;

export const contentsSyntax: Rule = ({ roles }, report) => {
  for (const { name, contentsPath, fault } of roles)
    if (fault !== undefined) report('contents_syntax', contentsPath, `role ${name}: ${fault}`);
};

/** OneFlow 7 assigns `CONTEXT["FL_X"]` for each input, and iterates over the list of NICs. */
export const contentsShape: Rule = (service, report) => {
  for (const { body, contentsPath, lines } of service.roles) {
    const text = lines.find(({ name }) => name === 'CONTEXT');
    if (service.format === 6 && text !== undefined)
      report('context_shape', contentsPath, 'CONTEXT is a text', removeEntry(service, text));
    const contents = body['template_contents'];
    if (service.format === 6 || !isObject(contents)) continue;
    const { CONTEXT: context, NIC: nic } = contents;
    if (context !== undefined && !isObject(context)) {
      const blocks = Array.isArray(context) ? context.filter(isObject) : [];
      const found = `CONTEXT is ${Array.isArray(context) ? 'a list' : 'not an object'}`;
      const merged = write('CONTEXT', Object.assign({}, ...blocks.toReversed()));
      report('context_shape', [...contentsPath, 'CONTEXT'], found, merged);
    }
    if (nic !== undefined && nic !== null && nic !== '' && !Array.isArray(nic)) {
      const found = `NIC is ${isObject(nic) ? 'an object' : 'not a list'}`;
      report('nic_shape', [...contentsPath, 'NIC'], found, write('NIC', isObject(nic) ? [nic] : []));
    }
  }
};

export const contextBlock: Rule = (service, report) => {
  if (service.format === 7) return;
  for (const role of service.roles) {
    if (!role.hasContext) continue;
    const inputs = inputsOf(service, role).size;
    const found = [
      `role ${role.name} has a CONTEXT of its own`,
      ...(inputs > 0 ? [`and ${inputs} ${inputs === 1 ? 'input' : 'inputs'}`] : []),
      ...(appendsContext(role) ? [] : ['without APPEND="CONTEXT"']),
    ].join(' ');
    report('context_block', role.contentsPath, found);
  }
};

/** Whether OneFlow 6 adds the CONTEXT of the role to that of the VM template, instead of replacing it. */
export const appendsContext = ({ lines }: ServiceRole): boolean =>
  lines.some(({ name, value }) => name === 'APPEND' && value.split(',').includes('CONTEXT'));

export const changedValues: Rule = (service, report) => {
  for (const role of flowerRoles(service))
    for (const entry of [...role.context, ...role.lines]) {
      const how = changeOf(service, role, entry);
      if (how !== undefined)
        report('value_changed', entry.path, `${entry.name}: ${how}`, encoded(service, entry));
    }
};

function changeOf({ format }: Service, role: ServiceRole, { value, inContext }: Entry): string | undefined {
  const unknown = [...value.matchAll(/\$\{(.*?)\}/g)].find(
    ([, reference]) => !role.parents.includes(reference!.split('.')[0]),
  );
  if (unknown !== undefined)
    return `OneFlow removes ${unknown[0].slice(0, 60)}, because no parent role has that name`;
  if (format === 6 && value.includes('"')) return 'OpenNebula 7 turns each quote into a backslash';
  if (!value.includes('\n')) return undefined;
  if (format === 6) return 'OpenNebula 7 cuts the value after its first line';
  return inContext ? 'OneFlow adds a comma to each of its lines' : undefined;
}

/** Scripts and certificates can be written in base64; other values have no form that arrives unchanged. */
function encoded(service: Service, entry: Entry): ReturnType<typeof writeEntry> {
  const { name, variable, value } = entry;
  const isScript = name === 'START_SCRIPT';
  if (!isScript && (variable === undefined || rowOf(variable).input !== 'text64'))
    return removeEntry(service, entry);
  const base64 = Buffer.from(value).toString('base64');
  const encodedName = isScript ? 'START_SCRIPT_BASE64' : name;
  return writeEntry(service, { ...entry, name: encodedName, value: base64 }, name);
}

/** OneFlow 7 writes each input into the CONTEXT. Infrastructure variables that are inputs have a rule of their own. */
export const unusedContext: Rule = (service, report) => {
  if (service.format === 6) return;
  for (const role of service.roles)
    for (const entry of role.context) {
      const { name, variable, value, path } = entry;
      const isPlatform = variable !== undefined && rowOf(variable).level === 'infrastructure';
      if (!inputsOf(service, role).has(name) || referenceIn(value) === name || isPlatform) continue;
      const found = `${name} has a value, and an input has the same name`;
      report('context_unused', path, found, removeEntry(service, entry));
    }
};

export const undefinedReferences: Rule = (service, report) => {
  for (const role of flowerRoles(service)) {
    const inputs = inputsOf(service, role);
    const defined = new Set([...inputs.keys(), ...role.lines.map(({ name }) => name)]);
    for (const entry of [...role.context, ...role.lines]) {
      const { name, value, path, inContext } = entry;
      const reference = referenceIn(value);
      if (reference === undefined || !FLOWER_NAME.test(reference)) continue;
      if (inContext ? defined.has(reference) : inputs.has(reference)) continue;
      const meant = inputs.has(name) ? name : closestMatch(reference, [...inputs.keys()]);
      const fix =
        meant === undefined
          ? removeEntry(service, entry)
          : writeEntry(service, { ...entry, value: `$${meant}` }, name);
      report('reference_undefined', path, `${name} is $${reference}, which is not defined`, fix);
    }
  }
};

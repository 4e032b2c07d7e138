// Rules that compare the roles of a service, or a service with the other zone.
import { robustClients } from '../../../config/table/run.ts';
import type { VariableName } from '../../../config/table.ts';
import { formatInput, inputOf } from '../../user-input.ts';
import { type Rule, remove, removeEntry, write } from '../finding.ts';
import { fromInput, numberOf, presetOf, textOf, withValue } from '../presets.ts';
import { flowerRoles, INPUTS, rolesOf, type ServiceRole } from '../service.ts';

const isNo = (text: string): boolean => text.trim().toUpperCase() === 'NO';

export const superlinkAddress: Rule = (service, report) => {
  if (rolesOf(service, 'superlink').length === 0) return;
  for (const role of rolesOf(service, 'supernode')) {
    const address = presetOf(service, role, 'FL_SUPERLINK_ADDRESS');
    const value = address?.value.trim() ?? '';
    if (address === undefined || (value === '' && !address.mandatory)) continue;
    const { path, input } = address;
    const found = value === '' ? 'the form requires an address' : `it is ${JSON.stringify(address.value)}`;
    const fix = input === undefined ? removeEntry(service, address) : remove(input.name, input.text);
    report('superlink_address_set', path, found, fix);
  }
};

const REQUIRED = [
  ['FL_SUPERLINK_ADDRESS', 'superlink_address_optional'],
  ['FL_SSL_CA_CERTFILE', 'ca_optional'],
] as const;

/** SuperNodes alone in their service: the form has to require what they cannot discover. */
export const trainingSite: Rule = (service, report) => {
  if (rolesOf(service, 'superlink').length > 0) return;
  const member = INPUTS[service.format];
  for (const role of rolesOf(service, 'supernode'))
    for (const [name, code] of REQUIRED) {
      if (name === 'FL_SSL_CA_CERTFILE' && isNo(textOf(service, role, 'FL_TLS_ENABLED'))) continue;
      // An input that does not reach the VM counts here: notMapped reports it.
      const unmapped = [...role.inputs, ...service.inputs].find(({ variable }) => variable === name);
      const preset = presetOf(service, role, name) ?? (unmapped && fromInput(unmapped));
      if (preset !== undefined && (preset.mandatory || preset.value.trim() !== '')) continue;
      const found =
        preset === undefined
          ? `role ${role.name} has no input ${name}`
          : `an empty ${preset.name} is accepted`;
      const input = preset?.input;
      const right = formatInput({ ...(input ?? inputOf(name)), mandatory: true });
      const where = input === undefined ? `in ${member} of the service` : undefined;
      const path = input?.path ?? [...service.path, member];
      report(code, path, found, write(input?.name ?? name, right, where));
    }
};

export const tlsAcrossZones: Rule = (service, report) => {
  if (service.topology === 'single-site') return;
  for (const role of flowerRoles(service)) {
    const tls = presetOf(service, role, 'FL_TLS_ENABLED');
    if (tls === undefined || !isNo(tls.value)) continue;
    const found = `${tls.name} is NO in a ${service.topology}`;
    report('tls_off_across_zones', tls.path, found, withValue(service, tls, 'YES'));
  }
};

export const supernodeInCoordinator: Rule = (service, report) => {
  if (service.topology !== 'coordinator') return;
  for (const { path, name } of rolesOf(service, 'supernode'))
    report('supernode_in_coordinator', [...path, 'name'], `role ${name} has SuperNodes`);
};

export const enoughSupernodes: Rule = (service, report) => {
  const [superlink] = rolesOf(service, 'superlink');
  const nodes = rolesOf(service, 'supernode');
  const [first] = nodes;
  if (superlink === undefined || first === undefined) return;
  const least = sum(nodes.map(({ min, cardinality }) => min ?? cardinality));
  const most = sum(nodes.map(({ max, cardinality }) => max ?? cardinality));
  const need = (
    code: 'too_few_supernodes' | 'robust_clients',
    bound: 'min' | 'max',
    count: number,
    needed: number,
    reason: string,
  ): void => {
    const member = first[bound] === undefined ? 'cardinality' : `${bound}_vms`;
    const severity = code === 'too_few_supernodes' && mayGrow(nodes, needed) ? 'warning' : 'error';
    const found = `${member} is ${count}, ${reason} ${needed}`;
    report(code, [...first.path, member], found, write(member, needed), severity);
  };
  for (const name of ['FL_MIN_AVAILABLE_CLIENTS', 'FL_MIN_FIT_CLIENTS'] as const) {
    const needed = numberOf(service, superlink, name);
    if (needed !== undefined && least < needed)
      need('too_few_supernodes', 'min', least, needed, `${name} is`);
  }
  const strategy = textOf(service, superlink, 'FL_STRATEGY');
  const malicious = numberOf(service, superlink, 'FL_NUM_MALICIOUS') ?? 0;
  const needed = robustClients(strategy, malicious)?.needed;
  if (needed !== undefined && most < needed)
    need('robust_clients', 'max', most, needed, `${strategy} with FL_NUM_MALICIOUS=${malicious} needs`);
};

/** Whether the roles can be scaled to so many VMs. */
const mayGrow = (nodes: readonly ServiceRole[], needed: number): boolean =>
  sum(nodes.map(({ max }) => max)) >= needed;

/** NaN when a role has no number: no comparison with it is true. A rule of its own requires the cardinality. */
const sum = (counts: readonly (number | undefined)[]): number =>
  counts.reduce<number>((total, one = Number.NaN) => total + one, 0);

const KEEPALIVE: VariableName = 'FL_GRPC_KEEPALIVE_TIME';

export const keepalive: Rule = (service, report) => {
  const [superlink] = rolesOf(service, 'superlink');
  const server = superlink && numberOf(service, superlink, KEEPALIVE);
  if (superlink === undefined || server === undefined) return;
  for (const role of rolesOf(service, 'supernode')) {
    const client = numberOf(service, role, KEEPALIVE);
    if (client === undefined || client >= server / 2) continue;
    const preset = presetOf(service, role, KEEPALIVE) ?? presetOf(service, superlink, KEEPALIVE);
    report(
      'keepalive_too_fast',
      preset?.path ?? role.path,
      `role ${role.name} pings every ${client} s, the SuperLink accepts one ping every ${server / 2} s`,
      preset === undefined
        ? write(KEEPALIVE, formatInput(inputOf(KEEPALIVE)))
        : withValue(service, preset, String(server)),
    );
  }
};

// What only shows when the roles, or the zones, are looked at together.

import { robustClients } from '../../../config/table/run.ts';
import type { VariableName } from '../../../config/table.ts';
import { formatInput, formDefault, inputOf } from '../../user-input.ts';
import { contentsLine, type Fix, type Remark, remove, write } from '../finding.ts';
import type { Service, ServiceRole } from '../model.ts';
import { KEYS, type Preset, presetOf, rolesOf } from '../service.ts';
import { setting } from './inputs.ts';

/** The value a variable has when the form is accepted as it is; the table's default when nobody says. */
function settingOf(service: Service, role: ServiceRole, name: VariableName): string {
  const given = presetOf(service, role, name)?.value.trim();
  return given === undefined || given === '' ? formDefault(name) : given;
}

function numberOf(service: Service, role: ServiceRole, name: VariableName): number | undefined {
  const text = settingOf(service, role, name);
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

const isNo = (text: string): boolean => text.trim().toUpperCase() === 'NO';

export function superlinkInService(service: Service): Remark[] {
  if (rolesOf(service, 'superlink').length === 0) return [];
  return rolesOf(service, 'supernode').flatMap((role): Remark[] => {
    const address = presetOf(service, role, 'FL_SUPERLINK_ADDRESS');
    if (address === undefined || (address.value.trim() === '' && !address.mandatory)) return [];
    const found =
      address.value.trim() === ''
        ? 'the form insists on an address'
        : `it is ${JSON.stringify(address.value)}`;
    return [{ code: 'superlink_address_set', path: address.path, found, fix: removal(service, address) }];
  });
}

function removal({ form }: Service, { name, value, input, inContext }: Preset): Fix {
  if (input !== undefined) return remove(input.name, input.text);
  return form === 7 ? remove(name, value) : { do: 'remove', line: contentsLine(name, value, inContext) };
}

/** SuperNodes alone in their service: what they cannot discover has to be given. */
export function trainingSite(service: Service): Remark[] {
  if (rolesOf(service, 'superlink').length > 0) return [];
  return rolesOf(service, 'supernode').flatMap((role) => {
    const remarks: Remark[] = [];
    const demand = (code: 'superlink_address_optional' | 'ca_optional', name: VariableName): void => {
      const preset = presetOf(service, role, name) ?? askedFor(service, role, name);
      if (preset !== undefined && (preset.mandatory || preset.value.trim() !== '')) return;
      remarks.push({
        code,
        path: preset?.input === undefined ? [KEYS[service.form].inputs] : preset.path,
        found:
          preset === undefined
            ? `role ${role.name} is not asked for ${name}`
            : `${preset.name} may be left empty`,
        fix: write(
          preset?.input?.name ?? name,
          formatInput(
            preset?.input === undefined
              ? inputOf(name, { mandatory: true })
              : { ...preset.input, mandatory: true },
          ),
          ...(preset?.input === undefined ? [`in ${KEYS[service.form].inputs} of the service`] : []),
        ),
      });
    };
    demand('superlink_address_optional', 'FL_SUPERLINK_ADDRESS');
    if (!isNo(settingOf(service, role, 'FL_TLS_ENABLED'))) demand('ca_optional', 'FL_SSL_CA_CERTFILE');
    return remarks;
  });
}

/** In the form of 6 an input may be there without reaching the VM: that is told by input_not_mapped. */
function askedFor({ inputs }: Service, role: ServiceRole, name: VariableName): Preset | undefined {
  const input = [...role.inputs, ...inputs].find(({ variable }) => variable === name);
  return input === undefined
    ? undefined
    : {
        name: input.name,
        value: input.preset,
        open: false,
        mandatory: input.mandatory,
        path: input.path,
        input,
        inContext: false,
      };
}

export function tlsAcrossZones(service: Service): Remark[] {
  if (service.site === 'single-site') return [];
  const seen = new Set<string>();
  return service.roles.flatMap((role): Remark[] => {
    if (role.kind === undefined) return [];
    const tls = presetOf(service, role, 'FL_TLS_ENABLED');
    if (tls === undefined || !isNo(tls.value) || seen.has(JSON.stringify(tls.path))) return [];
    seen.add(JSON.stringify(tls.path));
    const fix = setting(service, tls, 'YES');
    return [
      { code: 'tls_off_across_zones', path: tls.path, found: `${tls.name} is NO in a ${service.site}`, fix },
    ];
  });
}

export const supernodeInCoordinator = (service: Service): Remark[] =>
  service.site !== 'coordinator'
    ? []
    : rolesOf(service, 'supernode').map(({ path, name }): Remark => {
        const found = `role ${name} has SuperNodes`;
        return {
          code: 'supernode_in_coordinator',
          path: [...path, 'name'],
          found,
          fix: remove('name', name),
        };
      });

const WAITED_FOR = ['FL_MIN_AVAILABLE_CLIENTS', 'FL_MIN_FIT_CLIENTS'] as const;

export function enoughSupernodes(service: Service): Remark[] {
  const [superlink] = rolesOf(service, 'superlink');
  const nodes = rolesOf(service, 'supernode');
  if (superlink === undefined || nodes.length === 0) return [];
  const least = sum(nodes.map(({ min, cardinality }) => min ?? cardinality));
  const most = sum(nodes.map(({ max, cardinality }) => max ?? cardinality));
  const remarks: Remark[] = [];
  const [first] = nodes;
  for (const name of WAITED_FOR) {
    const wanted = numberOf(service, superlink, name);
    if (wanted === undefined || least === undefined || least >= wanted) continue;
    const member = first!.min === undefined ? 'cardinality' : 'min_vms';
    const found = `${member} is ${least}, ${name} is ${wanted}`;
    remarks.push({
      code: 'too_few_supernodes',
      path: [...first!.path, member],
      found,
      fix: write(member, wanted),
      ...(mayGrow(nodes, wanted) ? { severity: 'warning' as const } : {}),
    });
  }
  const robust = neededForRobust(service, superlink);
  if (robust !== undefined && most !== undefined && most < robust.needed) {
    const member = first!.max === undefined ? 'cardinality' : 'max_vms';
    const found = `${member} is ${most}, but ${robust.why} needs ${robust.needed}`;
    remarks.push({
      code: 'robust_clients',
      path: [...first!.path, member],
      found,
      fix: write(member, robust.needed),
    });
  }
  return remarks;
}

/** Whether the roles may be scaled to so many VMs. */
const mayGrow = (nodes: readonly ServiceRole[], wanted: number): boolean =>
  nodes.every(({ max }) => max !== undefined) && sum(nodes.map(({ max }) => max))! >= wanted;

/** Undefined when one of the roles does not say: cardinality_missing tells that. */
const sum = (counts: readonly (number | undefined)[]): number | undefined =>
  counts.includes(undefined) ? undefined : counts.reduce<number>((total, one) => total + one!, 0);

function neededForRobust(service: Service, role: ServiceRole): { needed: number; why: string } | undefined {
  const strategy = settingOf(service, role, 'FL_STRATEGY');
  const malicious = numberOf(service, role, 'FL_NUM_MALICIOUS') ?? 0;
  const robust = robustClients(strategy, malicious);
  return robust === undefined
    ? undefined
    : { needed: robust.needed, why: `${strategy} with FL_NUM_MALICIOUS=${malicious}` };
}

export function keepalive(service: Service): Remark[] {
  const [superlink] = rolesOf(service, 'superlink');
  if (superlink === undefined) return [];
  const server = numberOf(service, superlink, 'FL_GRPC_KEEPALIVE_TIME');
  return rolesOf(service, 'supernode').flatMap((role): Remark[] => {
    const client = numberOf(service, role, 'FL_GRPC_KEEPALIVE_TIME');
    if (server === undefined || client === undefined || client >= server / 2) return [];
    const preset =
      presetOf(service, role, 'FL_GRPC_KEEPALIVE_TIME') ??
      presetOf(service, superlink, 'FL_GRPC_KEEPALIVE_TIME');
    return [
      {
        code: 'keepalive_too_fast',
        path: preset?.path ?? role.path,
        found: `role ${role.name} probes every ${client} s, the SuperLink accepts one every ${server / 2} s`,
        fix:
          preset === undefined
            ? write('FL_GRPC_KEEPALIVE_TIME', formatInput(inputOf('FL_GRPC_KEEPALIVE_TIME')))
            : setting(service, preset, String(server)),
      },
    ];
  });
}

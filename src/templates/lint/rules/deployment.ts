// In which order the roles start, how many VMs they have, and what scales them.
import { type Rule, write } from '../finding.ts';
import { isObject, type Members, rolesOf, type ServiceRole, wholeNumber } from '../service.ts';

/** A SuperLink gives up a silent node after 60 s. In the minute after that a new node boots and takes its partition. */
const SETTLED_S = 120;

const POLICIES = ['elasticity_policies', 'scheduled_policies'] as const;

export const gate: Rule = ({ path, body }, report) => {
  const value = body['ready_status_gate'];
  const found =
    value === undefined ? 'it is missing, and the default is false' : `it is ${JSON.stringify(value)}`;
  if (value !== true)
    report('gate_off', [...path, 'ready_status_gate'], found, write('ready_status_gate', true));
};

/** With one kind of role no role has to wait for another. */
export const straight: Rule = (service, report) => {
  const { path, body } = service;
  const value = body['deployment'];
  const needed = rolesOf(service, 'superlink').length > 0 && rolesOf(service, 'supernode').length > 0;
  if (value === 'straight' || !needed) return;
  const found =
    value === undefined ? 'it is missing, and the default is none' : `it is ${JSON.stringify(value)}`;
  report('deployment_not_straight', [...path, 'deployment'], found, write('deployment', 'straight'));
};

export const parents: Rule = (service, report) => {
  const [superlink] = rolesOf(service, 'superlink');
  if (superlink === undefined) return;
  for (const role of rolesOf(service, 'supernode'))
    if (!role.parents.includes(superlink.name))
      report(
        'supernode_without_parent',
        [...role.path, 'parents'],
        `role ${role.name} has no parent ${superlink.name}`,
        write('parents', [...role.parents, superlink.name]),
      );
};

/** Starts roles as straight deployment does: each when all its parents run. */
export const neverDeployed: Rule = ({ body, roles }, report) => {
  if (body['deployment'] !== 'straight') return;
  const running = new Set<unknown>();
  const canStart = (role: ServiceRole): boolean =>
    !running.has(role.name) && role.parents.every((parent) => running.has(parent));
  for (let next = roles.find(canStart); next !== undefined; next = roles.find(canStart))
    running.add(next.name);
  const waiting = roles.filter(({ name }) => !running.has(name));
  // The SuperLink needs no parent; of other roles any one can be changed.
  const first = waiting.find(({ kind }) => kind === 'superlink') ?? waiting[0];
  if (first === undefined) return;
  const missing = first.parents.filter((parent) => !running.has(parent));
  report(
    'cyclic_parents',
    [...first.path, 'parents'],
    `role ${first.name} waits for ${missing.join(' and ')}, which OneFlow never deploys before it`,
    write(
      'parents',
      first.parents.filter((parent) => running.has(parent)),
    ),
  );
};

export const superlinkCount: Rule = (service, report) => {
  const [first, ...others] = rolesOf(service, 'superlink');
  for (const { path, name } of others)
    report('superlink_count', [...path, 'name'], `${name} is another SuperLink role beside ${first!.name}`);
  for (const { path, body } of rolesOf(service, 'superlink'))
    for (const member of ['cardinality', 'min_vms', 'max_vms'])
      if (body[member] !== undefined && wholeNumber(body[member]) !== 1)
        report(
          'superlink_count',
          [...path, member],
          `${member} is ${JSON.stringify(body[member])}`,
          write(member, 1),
        );
};

export const superlinkPolicies: Rule = (service, report) => {
  for (const { path, body } of rolesOf(service, 'superlink'))
    for (const member of POLICIES) {
      const { length } = policiesOf(body, member);
      if (length > 0)
        report('superlink_policies', [...path, member], `${length} in ${member}`, write(member, []));
    }
};

export const cardinality: Rule = ({ roles }, report) => {
  for (const { path, name, kind, body, min } of roles)
    if (body['cardinality'] === undefined)
      report(
        'cardinality_missing',
        [...path, 'cardinality'],
        `role ${name} has no cardinality`,
        write('cardinality', kind === 'supernode' ? Math.max(2, min ?? 2) : Math.max(1, min ?? 1)),
      );
};

export const cooldown: Rule = ({ roles }, report) => {
  for (const { path, kind, body } of roles) {
    if (kind === undefined) continue;
    const owners = [
      { at: path, members: body },
      ...policiesOf(body, 'elasticity_policies').map((members, index) => ({
        at: [...path, 'elasticity_policies', index],
        members,
      })),
    ];
    for (const { at, members } of owners) {
      const seconds = wholeNumber(members['cooldown']) ?? SETTLED_S;
      const found = `${seconds} s, less than ${SETTLED_S}`;
      if (seconds < SETTLED_S) report('cooldown_short', [...at, 'cooldown'], found, write('cooldown', 300));
    }
  }
};

/** Names of VM attributes whose value is a text, and words that are no attribute. */
const TEXTS =
  /^(READY|YES|NO|TRUE|FALSE|FL_(READY|NODE_READY|ROLE|VERSION|ERROR|ENDPOINT|TLS|CA_CERT|NODE_ID|USE_CASE|GPU_AVAILABLE))$/;

export const expressions: Rule = ({ roles }, report) => {
  for (const { path, kind, body } of roles) {
    if (kind === undefined) continue;
    for (const [index, { expression }] of policiesOf(body, 'elasticity_policies').entries()) {
      const words = typeof expression === 'string' ? expression.toUpperCase().match(/[A-Z]\w*/g) : null;
      const text = words?.find((word) => TEXTS.test(word));
      const at = [...path, 'elasticity_policies', index, 'expression'];
      if (text !== undefined)
        report('expression_never', at, `${JSON.stringify(expression)}: ${text} is a text`);
    }
  }
};

function policiesOf(body: Members, member: (typeof POLICIES)[number]): readonly Members[] {
  const policies = body[member];
  return Array.isArray(policies) ? policies.map((policy) => (isObject(policy) ? policy : {})) : [];
}

// In which order the roles start, how many VMs they have, and what scales them.
import { type Rule, write } from '../finding.ts';
import { flowerRoles, isObject, rolesOf, type ServiceRole, wholeNumber } from '../service.ts';

/** A SuperLink gives up a silent node after 60 s. In the minute after that a new node boots and takes its partition. */
const SETTLED_S = 120;

const POLICIES = ['elasticity_policies', 'scheduled_policies'] as const;

const valueOr = (standard: string, value: unknown): string =>
  value === undefined ? `it is missing, and the default is ${standard}` : `it is ${JSON.stringify(value)}`;

export const gate: Rule = ({ path, body }, report) => {
  const member = 'ready_status_gate';
  if (body[member] !== true)
    report('gate_off', [...path, member], valueOr('false', body[member]), write(member, true));
};

/** With one kind of role no role has to wait for another. */
export const straight: Rule = (service, report) => {
  const { path, body } = service;
  const value = body['deployment'];
  const needed = rolesOf(service, 'superlink').length > 0 && rolesOf(service, 'supernode').length > 0;
  if (value === 'straight' || !needed) return;
  const right = write('deployment', 'straight');
  report('deployment_not_straight', [...path, 'deployment'], valueOr('none', value), right);
};

export const parents: Rule = (service, report) => {
  const [superlink] = rolesOf(service, 'superlink');
  if (superlink === undefined) return;
  for (const role of rolesOf(service, 'supernode'))
    if (!role.parents.includes(superlink.name)) {
      const found = `role ${role.name} has no parent ${superlink.name}`;
      const right = write('parents', [...role.parents, superlink.name]);
      report('supernode_without_parent', [...role.path, 'parents'], found, right);
    }
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
  const missing = first.parents.filter((parent) => !running.has(parent)).join(' and ');
  const found = `role ${first.name} waits for ${missing}, which OneFlow never deploys before it`;
  const right = first.parents.filter((parent) => running.has(parent));
  report('cyclic_parents', [...first.path, 'parents'], found, write('parents', right));
};

export const superlinkCount: Rule = (service, report) => {
  const [first, ...others] = rolesOf(service, 'superlink');
  for (const { path, name } of others)
    report('superlink_count', [...path, 'name'], `${name} is another SuperLink role beside ${first!.name}`);
  for (const { path, body } of rolesOf(service, 'superlink'))
    for (const member of ['cardinality', 'min_vms', 'max_vms']) {
      const found = `${member} is ${JSON.stringify(body[member])}`;
      if (body[member] !== undefined && wholeNumber(body[member]) !== 1)
        report('superlink_count', [...path, member], found, write(member, 1));
    }
};

export const superlinkPolicies: Rule = (service, report) => {
  for (const role of rolesOf(service, 'superlink'))
    for (const member of POLICIES) {
      const { length } = policiesOf(role, member);
      if (length > 0)
        report('superlink_policies', [...role.path, member], `${length} in ${member}`, write(member, []));
    }
};

export const cardinality: Rule = ({ roles }, report) => {
  for (const { path, name, kind, body, min = 0 } of roles) {
    if (body['cardinality'] !== undefined) continue;
    const right = write('cardinality', Math.max(kind === 'supernode' ? 2 : 1, min));
    report('cardinality_missing', [...path, 'cardinality'], `role ${name} has no cardinality`, right);
  }
};

export const cooldown: Rule = (service, report) => {
  for (const role of flowerRoles(service))
    for (const { path, body } of [role, ...policiesOf(role, 'elasticity_policies')]) {
      const seconds = wholeNumber(body['cooldown']) ?? SETTLED_S;
      const found = `${seconds} s, less than ${SETTLED_S}`;
      if (seconds < SETTLED_S) report('cooldown_short', [...path, 'cooldown'], found, write('cooldown', 300));
    }
};

/** Names of VM attributes whose value is a text, and words that are no attribute. */
const TEXTS =
  /^(READY|YES|NO|TRUE|FALSE|FL_(READY|NODE_READY|ROLE|VERSION|ERROR|ENDPOINT|TLS|CA_CERT|NODE_ID|USE_CASE|GPU_AVAILABLE))$/;

export const expressions: Rule = (service, report) => {
  for (const role of flowerRoles(service))
    for (const { path, body } of policiesOf(role, 'elasticity_policies')) {
      const { expression } = body;
      const words = typeof expression === 'string' ? expression.toUpperCase().match(/[A-Z]\w*/g) : null;
      const text = words?.find((word) => TEXTS.test(word));
      const found = `${JSON.stringify(expression)}: ${text} is a text`;
      if (text !== undefined) report('expression_never', [...path, 'expression'], found);
    }
};

function policiesOf(
  { path, body }: ServiceRole,
  member: (typeof POLICIES)[number],
): Pick<ServiceRole, 'path' | 'body'>[] {
  const policies = body[member];
  return (Array.isArray(policies) ? policies : []).map((policy: unknown, index) => ({
    path: [...path, member, index],
    body: isObject(policy) ? policy : {},
  }));
}

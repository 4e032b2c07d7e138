// Which role of a service is the SuperLink, which are SuperNodes. By name, as the agent's discovery does; else by what
// only one of the two is asked for.
import { rowOf } from '../../config/table.ts';
import type { Role } from '../../core/role.ts';
import type { ServiceRole } from './model.ts';

type Draft = Omit<ServiceRole, 'kind'>;

export function nearestRole(role: Draft, all: readonly Draft[]): Role | undefined {
  const own = byName(role) ?? byVariables(role);
  if (own !== undefined || all.length !== 2) return own;
  // Of two roles the one beside the SuperLink is the SuperNodes' (the agent takes it so as well).
  const other = all.find((one) => one !== role)!;
  return (byName(other) ?? byVariables(other)) === 'superlink' && looksFlower(role) ? 'supernode' : undefined;
}

function byName({ name }: Draft): Role | undefined {
  if (/super[-_]?link/i.test(name)) return 'superlink';
  return /super[-_]?node/i.test(name) ? 'supernode' : undefined;
}

function byVariables({ inputs, context, lines }: Draft): Role | undefined {
  const only = new Set<Role>();
  for (const { variable } of [...inputs, ...context, ...lines]) {
    const roles = variable === undefined ? [] : rowOf(variable).roles;
    if (roles.length === 1) only.add(roles[0]!);
  }
  return only.size === 1 ? [...only][0] : undefined;
}

const looksFlower = ({ inputs, context, lines }: Draft): boolean =>
  [...inputs, ...context, ...lines].some(
    ({ variable }) => variable !== undefined && rowOf(variable).level !== 'infrastructure',
  );

// Names that look like ours but are not this role's: typing errors, other roles' variables.

import { closestMatch } from '../core/closest-match.ts';
import { ROLE_TITLE, type Role } from '../core/role.ts';
import { quoteName } from '../core/text.ts';
import type { Finding } from './finding.ts';
import { ALL_NAMES, hasAlias, isVariableName, namesOf, plainName, rowOf } from './table.ts';

const OURS = /^(FL|FLOWER|ML)_/i;

/**
 * Warnings, sorted by name. A variable of the other role is nothing to warn of: OneFlow 7 gives the inputs of a service
 * to the VMs of all its roles. Only a secret should not be where nobody reads it.
 */
export function unknownVariables(raw: Readonly<Record<string, string>>, role: Role): Finding[] {
  const findings: Finding[] = [];
  for (const given of Object.keys(raw).sort()) {
    const name = plainName(given);
    if (isVariableName(name) && hasAlias(name)) {
      const { roles, secret } = rowOf(name);
      const astray = secret === true && !roles.includes(role) && raw[given]!.trim() !== '';
      if (astray) findings.push(secretOfOtherRole(given, role));
    } else if (OURS.test(name)) findings.push(unknown(given, name, role));
  }
  return findings;
}

function secretOfOtherRole(given: string, role: Role): Finding {
  const other = role === 'superlink' ? 'supernode' : 'superlink';
  return {
    variable: given,
    severity: 'warning',
    found: `it is a secret of the ${ROLE_TITLE[other]}, and this is a ${ROLE_TITLE[role]}, which has no use for it`,
    expected: `to be in the VM template of the ${ROLE_TITLE[other]} only: every VM of a service can read what its form asks for`,
  };
}

function unknown(given: string, name: string, role: Role): Finding {
  const meant =
    closestMatch(name, namesOf(role).filter(hasAlias)) ?? closestMatch(name, ALL_NAMES.filter(hasAlias));
  return {
    variable: quoteName(given),
    severity: 'warning',
    found: `there is no variable of this name${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    expected: meant ?? 'a name of the reference page',
  };
}

// Names with the prefix of the appliance's variables that this role does not have: typing errors, secrets of the other role.

import { closestMatch } from '../core/closest-match.ts';
import { ROLE_TITLE, type Role } from '../core/role.ts';
import { quoteName } from '../core/text.ts';
import type { Finding } from './finding.ts';
import { ALL_NAMES, hasAlias, isVariableName, namesOf, plainName, rowOf } from './table.ts';

const PREFIX = /^(FL|FLOWER|ML)_/i;

/**
 * Warnings, sorted by name. A variable of the other role is no reason for a warning, because OneFlow 7 gives the inputs of
 * a service to the VMs of all roles. A secret of the other role is one.
 */
export function unknownVariables(raw: Readonly<Record<string, string>>, role: Role): Finding[] {
  const findings: Finding[] = [];
  for (const given of Object.keys(raw).sort()) {
    const name = plainName(given);
    if (isVariableName(name) && hasAlias(name)) {
      const { roles, secret } = rowOf(name);
      const astray = secret === true && !roles.includes(role) && raw[given]!.trim() !== '';
      if (astray) findings.push(secretOfOtherRole(given, role));
    } else if (PREFIX.test(name)) findings.push(unknown(given, name, role));
  }
  return findings;
}

function secretOfOtherRole(given: string, role: Role): Finding {
  const other = role === 'superlink' ? 'supernode' : 'superlink';
  return {
    variable: given,
    severity: 'warning',
    found: `a secret of the ${ROLE_TITLE[other]}, which this ${ROLE_TITLE[role]} does not use`,
    expected: `only in the VM template of the ${ROLE_TITLE[other]}: every VM of a service can read the inputs of its form`,
  };
}

function unknown(given: string, name: string, role: Role): Finding {
  const meant =
    closestMatch(name, namesOf(role).filter(hasAlias)) ?? closestMatch(name, ALL_NAMES.filter(hasAlias));
  return {
    variable: quoteName(given),
    severity: 'warning',
    found: `unknown variable${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    expected: meant ?? 'a name of the reference page',
  };
}

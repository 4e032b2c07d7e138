// Names with the prefix of the appliance's variables that this role does not have: typing errors, secrets of the other role.

import { closestMatch } from '../core/closest-match.ts';
import type { VariableFinding } from '../core/finding.ts';
import { ROLE_TITLE, type Role } from '../core/role.ts';
import { quoteName } from '../core/text.ts';
import { ALL_NAMES, hasAlias, isVariableName, namesOf, plainName, rowOf } from './table.ts';

const PREFIX = /^(FL|FLOWER|ML)_/i;

/**
 * Warnings, sorted by name. A variable of the other role is no reason for a warning, because OneFlow 7 gives the inputs of
 * a service to the VMs of all roles. A secret of the other role is one.
 */
export function unknownVariables(raw: Readonly<Record<string, string>>, role: Role): VariableFinding[] {
  const other = ROLE_TITLE[role === 'superlink' ? 'supernode' : 'superlink'];
  return Object.keys(raw)
    .sort()
    .flatMap((given): VariableFinding[] => {
      const name = plainName(given);
      if (isVariableName(name) && hasAlias(name)) {
        const { roles, secret } = rowOf(name);
        if (secret !== true || roles.includes(role) || raw[given]!.trim() === '') return [];
        const found = `a secret of the ${other}, which this ${ROLE_TITLE[role]} does not use`;
        const expected = `only in the VM template of the ${other}: every VM of a service can read the inputs of its form`;
        return [{ variable: given, severity: 'warning', found, expected }];
      }
      if (!PREFIX.test(name)) return [];
      const meant =
        closestMatch(name, namesOf(role).filter(hasAlias)) ?? closestMatch(name, ALL_NAMES.filter(hasAlias));
      const found = `unknown variable${meant === undefined ? '' : `; did you mean ${meant}?`}`;
      const expected = meant ?? 'a name of the reference page';
      return [{ variable: quoteName(given), severity: 'warning', found, expected }];
    });
}

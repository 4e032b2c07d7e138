// What somebody asks of a template, checked: all that is wrong at once, in the words of the table.
import type { Finding } from '../finding.ts';
import { showValue } from '../finding.ts';
import { nearest } from '../nearest.ts';
import { parseVariables } from '../parse.ts';
import { releaseImage } from '../release.ts';
import { ALIAS_PREFIX, ALL_NAMES, hasAlias, isVariableName, rowOf, type VariableName } from '../table.ts';
import type { Framework } from '../variable.ts';
import type { Form } from './oneflow.ts';
import { roleInputs, SITES, type Site, serviceInputs } from './site.ts';
import { formDefault } from './user-input.ts';

export type Setting = readonly [name: string, value: string];

export interface CheckedSettings {
  readonly values: ReadonlyMap<VariableName, string>;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Values for the forms of a template: their names, where they may be set, and whether the agent would take them. */
export function checkSettings(settings: readonly Setting[], site: Site, form: Form): CheckedSettings {
  const problems: Finding[] = [];
  const values = new Map<VariableName, string>();
  for (const [given, value] of settings) {
    const name = given.startsWith(ALIAS_PREFIX) ? given.slice(ALIAS_PREFIX.length) : given;
    const fault = isVariableName(name)
      ? (misplaced(name, site) ?? unwritable(name, value, form))
      : unknown(given, name);
    if (fault !== undefined) problems.push({ variable: given, severity: 'error', ...fault });
    else values.set(name as VariableName, value);
  }
  const told = SITES[site].roles.map((role) => {
    const names = [...serviceInputs(site), ...roleInputs(site, role)];
    const raw = Object.fromEntries(
      names.map((name) => [name, values.get(name) ?? SITES[site].presets[name] ?? formDefault(name)]),
    );
    const image = releaseImage(role);
    return parseVariables(raw, {
      ...image,
      framework: (raw.ML_FRAMEWORK as Framework | undefined) || image.framework,
    });
  });
  const all = [...problems, ...told.flatMap((parsed) => (parsed.ok ? [] : parsed.problems))];
  return { values, problems: distinct(all), warnings: distinct(told.flatMap(({ warnings }) => warnings)) };
}

type Fault = Omit<Finding, 'variable' | 'severity'>;

function unknown(given: string, name: string): Fault {
  const meant = nearest(name, ALL_NAMES.filter(hasAlias));
  return {
    found: `there is no variable of this name${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    expected: meant ?? 'a name of the reference page',
    ...(meant === undefined ? {} : { example: `${meant}=${rowOf(meant as VariableName).example}` }),
    ...(given === '' ? { found: 'the name is missing' } : {}),
  };
}

function misplaced(name: VariableName, site: Site): Fault | undefined {
  const row = rowOf(name);
  const { without, roles } = SITES[site];
  const why = without[name];
  if (why !== undefined) return { found: `it has no place in a ${site} template`, expected: why };
  if (row.level === 'infrastructure' && row.template === undefined)
    return { found: 'nobody sets it', expected: 'OpenNebula to write it into the CONTEXT' };
  if (!row.roles.some((role) => roles.includes(role)))
    return {
      found: `a ${site} template has no role that reads it`,
      expected: `a variable of the ${roles.join(' or ')}`,
    };
  return undefined;
}

/** What a form cannot carry, whatever the variable. */
function unwritable(name: VariableName, value: string, form: Form): Fault | undefined {
  const bad = form === 7 ? /[|\n\r]/ : /[|"\\$\n\r]/;
  const character = bad.exec(value)?.[0];
  if (character === undefined || (rowOf(name).level === 'infrastructure' && form === 7)) return undefined;
  const spoken = character === '\n' || character === '\r' ? 'a line break' : character;
  return {
    found: `${showValue(name, value)} has ${spoken} in it`,
    expected: `a value without it: a user input of OpenNebula ${form} cannot carry it${character === '"' ? ' (single quotes pass)' : ''}`,
  };
}

const distinct = (findings: readonly Finding[]): Finding[] => [
  ...new Map(findings.map((one) => [`${one.variable} ${one.found}`, one])).values(),
];

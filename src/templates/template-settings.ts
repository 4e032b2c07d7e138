// What somebody asks of a template, checked: all that is wrong at once, in the words of the table.
import { Buffer } from 'node:buffer';
import type { BootConfig } from '../config/config.ts';
import { parseVariables } from '../config/parse.ts';
import { releaseImage } from '../config/release.ts';
import { showValue } from '../config/secrets.ts';
import { ALL_NAMES, hasAlias, isVariableName, plainName, rowOf, type VariableName } from '../config/table.ts';
import { closestMatch } from '../core/closest-match.ts';
import type { VariableFinding as Finding } from '../core/finding.ts';
import type { OneFlowVersion, TemplateOptions } from './oneflow.ts';
import { inputsOf, TOPOLOGIES, type Topology } from './topology.ts';
import { formDefault } from './user-input.ts';

export type TemplateSetting = readonly [name: string, value: string];

export interface CheckedSettings {
  readonly values: ReadonlyMap<VariableName, string>;
  /** What the VMs of each role get when the form is accepted as it is, where the agent takes that. */
  readonly configs: readonly BootConfig[];
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/**
 * Values for a template: their names, whether they may be set there, whether OpenNebula can carry them, and whether the
 * agent would take them.
 */
export function checkSettings(
  settings: readonly TemplateSetting[],
  { site, form, all }: Pick<TemplateOptions, 'site' | 'form' | 'all'>,
): CheckedSettings {
  const asked = inputsOf(site, all);
  const problems: Finding[] = [];
  const values = new Map<VariableName, string>();
  for (const [given, text] of settings) {
    const name = plainName(given);
    const value = isVariableName(name) ? carried(name, text) : text;
    const fault = isVariableName(name)
      ? (misplaced(name, site, form) ?? unwritable(name, value, form, asked.includes(name)))
      : unknown(given, name);
    if (fault !== undefined) problems.push({ variable: given, severity: 'error', ...fault });
    // Empty is the default.
    else if (value.trim() !== '') values.set(name as VariableName, value);
  }
  const read = TOPOLOGIES[site].roles.map((role) => {
    const names = inputsOf(site, true).filter((name) => rowOf(name).roles.includes(role));
    const raw = Object.fromEntries(
      names.map((name) => [name, values.get(name) ?? TOPOLOGIES[site].presets[name] ?? formDefault(name)]),
    );
    return parseVariables(raw, releaseImage(role));
  });
  const found = [...problems, ...read.flatMap((parsed) => (parsed.ok ? [] : parsed.problems))];
  return {
    values,
    configs: read.flatMap((parsed) => (parsed.ok ? [parsed.config] : [])),
    problems: distinct(found),
    warnings: distinct(read.flatMap(({ warnings }) => warnings)),
  };
}

/** No template carries the line breaks of PEM: it goes in as base64. */
const carried = (name: VariableName, text: string): string =>
  rowOf(name).input === 'text64' && text.includes('-----BEGIN') ? Buffer.from(text).toString('base64') : text;

type Fault = Omit<Finding, 'variable' | 'severity'>;

function unknown(given: string, name: string): Fault {
  const meant = closestMatch(name, ALL_NAMES.filter(hasAlias));
  return {
    found: `there is no variable of this name${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    expected: meant ?? 'a name of the reference page',
    ...(meant === undefined ? {} : { example: `${meant}=${rowOf(meant as VariableName).example}` }),
    ...(given === '' ? { found: 'the name is missing' } : {}),
  };
}

function misplaced(name: VariableName, site: Topology, form: OneFlowVersion): Fault | undefined {
  const row = rowOf(name);
  const { excluded, roles } = TOPOLOGIES[site];
  const instead = excluded[name];
  if (instead !== undefined) return { found: `a ${site} template cannot have it`, expected: instead };
  if (row.level === 'infrastructure' && row.template === undefined)
    return { found: 'nobody sets it', expected: 'OpenNebula to write it into the CONTEXT' };
  if (row.level === 'infrastructure' && form === 6)
    return {
      found: 'a service template for OpenNebula 6 and 7 has no CONTEXT of its own',
      expected: `${name} in the CONTEXT of the VM template, or --one 7`,
    };
  if (!row.roles.some((role) => roles.includes(role)))
    return {
      found: `a ${site} template has no role that reads it`,
      expected: `a variable of the ${roles.join(' or ')}`,
    };
  return undefined;
}

/**
 * What a template cannot carry, whatever the variable: a bar ends a part of an input; oned puts other values in the place
 * of $NAME and ends no text after a backslash; OneFlow 6 puts answers into a text without escaping them; 7 takes lines up
 * to a ] that nothing opened for one.
 */
function unwritable(
  name: VariableName,
  value: string,
  form: OneFlowVersion,
  asked: boolean,
): Fault | undefined {
  if (rowOf(name).level === 'infrastructure') return undefined;
  const bad = form === 6 ? /["\\$\n\r]/ : /[\\$\n\r]/;
  const character =
    bad.exec(value)?.[0] ??
    (asked ? /\|/.exec(value)?.[0] : undefined) ??
    (form === 6 && !asked && /^[^[]*\]/.test(value) ? ']' : undefined);
  if (character === undefined) return undefined;
  const spoken = character === '\n' || character === '\r' ? 'a line break' : character;
  return {
    found: `${showValue(name, value)} has ${spoken} in it`,
    expected: `a value without it: a service template of OpenNebula cannot carry it${character === '"' ? ' (single quotes pass)' : ''}`,
  };
}

const distinct = (findings: readonly Finding[]): Finding[] => [
  ...new Map(findings.map((one) => [`${one.variable} ${one.found}`, one])).values(),
];

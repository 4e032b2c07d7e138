// Checks the settings of a template: reports all errors at once.
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

interface CheckedSettings {
  readonly values: ReadonlyMap<VariableName, string>;
  /** What the VMs of each role get when the form is sent without changes; only for roles whose values are valid. */
  readonly configs: readonly BootConfig[];
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/**
 * Values for a template: whether their names exist, the template may have them, OpenNebula delivers them unchanged and the
 * agent accepts them.
 */
export function checkSettings(
  settings: readonly TemplateSetting[],
  { topology, format, all }: Pick<TemplateOptions, 'topology' | 'format' | 'all'>,
): CheckedSettings {
  const asked = inputsOf(topology, all);
  const problems: Finding[] = [];
  const values = new Map<VariableName, string>();
  for (const [given, text] of settings) {
    const name = plainName(given);
    const value = isVariableName(name) ? asBase64(name, text) : text;
    const fault = isVariableName(name)
      ? (excluded(name, topology, format) ?? undeliverable(name, value, format, asked.includes(name)))
      : unknown(name);
    if (fault !== undefined) problems.push({ variable: given, severity: 'error', ...fault });
    // Empty is the default.
    else if (value.trim() !== '') values.set(name as VariableName, value);
  }
  const read = TOPOLOGIES[topology].roles.map((role) => {
    const names = inputsOf(topology, true).filter((name) => rowOf(name).roles.includes(role));
    const presetOf = (name: VariableName): string =>
      values.get(name) ?? TOPOLOGIES[topology].presets[name] ?? formDefault(name);
    return parseVariables(
      Object.fromEntries(names.map((name) => [name, presetOf(name)])),
      releaseImage(role),
    );
  });
  const found = [...problems, ...read.flatMap((parsed) => (parsed.ok ? [] : parsed.problems))];
  return {
    values,
    configs: read.flatMap((parsed) => (parsed.ok ? [parsed.config] : [])),
    problems: distinct(found),
    warnings: distinct(read.flatMap(({ warnings }) => warnings)),
  };
}

/** OpenNebula does not deliver the line breaks of PEM: the template has base64. */
const asBase64 = (name: VariableName, text: string): string =>
  rowOf(name).input === 'text64' && text.includes('-----BEGIN') ? Buffer.from(text).toString('base64') : text;

type Fault = Omit<Finding, 'variable' | 'severity'>;

function unknown(name: string): Fault {
  const meant = closestMatch(name, ALL_NAMES.filter(hasAlias));
  return {
    found: `no variable has this name${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    expected: meant ?? 'a name of docs/reference/variables.md',
    ...(meant === undefined ? {} : { example: `${meant}=${rowOf(meant as VariableName).example}` }),
  };
}

function excluded(name: VariableName, topology: Topology, format: OneFlowVersion): Fault | undefined {
  const row = rowOf(name);
  const { excluded: instead, roles } = TOPOLOGIES[topology];
  const expected = instead[name];
  if (expected !== undefined) return { found: `a ${topology} template cannot have it`, expected };
  if (row.level === 'infrastructure' && row.template === undefined)
    return {
      found: 'only OpenNebula sets it',
      expected: 'no setting: OpenNebula writes it into the CONTEXT',
    };
  if (row.level === 'infrastructure' && format === 6)
    return {
      found: 'a service template for OpenNebula 6 and 7 has no CONTEXT of its own',
      expected: `${name} in the CONTEXT of the VM template, or --one 7`,
    };
  if (!row.roles.some((role) => roles.includes(role)))
    return {
      found: `a ${topology} template has no role that reads it`,
      expected: `a variable of the ${roles.join(' or ')}`,
    };
  return undefined;
}

/**
 * Characters that do not arrive, whatever the variable. A bar ends a part of an input. oned replaces $NAME, and a backslash
 * before the final quote hides that quote. OneFlow 6 puts answers into a text without escaping. OneFlow 7 joins lines up to
 * a ] without a [.
 */
function undeliverable(
  name: VariableName,
  value: string,
  format: OneFlowVersion,
  asked: boolean,
): Fault | undefined {
  if (rowOf(name).level === 'infrastructure') return undefined;
  const forbidden = format === 6 ? /["\\$\n\r]/ : /[\\$\n\r]/;
  const character =
    forbidden.exec(value)?.[0] ??
    (asked ? /\|/.exec(value)?.[0] : undefined) ??
    (format === 6 && !asked && /^[^[]*\]/.test(value) ? ']' : undefined);
  if (character === undefined) return undefined;
  const named = character === '\n' || character === '\r' ? 'a line break' : character;
  return {
    found: `${showValue(name, value)} has ${named} in it`,
    expected: `a value without it: OpenNebula does not deliver it unchanged${character === '"' ? ' (single quotes are possible)' : ''}`,
  };
}

const distinct = (findings: readonly Finding[]): Finding[] => [
  ...new Map(findings.map((one) => [`${one.variable} ${one.found}`, one])).values(),
];

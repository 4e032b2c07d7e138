// All rules over one template, all findings in one run, in the order of the file.
import type { Site } from '../params/surfaces/site.ts';
import { codeEntry, type LintCode } from './codes.ts';
import type { Fix, Remark } from './finding.ts';
import { formatPath, type Located, NotJson, type Path, readJson } from './json.ts';
import { infrastructureAsInput, needed, readyPreset } from './rules/context.ts';
import {
  enoughSupernodes,
  keepalive,
  superlinkInService,
  supernodeInCoordinator,
  tlsAcrossZones,
  trainingSite,
} from './rules/federation.ts';
import { inputTwice, options, presets, unknownVariables } from './rules/inputs.ts';
import { notMapped, overlaps } from './rules/mapping.ts';
import { cardinalityMissing, cooldown, names, superlinkCount, superlinkPolicies } from './rules/roles.ts';
import { deployment, gate, hardShutdown, parents } from './rules/service.ts';
import { shape } from './rules/shape.ts';
import { isObject, readService, type Service } from './service.ts';

export interface LintFinding {
  readonly code: LintCode;
  readonly severity: 'error' | 'warning';
  readonly title: string;
  /** JSONPath of the place, or of where something is missing. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly found: string;
  readonly why: string;
  readonly fix: Fix;
}

export interface LintReport {
  /** What the template was taken for; undefined when it could not be read. */
  readonly form: Service['form'] | undefined;
  readonly site: Site | undefined;
  readonly findings: readonly LintFinding[];
}

const RULES: readonly ((service: Service) => Remark[])[] = [
  shape,
  gate,
  deployment,
  parents,
  hardShutdown,
  superlinkCount,
  superlinkPolicies,
  cardinalityMissing,
  cooldown,
  names,
  needed,
  infrastructureAsInput,
  readyPreset,
  inputTwice,
  unknownVariables,
  options,
  presets,
  notMapped,
  overlaps,
  superlinkInService,
  trainingSite,
  tlsAcrossZones,
  supernodeInCoordinator,
  enoughSupernodes,
  keepalive,
];

/** Never throws for what is in the text. `site`: what the template is meant to be; else its name and roles tell. */
export function lint(text: string, site?: Site): LintReport {
  let located: Located;
  try {
    located = readJson(text);
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    const { line, column } = error.place;
    const fix: Fix = { do: 'write', line: text.split('\n')[line - 1]?.trim().slice(0, 200) ?? '' };
    return {
      form: undefined,
      site: undefined,
      findings: [{ ...told('not_json', error.message, fix), path: '$', line, column }],
    };
  }
  const body = unwrapped(located.value);
  if (body === undefined) {
    const remark: Remark = {
      code: 'schema',
      path: [],
      found: 'it is not a service template',
      fix: { do: 'write', line: '{ "name": "...", "roles": [ ... ] }' },
    };
    return { form: undefined, site: undefined, findings: place([remark], located) };
  }
  const service = readService(body.members, site);
  const remarks = RULES.flatMap((rule) => rule(service));
  const findings = place(
    [...located.twice.map(twice), ...remarks.map((one) => ({ ...one, path: [...body.at, ...one.path] }))],
    located,
  );
  return { form: service.form, site: service.site, findings };
}

/** `oneflow-template show --json` puts the template into DOCUMENT.TEMPLATE.BODY. */
function unwrapped(value: unknown): { members: Readonly<Record<string, unknown>>; at: Path } | undefined {
  if (!isObject(value)) return undefined;
  const document = value['DOCUMENT'];
  const template = isObject(document) ? document['TEMPLATE'] : undefined;
  const inner = isObject(template) ? template['BODY'] : undefined;
  if (isObject(inner)) return { members: inner, at: ['DOCUMENT', 'TEMPLATE', 'BODY'] };
  return 'roles' in value || 'name' in value ? { members: value, at: [] } : undefined;
}

const twice = (path: Path): Remark => ({
  code: 'duplicate_key',
  path,
  found: `${String(path.at(-1))} stands twice here`,
  fix: { do: 'remove', line: `${JSON.stringify(path.at(-1))}: (one of the two)` },
});

function place(remarks: readonly Remark[], located: Located): LintFinding[] {
  const findings = remarks.map(({ code, path, found, fix }) => ({
    ...told(code, found, fix),
    path: formatPath(path),
    ...located.placeOf(path),
  }));
  const once = new Map(findings.map((one) => [`${one.code} ${one.path} ${one.found}`, one]));
  return [...once.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

function told(code: LintCode, found: string, fix: Fix) {
  const { severity, title, why } = codeEntry(code);
  return { code, severity, title, found, why, fix };
}

// All rules over one template, all findings in one run, in the order of the file.
import type { Topology } from '../topology.ts';
import { codeEntry, type LintCode } from './codes.ts';
import type { Fix, Remark } from './finding.ts';
import { formatPath, type Located, NotJson, type Path, readJson } from './json.ts';
import { isObject, type Service } from './model.ts';
import {
  changedValues,
  contentsSyntax,
  contextBlock,
  contextShape,
  nicShape,
  undefinedReferences,
  unusedContext,
} from './rules/contents.ts';
import { infrastructureAsInput, needed, readyPreset } from './rules/context.ts';
import {
  enoughSupernodes,
  keepalive,
  superlinkInService,
  supernodeInCoordinator,
  tlsAcrossZones,
  trainingSite,
} from './rules/federation.ts';
import { askedAtRole, inputForms, inputTwice, options, presets, unknownVariables } from './rules/inputs.ts';
import { notMapped, overlaps } from './rules/mapping.ts';
import {
  cardinalityMissing,
  cooldown,
  cyclicParents,
  expressions,
  names,
  superlinkCount,
  superlinkPolicies,
} from './rules/roles.ts';
import { deployment, gate, hardShutdown, parents } from './rules/service.ts';
import { shape } from './rules/shape.ts';
import { readService } from './service.ts';

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
  /** What the template was taken for; undefined when it could not be read. No site: it has no Flower role. */
  readonly form: Service['form'] | undefined;
  readonly site: Topology | undefined;
  readonly findings: readonly LintFinding[];
}

/** Of any service. */
const GENERAL: readonly ((service: Service) => Remark[])[] = [
  shape,
  contentsSyntax,
  contextShape,
  nicShape,
  cyclicParents,
  names,
  inputForms,
];

/** Of a service that has a Flower role. */
const FLOWER: readonly ((service: Service) => Remark[])[] = [
  gate,
  deployment,
  parents,
  hardShutdown,
  superlinkCount,
  superlinkPolicies,
  cardinalityMissing,
  cooldown,
  expressions,
  contextBlock,
  changedValues,
  unusedContext,
  undefinedReferences,
  needed,
  infrastructureAsInput,
  readyPreset,
  inputTwice,
  askedAtRole,
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
export function lint(text: string, site?: Topology): LintReport {
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
      findings: [{ ...described('not_json', error.message, fix), path: '$', line, column }],
    };
  }
  const bodies = bodiesIn(located.value, []);
  if (bodies.length === 0)
    return { form: undefined, site: undefined, findings: place([NO_TEMPLATE], located) };
  const reports = bodies.map((body) => lintBody(body, site));
  const [first] = reports;
  const findings = [...located.twice.map(twice), ...reports.flatMap(({ remarks }) => remarks)];
  return { form: first?.form, site: first?.site, findings: place(findings, located) };
}

const NO_TEMPLATE: Remark = {
  code: 'schema',
  path: [],
  found: 'it is not a service template',
  fix: { do: 'write', line: '{ "name": "...", "roles": [ ... ] }' },
};

/** A service template in a file, and where. */
interface Body {
  readonly members: unknown;
  readonly at: Path;
}

/**
 * A template by itself; what `oneflow-template show --json`, `list --json` and the REST API print (DOCUMENT.TEMPLATE.BODY);
 * what the Terraform provider takes (TEMPLATE.BODY); a list of those. A BODY may be a text that is JSON.
 */
function bodiesIn(value: unknown, at: Path): Body[] {
  if (Array.isArray(value)) return value.flatMap((one, index) => bodiesIn(one, [...at, index]));
  if (!isObject(value)) return [];
  for (const name of ['DOCUMENT_POOL', 'DOCUMENT', 'TEMPLATE']) {
    const inner = value[name];
    if (isObject(inner) || (Array.isArray(inner) && name === 'DOCUMENT'))
      return bodiesIn(inner, [...at, name]);
  }
  if (isObject(value['BODY']) || typeof value['BODY'] === 'string')
    return [{ members: value['BODY'], at: [...at, 'BODY'] }];
  return 'roles' in value || 'name' in value ? [{ members: value, at }] : [];
}

function lintBody(
  { members, at }: Body,
  site: Topology | undefined,
): { form?: Service['form']; site?: Topology | undefined; remarks: Remark[] } {
  if (typeof members === 'string') return lintText(members, at, site);
  if (!isObject(members)) return { remarks: [{ ...NO_TEMPLATE, path: at }] };
  const service = readService(members, site);
  const isOurs = site !== undefined || service.roles.some(({ kind }) => kind !== undefined);
  const rules = isOurs ? [...GENERAL, ...FLOWER] : GENERAL;
  const remarks = rules
    .flatMap((rule) => rule(service))
    .map((one) => ({ ...one, path: [...at, ...one.path] }));
  return { form: service.form, site: isOurs ? service.site : undefined, remarks };
}

/** Of a template that is a text in the file, every place is that of the text. */
function lintText(text: string, at: Path, site: Topology | undefined): ReturnType<typeof lintBody> {
  try {
    const { value, twice: names } = readJson(text);
    const report = lintBody({ members: value, at }, site);
    const doubled = names.map(twice).map((one) => ({ ...one, path: [...at, ...one.path] }));
    return { ...report, remarks: [...doubled, ...report.remarks] };
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    const found = `line ${error.place.line} of the text: ${error.message}`;
    return {
      remarks: [{ code: 'not_json', path: at, found, fix: { do: 'write', line: '"BODY": { ... }' } }],
    };
  }
}

const twice = (path: Path): Remark => ({
  code: 'duplicate_key',
  path,
  found: `${String(path.at(-1))} stands twice here`,
  fix: { do: 'remove', line: `${JSON.stringify(path.at(-1))}: (one of the two)` },
});

function place(remarks: readonly Remark[], located: Located): LintFinding[] {
  const findings = remarks.map(({ code, path, found, fix, severity }) => ({
    ...described(code, found, fix),
    ...(severity === undefined ? {} : { severity }),
    path: formatPath(path),
    ...located.placeOf(path),
  }));
  const once = new Map(findings.map((one) => [`${one.code} ${one.path} ${one.found}`, one]));
  return [...once.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

function described(code: LintCode, found: string, fix: Fix) {
  const { severity, title, why } = codeEntry(code);
  return { code, severity, title, found, why, fix };
}

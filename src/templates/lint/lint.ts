// All rules over a file with service templates, all findings in one run.
import { visible } from '../../core/text.ts';
import type { OneFlowVersion } from '../oneflow.ts';
import type { Topology } from '../topology.ts';
import { collector, type LintFinding, type Report, type Rule } from './finding.ts';
import * as contents from './rules/contents.ts';
import * as context from './rules/context.ts';
import * as deployment from './rules/deployment.ts';
import * as federation from './rules/federation.ts';
import * as inputs from './rules/inputs.ts';
import { notMapped } from './rules/mapping.ts';
import { isObject, type Members, type Path, readService } from './service.ts';

interface LintReport {
  /** Of the first template; undefined when the file could not be read. */
  readonly format: OneFlowVersion | undefined;
  /** Undefined also where no role is a Flower role. */
  readonly topology: Topology | undefined;
  readonly findings: readonly LintFinding[];
}

/** Of any service. */
const GENERAL: readonly Rule[] = [
  contents.contentsSyntax,
  contents.contentsShape,
  deployment.neverDeployed,
  inputs.inputForms,
];

/** Of a service that has a Flower role. */
const FLOWER: readonly Rule[] = [
  deployment.gate,
  deployment.straight,
  deployment.parents,
  deployment.superlinkCount,
  deployment.superlinkPolicies,
  deployment.cardinality,
  deployment.cooldown,
  deployment.expressions,
  contents.contextBlock,
  contents.changedValues,
  contents.unusedContext,
  contents.undefinedReferences,
  context.needed,
  context.infrastructureAsInput,
  context.readyPreset,
  inputs.inputTwice,
  inputs.unknownVariables,
  inputs.options,
  inputs.presets,
  notMapped,
  federation.superlinkAddress,
  federation.trainingSite,
  federation.tlsAcrossZones,
  federation.supernodeInCoordinator,
  federation.enoughSupernodes,
  federation.keepalive,
];

/** Never throws because of the text. `topology`: when the author names it; else name and roles of the template decide. */
export function lint(text: string, topology?: Topology): LintReport {
  const { report, findings } = collector();
  const file = parse(text.replace(/^\ufeff/, ''), [], report);
  const bodies = bodiesIn(file, []);
  if (file !== undefined && bodies.length === 0) report('schema', [], 'the file has no service template');
  const [first] = bodies.map(({ value, path }) => lintBody(value, path, topology, report));
  return { format: first?.format, topology: first?.topology, findings: findings() };
}

interface Body {
  readonly value: unknown;
  readonly path: Path;
}

/** Deeper than any file of OneFlow; protects the stack from a hostile file. */
const DEEPEST = 10;

/**
 * A template; what `oneflow-template show --json`, `list --json` and the REST API print (DOCUMENT.TEMPLATE.BODY);
 * what the Terraform provider takes (TEMPLATE.BODY); a list of those. A BODY may be a text that is JSON.
 */
function bodiesIn(value: unknown, path: Path): Body[] {
  if (path.length > DEEPEST) return [];
  if (Array.isArray(value)) return value.flatMap((one, index) => bodiesIn(one, [...path, index]));
  if (!isObject(value)) return [];
  for (const name of ['DOCUMENT_POOL', 'DOCUMENT', 'TEMPLATE']) {
    const inner = value[name];
    if (isObject(inner) || (Array.isArray(inner) && name === 'DOCUMENT'))
      return bodiesIn(inner, [...path, name]);
  }
  const { BODY: body } = value;
  if (isObject(body) || typeof body === 'string') return [{ value: body, path: [...path, 'BODY'] }];
  return 'roles' in value || 'name' in value ? [{ value, path }] : [];
}

function lintBody(
  value: unknown,
  path: Path,
  named: Topology | undefined,
  report: Report,
): Omit<LintReport, 'findings'> {
  const unread = { format: undefined, topology: undefined };
  const template = typeof value === 'string' ? parse(value, path, report) : value;
  if (template === undefined) return unread;
  if (!hasRoles(template)) {
    report('schema', [...path, 'roles'], 'roles is not a list of objects');
    return unread;
  }
  const service = readService(template, path, named);
  const isFlower = named !== undefined || service.roles.some(({ kind }) => kind !== undefined);
  for (const rule of isFlower ? [...GENERAL, ...FLOWER] : GENERAL) rule(service, report);
  return { format: service.format, topology: isFlower ? service.topology : undefined };
}

const hasRoles = (value: unknown): value is Members & { readonly roles: readonly Members[] } =>
  isObject(value) && Array.isArray(value['roles']) && value['roles'].every(isObject);

/** Undefined when the text is not JSON, which is reported. */
function parse(text: string, path: Path, report: Report): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // Throws for a value that is nested too deep for the rules, which write values the same way.
    JSON.stringify(value);
    return value;
  } catch (error) {
    report('not_json', path, [...(error as Error).message].map(visible).join(''));
    return undefined;
  }
}

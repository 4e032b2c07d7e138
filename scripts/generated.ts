// Every generated file that is committed. `make generate` writes them; test/unit/generated.test.ts fails when one is stale.
import { readFileSync } from 'node:fs';
import { renderCompletion } from '../src/cli/completion.ts';
import { COMMANDS } from '../src/cli/index.ts';
import { DEFAULT_OPTIONS, formatTemplate } from '../src/templates/oneflow.ts';
import { TOPOLOGIES, TOPOLOGY_NAMES } from '../src/templates/topology.ts';
import { LOCKED_MODULE, lockedModule } from './locked.ts';
import { APPS, contextTests, listing, metadata, readme, UUIDS } from './marketplace/apps.ts';
import { document } from './marketplace/yaml.ts';
import { changesTable } from './reference/changes.ts';
import { exitReference, lintReference, problemReference } from './reference/codes.ts';
import { commandsReference } from './reference/commands.ts';
import { contextJsonSchema } from './reference/json-schema.ts';
import { machineReference } from './reference/machine.ts';
import { oneGateReference } from './reference/onegate.ts';
import { stateTable } from './reference/states.ts';
import { variablesReference } from './reference/variables.ts';
import { renderMan } from './render-man.ts';
import { vmTemplate } from './vm-template.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const MADE = '<!-- Made by `make generate`; changes here are lost. -->';

const page = (...parts: readonly string[]): string =>
  `${[MADE, ...parts.map((part) => part.trimEnd())].join('\n\n')}\n`;

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A page that people write, with one part that is made here. */
function withPart(path: string, name: string, part: string): [string, string] {
  const text = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const [begin, end] = [`<!-- ${name}: made by \`make generate\` -->`, `<!-- end of ${name} -->`];
  const [before, rest = ''] = text.split(begin);
  const after = rest.slice(rest.indexOf(end));
  if (!after.startsWith(end)) throw new Error(`${path} has no ${begin} with ${end}`);
  return [path, `${before}${begin}\n\n${part}\n\n${after}`];
}

/** Path in the repository -> content. */
export const GENERATED: ReadonlyMap<string, string> = new Map([
  [LOCKED_MODULE, lockedModule()],
  [
    'docs/reference/variables.md',
    page(
      '# Variables, attributes, codes, files and ports',
      'The public interface of the appliance. Sections: [variables](#service), [OneGate attributes](#onegate-attributes), [problem codes](#problem-codes), [exit status](#exit-status-of-flower-context), [files](#files), [ports](#ports). The findings of `flower-context lint` are in [lint.md](lint.md).',
      variablesReference(),
      oneGateReference(),
      problemReference(),
      exitReference(),
      machineReference(),
    ),
  ],
  withPart('docs/architecture.md', 'table of states', stateTable()),
  withPart('docs/operate.md', 'table of changes', changesTable()),
  ['docs/reference/commands.md', page(commandsReference())],
  ['docs/reference/lint.md', page(lintReference())],
  ['docs/reference/context-superlink.schema.json', json(contextJsonSchema('superlink'))],
  ['docs/reference/context-supernode.schema.json', json(contextJsonSchema('supernode'))],
  ...TOPOLOGY_NAMES.map((topology): [string, string] => [
    `appliance/oneflow/${topology}.json`,
    formatTemplate({ ...DEFAULT_OPTIONS, topology, supernodes: TOPOLOGIES[topology].supernodes }),
  ]),
  ['appliance/vm-template/flower-superlink.txt', vmTemplate('superlink')],
  ['appliance/vm-template/flower-supernode.txt', vmTemplate('supernode')],
  ...APPS.flatMap((app): [string, string][] => [
    [`appliance/marketplace/${app}/${UUIDS[app]}.yaml`, document(listing(app, version))],
    [`appliance/marketplace/${app}/README.md`, readme(app)],
  ]),
  ...(['superlink', 'supernode'] as const).flatMap((role): [string, string][] => [
    [`appliance/marketplace/flower-${role}/metadata.yaml`, document(metadata(role))],
    [`appliance/marketplace/flower-${role}/context.yaml`, document(contextTests(role))],
  ]),
  ['appliance/man/flower-context.1', renderMan(version)],
  ['appliance/completion/flower-context.bash', renderCompletion(COMMANDS)],
]);

// What OpenNebula is asked to judge: every service template that is generated here, and the cases of test/cases/oneflow.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { listing } from '../../scripts/marketplace/apps.ts';
import type { VariableName } from '../../src/config/table.ts';
import { DEFAULT_WISHES, formatTemplate, type OneFlowVersion } from '../../src/templates/oneflow.ts';
import { TOPOLOGIES, TOPOLOGY_NAMES, type Topology } from '../../src/templates/topology.ts';
import { vmTemplate } from '../../src/templates/vm-template.ts';

export interface Judged {
  readonly name: string;
  /** The service template. */
  readonly text: string;
  readonly vmTemplates: Readonly<Record<'superlink' | 'supernode', string>>;
  /** Made by this repository: then all has to be well. */
  readonly generated: boolean;
  /** Values that were given with --set. */
  readonly values: ReadonlyMap<VariableName, string>;
}

export const CASES = resolve(import.meta.dirname, '../cases/oneflow');
const read = (name: string): string => readFileSync(join(CASES, name), 'utf8');

const OURS = { superlink: vmTemplate('superlink'), supernode: vmTemplate('supernode') };
/** The cases have VM templates of their own, so that their answers stay when ours change. */
const THEIRS = { superlink: read('flower-superlink.txt'), supernode: read('flower-supernode.txt') };

interface Wanted {
  readonly form?: OneFlowVersion;
  readonly all?: boolean;
  readonly network?: string;
  readonly set?: readonly (readonly [VariableName, string])[];
}

const made = (
  label: string,
  site: Topology,
  { form = 6, all = false, network, set = [] }: Wanted = {},
): Judged => {
  const values = new Map(set);
  const options = {
    ...DEFAULT_WISHES,
    site,
    supernodes: TOPOLOGIES[site].supernodes,
    form,
    all,
    network,
    values,
  };
  return { name: label, text: formatTemplate(options), vmTemplates: OURS, generated: true, values };
};

/** Inputs that the form asks, and inputs that it does not ask: the latter become lines of their role. */
const SET = [
  ['FL_NUM_ROUNDS', '20'],
  ['FL_MIN_FIT_CLIENTS', '3'],
  ['FL_NODE_CONFIG', 'partition=1 path=/srv/a,b'],
  ['FL_MAX_RETRIES', '7'],
  ['FL_CHECKPOINT_PATH', "models/it's #1, [a]=<b>&c"],
] as const satisfies readonly (readonly [VariableName, string])[];

function ofMarketplace(): Judged {
  const { opennebula_template } = listing('flower-service', '0') as unknown as {
    readonly opennebula_template: { readonly roles: readonly { readonly name: string }[] };
  };
  // At the export the front-end fills in the ids of the VM templates that it has made of the apps.
  const roles = opennebula_template.roles.map(({ name, ...rest }) => ({
    name,
    vm_template: name === 'superlink' ? 0 : 1,
    ...rest,
  }));
  const text = `${JSON.stringify({ ...opennebula_template, roles }, null, 2)}\n`;
  return {
    name: 'the service of the marketplace',
    text,
    vmTemplates: OURS,
    generated: true,
    values: new Map(),
  };
}

export const JUDGED: readonly Judged[] = [
  ...TOPOLOGY_NAMES.flatMap((site) => [
    made(`template ${site}`, site),
    made(`template ${site} --all-inputs`, site, { all: true }),
    made(`template ${site} --one 7`, site, { form: 7 }),
  ]),
  made('template single-site --set', 'single-site', { set: SET, network: 'oneadmin/training' }),
  made('template single-site --set --one 7', 'single-site', { set: SET, network: '3', form: 7 }),
  ofMarketplace(),
  ...readdirSync(CASES)
    .filter((file) => file.endsWith('.json') && file !== 'expected.json')
    .sort()
    .map(
      (file): Judged => ({
        name: file,
        text: read(file),
        vmTemplates: THEIRS,
        generated: false,
        values: new Map(),
      }),
    ),
];

/** An answer holds for these texts only. */
export const fingerprint = ({ text, vmTemplates }: Judged): string =>
  createHash('sha256')
    .update(JSON.stringify([text, vmTemplates.superlink, vmTemplates.supernode]))
    .digest('hex');

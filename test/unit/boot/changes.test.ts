// The variables of each part: what the table in docs/operate.md says about them is what the launch plan does.
import { expect, test } from 'vitest';
import { describeSuperLink, describeSuperNode } from '../../../src/boot/describe.ts';
import { superLinkLaunch, superNodeLaunch } from '../../../src/boot/launch.ts';
import { PART_NAMES, PARTS, type PartName } from '../../../src/boot/parts.ts';
import { ALL_NAMES, namesOf, rowOf, type VariableName } from '../../../src/config/table.ts';
import { defaultText } from '../../../src/config/user-inputs.ts';
import { environmentPath } from '../../../src/flower/environment.ts';
import { formatPlan } from '../../../src/flower/plan.ts';
import { pathsUnder } from '../../../src/host/paths.ts';
import { superLink, superNode } from '../config/support.ts';

const paths = pathsUnder('/vm');
type Raw = Readonly<Record<string, string>>;

/** Where the example of the row is its default, or makes no difference alone. */
const OTHER: Partial<Record<VariableName, Raw>> = {
  FLOWER_VERSION: { FLOWER_VERSION: '1.38.0' },
  FL_TLS_ENABLED: { FL_TLS_ENABLED: 'NO' },
  FL_FLEET_API_ADDRESS: { FL_FLEET_API_ADDRESS: '0.0.0.0:9192' },
  FL_CONTROL_API_ADDRESS: { FL_CONTROL_API_ADDRESS: '127.0.0.1:9193' },
  FL_USE_CASE: { FL_USE_CASE: 'llm-fine-tuning' },
};
/** Always set, so that the variables that depend on it make a difference. */
const BASE = { superlink: { FL_CHECKPOINT_ENABLED: 'YES' }, supernode: { FL_GPU_ENABLED: 'YES' } } as const;
const OFF: Raw = { FL_CHECKPOINT_ENABLED: 'NO', FL_GPU_ENABLED: 'NO' };
/** They change the certificates of the step before the plan, which has its own tests. */
const CERTIFICATES: readonly VariableName[] = [
  'FL_CERT_EXTRA_SAN',
  'FL_SSL_CA_CERTFILE',
  'FL_SSL_CERTFILE',
  'FL_SSL_KEYFILE',
];

/** The plan with what its checksum covers, and its parts, for a CONTEXT. */
function madeOf(role: 'superlink' | 'supernode', raw: Raw) {
  const given = { ...BASE[role], ...raw };
  const config = role === 'superlink' ? superLink(given) : superNode(given);
  const environment = environmentPath(config.FLOWER_VERSION, config.ML_FRAMEWORK, paths);
  const facts = { version: config.FLOWER_VERSION, environment, paths, loopback: '127.0.0.1' };
  if (config.role === 'superlink') {
    const { plan, endpoints } = superLinkLaunch(config, {
      ...facts,
      endpoint: { host: '10.0.0.1', port: 9092 },
    });
    const { parts } = describeSuperLink(config, undefined, paths, {
      endpoints,
      environment,
      secret: undefined,
    });
    return { plan: formatPlan(plan), parts };
  }
  const gpu = config.FL_GPU_ENABLED;
  const superlink = config.FL_SUPERLINK_ADDRESS ?? { host: '10.0.0.1', port: 9092 };
  const tls = config.FL_TLS_ENABLED ?? true;
  const of = { plan: superNodeLaunch(config, { ...facts, superlink, tls, partition: undefined, gpu }) };
  const described = describeSuperNode(config, { trust: undefined, partition: undefined }, gpu, {
    endpoints: of.plan.endpoints,
    environment,
    secret: undefined,
  });
  return { plan: formatPlan(of.plan.plan) + of.plan.nodeConfig, parts: described.parts };
}

const partsNaming = (name: VariableName): PartName[] =>
  PART_NAMES.filter((part) => (PARTS[part].variables as readonly VariableName[]).includes(name));

const cases = ALL_NAMES.flatMap((name) =>
  rowOf(name)
    .roles.filter(() => rowOf(name).level !== 'infrastructure' && !CERTIFICATES.includes(name))
    .map((role) => [name, role] as const),
);

test.each(cases)('%s of a %s', (name, role) => {
  expect(namesOf(role)).toContain(name);
  const raw = OTHER[name] ?? { [name]: OFF[name] ?? rowOf(name).example };
  const [before, after] = [madeOf(role, {}), madeOf(role, raw)];
  const changed = PART_NAMES.filter((part) => before.parts[part] !== after.parts[part]);
  const differs = before.plan !== after.plan;
  const named = partsNaming(name);
  // A plan that differs without a part would wait, whatever it is.
  expect(changed.length > 0, `the plan ${differs ? 'differs' : 'is the same'}, parts: ${changed}`).toBe(
    differs,
  );
  if (!differs) expect(named.filter((part) => part in before.parts)).toEqual([]);
  else if (named.length === 0) expect(changed, `default ${defaultText(name, role)}`).toEqual([]);
  else expect(changed).toEqual(expect.arrayContaining(named.filter((part) => part in before.parts)));
});

// `plan` on a VM prints what the boot of this VM has written and started, byte for byte, and `validate` accepts what the boot
// accepted.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Preview } from '../../src/boot/preview.ts';
import type { LaunchPlan } from '../../src/flower/plan.ts';
import { NET, superlink, supernode, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';
import { base64, OTHER_CA, operator } from './failures/setup.ts';

async function expectPlanInForce(vm: Vm): Promise<Preview> {
  expect(await vm.cli('validate')).toMatchObject({ code: 0 });
  const { stdout, stderr } = await vm.cli('plan', '--json', '--show-all');
  const planned = JSON.parse(stdout || stderr) as Preview;
  const inForce = JSON.parse(readFileSync(vm.at('run/flower-context/plan.json'), 'utf8')) as LaunchPlan;
  // A checksum of certificates, which only a boot makes.
  const { FLOWER_CONTEXT_INPUTS, ...environment } = inForce.environment;
  expect(planned.launch_plan).toEqual({ ...inForce, environment });
  for (const { path, content } of planned.files)
    if (content !== undefined) expect(readFileSync(path, 'utf8')).toBe(content);
  expect(planned.files.map(({ path }) => path)).toContain(vm.at('run/flower-context/plan.json'));
  return planned;
}

test.each([
  ['certificates of its own', { FL_CERT_EXTRA_SAN: 'DNS:superlink.example.org', FL_NUM_ROUNDS: '7' }],
  ['plaintext', { FL_TLS_ENABLED: 'NO', FL_GRPC_KEEPALIVE_TIME: '90' }],
])('plan of a SuperLink with %s', async (_, given) => {
  const { vm, one } = await superlink(given);
  await vm.whenReady();
  const { endpoint } = await expectPlanInForce(vm);
  expect(endpoint).toBe(one.userTemplate.get('FL_ENDPOINT'));
});

test("plan of a SuperLink with an operator's certificates", async () => {
  const federation = zone({ supernodes: 0, superlink: {} });
  const address = `${NET}.${(federation.zone.nextVmId ?? 0) + 1}.2`;
  Object.assign(federation.spec.superlink as object, operator(address));
  await federation.deploy();
  const vm = federation.superlink;
  await vm.whenReady();
  const { endpoint } = await expectPlanInForce(vm);
  expect(endpoint).toBe(`${address}:9092`);
});

test.each([
  ['plaintext', { FL_TLS_ENABLED: 'NO', FL_NODE_CONFIG: 'site="north"' }],
  ['a pinned CA', { FL_SSL_CA_CERTFILE: base64(OTHER_CA.certPem), FL_USE_CASE: 'none' }],
])('plan of a SuperNode with an address and %s', async (_, given) => {
  const { vm } = await supernode({}, { FL_SUPERLINK_ADDRESS: `${NET}.200.1:9092`, ...given });
  await vm.waitFor('the start of Flower', ({ steps }) =>
    steps.some(({ id, state }) => id === 'start_flower' && state === 'done'),
  );
  const { endpoint } = await expectPlanInForce(vm);
  expect(endpoint).toBe(`${NET}.200.1:9092`);
});

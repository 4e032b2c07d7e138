// What docs/operate.md and docs/multi-site.md say happens, on VMs that get the CONTEXT that our own templates make.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatHostPort, parseHostPort } from '../../src/core/hostport.ts';
import { DEFAULT_OPTIONS, serviceTemplate } from '../../src/templates/oneflow.ts';
import { TOPOLOGIES, type Topology } from '../../src/templates/topology.ts';
import { parseInput } from '../../src/templates/user-input.ts';
import { until } from '../support/zone/process.ts';
import { superlink, supernode, zone } from '../support/zone/test-zone.ts';
import { REPOSITORY, type Vm } from '../support/zone/vm.ts';

type Inputs = Record<string, string>;

/** The answers that OneFlow puts into a role's CONTEXT when the form of the template is left as it is. */
function answers(topology: Topology, role: 'superlink' | 'supernode'): Inputs {
  const made = serviceTemplate({
    ...DEFAULT_OPTIONS,
    topology,
    format: 7,
    supernodes: TOPOLOGIES[topology].supernodes,
  }) as {
    user_inputs: Inputs;
    roles: { name: string; user_inputs: Inputs }[];
  };
  const inputs = { ...made.user_inputs, ...made.roles.find(({ name }) => name === role)!.user_inputs };
  const presets = Object.entries(inputs).map(([name, text]) => [name, parseInput(text).preset] as const);
  return Object.fromEntries(presets.filter(([name]) => !OF_THE_SETUP.includes(name)));
}

/** All VMs share one loopback here. */
const OF_THE_SETUP = ['FL_FLEET_API_ADDRESS', 'FL_CONTROL_API_ADDRESS'];

test('a form with its defaults gives a federation, and docs explain each line of its journal', async () => {
  const page = readFileSync(join(REPOSITORY, 'docs/operate.md'), 'utf8');
  const explained = [...page.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, line]) =>
    line!.replace(/ ?\.\.\..*/, ''),
  );
  const federation = zone({
    supernodes: 2,
    superlink: answers('single-site', 'superlink'),
    supernode: answers('single-site', 'supernode'),
  });
  await federation.deploy();
  await federation.superlink.whenReady(30_000);
  const nodes = await until(
    'OneFlow to start the SuperNodes',
    () => federation.supernodes.length === 2 && federation.supernodes,
  );
  const vms: Vm[] = [federation.superlink, ...nodes];
  for (const vm of vms) await vm.whenReady(30_000);
  const said = vms.flatMap((vm) => vm.journal()).filter(({ name }) => name === 'flower-context');
  const lines = said.map(({ message }) => message.replace(/^\[\d+\/\d+\] /, '').trimStart());
  expect(lines.length).toBeGreaterThan(30);
  expect(lines.filter((line) => !explained.some((begin) => begin !== '' && line.startsWith(begin)))).toEqual(
    [],
  );
  expect(vms.flatMap((vm) => vm.status()!.problems)).toEqual([]);
});

test('a training site joins a coordinator of another zone with the line that `flower-context ca --base64` prints', async () => {
  const { vm: coordinator } = await superlink(answers('coordinator', 'superlink'));
  const { facts } = await coordinator.whenReady(30_000);
  const line = (await coordinator.cli('ca', '--base64')).stdout.trim();
  const address = formatHostPort(parseHostPort(String(facts['endpoint']))!);
  // A text64 field of a form encodes once more.
  for (const ca of [line, Buffer.from(line).toString('base64')]) {
    const { vm } = await supernode(
      {},
      { ...answers('training-site', 'supernode'), FL_SUPERLINK_ADDRESS: address, FL_SSL_CA_CERTFILE: ca },
    );
    const status = await vm.whenReady(30_000);
    expect(status.facts).toMatchObject({ superlink: address, tls: true, ca_sha256: facts['ca_sha256'] });
    const [here, there] = [await vm.cli('ca'), await coordinator.cli('ca')].map(
      ({ stdout }) => /fingerprint.*/.exec(stdout)?.[0],
    );
    expect(here).toBe(there);
  }
});

test('a training site does not join with the CA of another operator', async () => {
  const { vm: coordinator } = await superlink();
  const { vm: other } = await superlink();
  const { facts } = await coordinator.whenReady(30_000);
  await other.whenReady(30_000);
  const line = (await other.cli('ca', '--base64')).stdout.trim();
  const { vm } = await supernode(
    {},
    {
      ...answers('training-site', 'supernode'),
      FL_SUPERLINK_ADDRESS: String(facts['endpoint']),
      FL_SSL_CA_CERTFILE: line,
    },
  );
  const { problems } = await vm.whenFailed(30_000);
  expect(problems.map(({ code }) => code)).toContain('ca_mismatch');
});

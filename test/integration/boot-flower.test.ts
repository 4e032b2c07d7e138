// Flower cannot be installed, cannot listen, ends at once, dies later: what the agent makes of it.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { until } from '../support/zone/process.ts';
import { NET, superlink, zone } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

/** No index answers: nothing can be installed. */
const NO_INDEX = {
  PIP_INDEX_URL: `http://${NET}.0.99:9/simple`,
  PIP_CONFIG_FILE: '/dev/null',
  PIP_RETRIES: '0',
};

async function occupy(host: string, port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host, port }, resolve));
  onTestFinished(() => void server.close());
  return server;
}

// covers flower_install_failed
test('the version of the image serves when another cannot be installed, and the journal, the status and OneGate report it', async () => {
  const { vm, one } = await superlink({ FLOWER_VERSION: '1.38.0' }, { env: NO_INDEX });
  const status = await vm.whenReady(50_000);
  expect(status.facts.flower_version).toBe(BAKED_FLOWER);
  expect(status.problems).toContainEqual(
    expect.objectContaining({
      code: 'flower_install_failed',
      kind: 'degraded',
      variable: 'FLOWER_VERSION',
      remedy: expect.stringContaining('package index'),
    }),
  );
  expect(status.steps.find(({ id }) => id === 'launch_plan')?.state).toBe('degraded');
  expect(one.userTemplate.get('FL_VERSION')).toBe(BAKED_FLOWER);
  expect(one.userTemplate.get('FL_ERROR')).toBe('flower_install_failed');
  expect(one.userTemplate.get('FL_READY')).toBe('YES');
  await vm.toSay('1.38.0');
  const { stdout } = await vm.cli('doctor');
  expect(stdout).not.toContain('but also FL_ERROR');

  // The next boot says the same at once, and does not wait for it again.
  await vm.systemctl('restart', 'flower-context');
  const again = await vm.whenReady();
  const step = again.steps.find(({ id }) => id === 'launch_plan');
  expect(step).toMatchObject({ state: 'degraded' });
  expect(again.problems.find(({ code }) => code === 'flower_install_failed')?.found).toMatch(
    /a boot does not try it again/,
  );
});

test('a version of Flower that the agent does not know is refused, and the ranges are named', async () => {
  const { vm } = await superlink({ FLOWER_VERSION: '1.43.0' });
  const status = await vm.whenFailed();
  expect(status.problems[0]).toMatchObject({
    code: 'flower_version_unsupported',
    variable: 'FLOWER_VERSION',
  });
  await vm.toSay('1.31 to 1.42');
});

test('a port in use is reported with its remedy before Flower starts, and the boot succeeds once the port is free', async () => {
  const others: Server[] = [];
  const prepare = async ({ spec }: Vm): Promise<void> =>
    void others.push(await occupy(spec.context.ETH0_IP!, 9092));
  const taken = zone({ supernodes: 0, prepare });
  await taken.deploy();
  await until('the VM', () => taken.vms.length === 1);
  const vm = taken.superlink;
  const status = await vm.whenFailed();
  expect(status.problems[0]).toMatchObject({
    code: 'port_in_use',
    doing: expect.stringContaining(':9092'),
    found: 'another program listens there',
    remedy: expect.stringContaining('ss -ltnp'),
  });
  expect(vm.journal('flower-superlink')).toEqual([]);
  await until('the error on OneGate', () => taken.seenBy(vm).userTemplate.get('FL_ERROR') === 'port_in_use');
  for (const server of others) server.close();
  await vm.whenReady(30_000);
  expect(taken.seenBy(vm).userTemplate.get('FL_ERROR')).toBe('-');
});

test('another port that is taken: what serves keeps serving, and the problem names the port', async () => {
  const { vm, one } = await superlink();
  await vm.whenReady();
  const { MainPID } = await vm.unit('flower-superlink');
  const address = String(one.userTemplate.get('FL_ENDPOINT')).split(':')[0]!;
  const other = await occupy(address, 9192);
  await vm.recontextualize({ FL_FLEET_API_ADDRESS: '0.0.0.0:9192' });
  const { problems, serving } = await vm.waitFor('the boot to fail', ({ phase }) => phase === 'failed');
  expect(problems).toMatchObject([{ code: 'port_in_use', doing: expect.stringContaining(':9192') }]);
  expect(serving).toBe(true);
  await until('the error on OneGate', () => one.userTemplate.get('FL_ERROR') === 'port_in_use');
  expect(one.userTemplate.get('FL_READY')).toBe('YES');
  expect(await vm.unit('flower-superlink')).toMatchObject({ MainPID });
  other.close();
  await vm.waitFor(
    'the new port to be in force',
    ({ phase, problems: left }) => phase === 'ready' && left.length === 0,
    60_000,
  );
  expect(one.userTemplate.get('FL_ENDPOINT')).toBe(`${address}:9192`);
});

// covers flower-exits
test('the message has the last lines of a Flower that ends at once, OneGate has the code, and READY is never reported', async () => {
  const { federation, vm, one } = await superlink(
    {},
    { flower: { fake: true, order: 'exit 1 OSError: the database is of another planet' } },
  );
  const status = await vm.whenFailed();
  expect(status.problems[0]).toMatchObject({
    code: 'flower_start_failed',
    found: expect.stringContaining('the database is of another planet'),
  });
  await vm.toSay('the database is of another planet');
  await until('the error on OneGate', () => one.userTemplate.get('FL_ERROR') === 'flower_start_failed');
  expect(JSON.stringify(federation.zone.log.map(({ attributes }) => attributes))).not.toMatch(/READY":"YES/);
});

test('systemd restarts a Flower that dies later, and the agent logs its end and its return', async () => {
  // Otherwise it can be back before anybody has looked.
  const { vm } = await superlink({}, { dropIns: { 'flower-superlink': '[Service]\nRestartSec=2' } });
  await vm.whenReady();
  await vm.systemctl('kill', '-s', 'KILL', 'flower-superlink');
  await vm.waitFor('the loss', ({ serving }) => !serving);
  await vm.waitFor('the return', ({ serving }) => serving);
  await vm.toSay(/Flower is not serving/);
  await vm.toSay(/Flower is back after/);
  expect((await vm.unit('flower-superlink')).NRestarts).toBe('1');
});

test('an agent that is killed does not stop Flower, and the next agent changes nothing', async () => {
  const { vm } = await superlink();
  await vm.whenReady();
  const flower = (await vm.unit('flower-superlink')).MainPID;
  const agent = (await vm.unit('flower-context')).MainPID;
  await vm.systemctl('kill', '-s', 'KILL', 'flower-context');
  await vm.waitFor(
    'a new agent that is ready',
    ({ phase, pid }) => phase === 'ready' && String(pid) !== agent,
  );
  expect((await vm.unit('flower-superlink')).MainPID).toBe(flower);
  expect(vm.status()?.steps.find(({ id }) => id === 'start_flower')?.state).toBe('kept');
});

test('an agent that was upgraded writes the missing flower.json and does not restart Flower', async () => {
  const { vm } = await superlink();
  await vm.whenReady();
  const file = vm.at('run/flower-context/flower.json');
  const before = readFileSync(file, 'utf8');
  const flower = (await vm.unit('flower-superlink')).MainPID;
  rmSync(file);
  await vm.systemctl('restart', 'flower-context');
  await until('the file', () => existsSync(file));
  expect(readFileSync(file, 'utf8')).toBe(before);
  await vm.whenReady();
  expect((await vm.unit('flower-superlink')).MainPID).toBe(flower);
  expect((await vm.cli('ca')).stdout).toContain(vm.at('var/lib/flower-context/tls/ca.pem'));
});

// The snapshot that all checks read: the same credentials and the same checks of the CONTEXT as in the boot.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { context, token } from '../../../src/doctor/checks/given.ts';
import { takeSnapshot } from '../../../src/doctor/snapshot.ts';
import { realHost } from '../../../src/host/host.ts';
import { type Machine, realMachine } from '../../../src/host/machine.ts';
import type { Life } from '../../../src/report/life.ts';

const IMAGE = `{"role":"supernode","flower":{"version":"${BAKED_FLOWER}","framework":"none"}}`;
const GIVEN = "TOKEN='YES'\nONEGATE_ENDPOINT='http://198.51.100.1:5030'\nVMID='7'\n";

let folder: string;
let machine: Machine;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
  machine = { ...realMachine(folder), host: { ...realHost, mainPids: async () => [] } };
  put(machine.paths.appliance, IMAGE);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A unit test asks no systemd. */
const noSystemd = async (): Promise<Life> => ({
  agent: { running: true, state: 'running', since: null, pid: 1, detail: 'runs' },
  flower: null,
});

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

test('ONEGATE_TOKEN in the CONTEXT is a token without one_env, as in the boot', async () => {
  put(machine.paths.contextFiles[0], `${GIVEN}ONEGATE_TOKEN='c2VjcmV0'\n`);
  const snapshot = await takeSnapshot(machine, noSystemd);
  expect(snapshot.oneGate?.vmId).toBe(7);
  expect(await token.run(snapshot)).toEqual([{ severity: 'ok', found: 'present' }]);
});

test.each([
  ['no token', GIVEN, 'one-context has written no token'],
  ['no token and no endpoint', "TOKEN='YES'\nVMID='7'\n", 'one-context has written no token'],
  [
    'a token and no endpoint',
    "TOKEN='YES'\nONEGATE_TOKEN='x'\nVMID='7'\n",
    'no access to OneGate: no ONEGATE_ENDPOINT in the CONTEXT',
  ],
  ['no TOKEN=YES', "VMID='7'\n", 'TOKEN=YES is not in the CONTEXT'],
])('%s is a problem of the token', async (_, text, found) => {
  put(machine.paths.contextFiles[0], text);
  const snapshot = await takeSnapshot(machine, noSystemd);
  expect(snapshot.oneGate).toBeUndefined();
  expect(await token.run(snapshot)).toEqual([
    expect.objectContaining({ severity: 'problem', found: expect.stringContaining(found) }),
  ]);
});

test('what the boot would refuse is a problem of the CONTEXT, also when every variable can be read', async () => {
  put(machine.paths.contextFiles[0], "FL_SUPERLINK_ADDRESS='10.0.0.5:9092'\n");
  expect(await context.run(await takeSnapshot(machine, noSystemd))).toContainEqual(
    expect.objectContaining({ severity: 'problem', code: 'ca_missing' }),
  );
});

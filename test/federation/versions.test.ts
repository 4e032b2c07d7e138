// Another FLOWER_VERSION on a SuperLink that has a database: real Flower 1.31.0 and 1.39.0, both installed.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Federation } from '../support/zone/federation.ts';
import { NET } from '../support/zone/test-zone.ts';
import type { Vm } from '../support/zone/vm.ts';

let federation: Federation;
let vm: Vm;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'versions-'));
  federation = new Federation({
    dir,
    net: NET,
    supernodes: 0,
    flower: { version: '1.31.0' },
    zone: { address: `${NET}.0.37` },
  });
  await federation.deploy();
  vm = federation.superlink;
  await vm.whenReady(90_000);
});
afterAll(async () => {
  await federation.stop();
  rmSync(dir, { recursive: true, force: true });
});

const COPY = 'var/lib/flower/superlink/state/state.db.flower-1.31.0';
const serves = (version: string) =>
  vm.waitFor(
    `Flower ${version} to serve`,
    ({ phase, facts }) => phase === 'ready' && facts['flower_version'] === version,
    120_000,
  );

test('a newer version migrates the database, and a copy for the older one is kept', async () => {
  expect(existsSync(vm.at(COPY))).toBe(false);
  await vm.recontextualize({ FLOWER_VERSION: '1.39.0' });
  await serves('1.39.0');
  expect(existsSync(vm.at(COPY))).toBe(true);
  expect(vm.journalText('flower-superlink')).toMatch(
    /kept a copy of the database for Flower 1\.31\.0: \S+$/m,
  );
});

// covers flower_database_newer
test('an older version is refused with both named, and what serves keeps serving', async () => {
  const flower = await vm.unit('flower-superlink');
  await vm.recontextualize({ FLOWER_VERSION: '1.31.0' });
  const { problems, serving } = await vm.waitFor('the boot to fail', ({ phase }) => phase === 'failed');
  expect(problems).toMatchObject([
    {
      code: 'flower_database_newer',
      variable: 'FLOWER_VERSION',
      found: 'Flower 1.39.0 has served with it, and FLOWER_VERSION asks for Flower 1.31.0',
    },
  ]);
  expect(serving).toBe(true);
  expect(await vm.unit('flower-superlink')).toMatchObject({ ExecMainPID: flower.ExecMainPID });
  const { userTemplate } = federation.seenBy(vm);
  expect(userTemplate.get('FL_READY')).toBe('YES');
  await federation.zone.until(
    () => userTemplate.get('FL_ERROR') === 'flower_database_newer',
    30_000,
    'FL_ERROR on OneGate',
  );
});

test('with the newer version again it is ready, without a restart of Flower', async () => {
  const flower = await vm.unit('flower-superlink');
  await vm.recontextualize({ FLOWER_VERSION: '1.39.0' });
  expect((await serves('1.39.0')).problems).toEqual([]);
  expect(await vm.unit('flower-superlink')).toMatchObject({ ExecMainPID: flower.ExecMainPID });
});

test('the copy serves the older version under its own name', async () => {
  await vm.recontextualize({ FLOWER_VERSION: '1.31.0', FL_DATABASE: 'state/state.db.flower-1.31.0' });
  await serves('1.31.0');
});

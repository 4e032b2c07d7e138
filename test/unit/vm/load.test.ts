// What the agent and every command take from the VM: values or Problems, and one rule for each of them.

import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import type { Problem } from '../../../src/core/problem.ts';
import { sha256 } from '../../../src/host/machine.ts';
import { type Paths, pathsUnder } from '../../../src/host/paths.ts';
import { currentContextSha256, hasImage, type LoadedVm, loadVm } from '../../../src/vm/load.ts';

const IMAGE = { role: 'supernode', flower: { version: BAKED_FLOWER, framework: 'none' }, user: 'flower' };
const TOKEN = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=';
const GIVEN = "TOKEN='YES'\nONEGATE_ENDPOINT=' http://198.51.100.1:5030 '\nVMID='7'\n";

let folder: string;
let paths: Paths;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'load-'));
  paths = pathsUnder(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const load = (): LoadedVm => loadVm({ paths });

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Gives the VM a CONTEXT, and a one_env with these lines. */
function give(context: string, oneEnv?: string): LoadedVm['credentials'] {
  put(paths.contextFiles[0], context);
  if (oneEnv !== undefined) put(paths.oneEnv, oneEnv);
  return load().credentials;
}

test('a machine that has nothing gives Problems', () => {
  expect(load()).toEqual({
    image: expect.objectContaining({ code: 'image_incomplete' }),
    context: expect.objectContaining({ code: 'context_unreadable' }),
    contextSha256: undefined,
    credentials: { missing: [], why: 'no CONTEXT' },
  });
  expect(hasImage({ paths })).toBe(false);
  expect(currentContextSha256({ paths })).toBeUndefined();
});

test('a VM gives its image, its CONTEXT and its credentials', () => {
  put(paths.appliance, JSON.stringify(IMAGE));
  const credentials = give(GIVEN, `export TOKENTXT="${TOKEN}"\n`);
  expect(load()).toMatchObject({
    image: IMAGE,
    context: { path: paths.contextFiles[0], sha256: sha256(GIVEN), variables: { TOKEN: 'YES', VMID: '7' } },
    contextSha256: sha256(GIVEN),
  });
  expect(credentials).toEqual({ endpoint: 'http://198.51.100.1:5030', vmId: 7, token: TOKEN });
  expect(hasImage({ paths })).toBe(true);
});

test('an image that does not say when it was built has the age of its appliance.json', () => {
  put(paths.appliance, JSON.stringify(IMAGE));
  utimesSync(paths.appliance, 0, 1_700_000_000);
  expect(load().image).toMatchObject({ built: new Date(1_700_000_000_000) });
  put(paths.appliance, JSON.stringify({ ...IMAGE, built: '2026-11-21T06:00:00Z' }));
  expect(load().image).toMatchObject({ built: new Date('2026-11-21T06:00:00Z') });
});

test('a damaged appliance.json is a Problem', () => {
  put(paths.appliance, '{');
  expect(load().image).toMatchObject({ code: 'image_incomplete' });
  expect(hasImage({ paths })).toBe(true);
});

describe('the CONTEXT', () => {
  test('of the network stage replaces that of the local stage', () => {
    put(paths.contextFiles[1], "A='local'\n");
    expect(load().context).toMatchObject({ path: paths.contextFiles[1], variables: { A: 'local' } });
    put(paths.contextFiles[0], "A='network'\n");
    expect(load().context).toMatchObject({ path: paths.contextFiles[0], variables: { A: 'network' } });
  });

  test.each([
    ['KEY=VALUE lines', 'A=1\nB=2\n', 'line 1'],
    ['a bare value in the second line', "A='1'\nB=2\n", 'line 2'],
    ['a template block', 'CONTEXT = [ A = "1" ]\n', 'line 1'],
    ['JSON', '{"A":"1"}\n', 'line 1'],
  ])('is read as context.sh alone: %s is a Problem, and has a checksum', (_, text, line) => {
    give(text, `export TOKENTXT="${TOKEN}"\n`);
    const { context, contextSha256, credentials } = load();
    expect(context).toMatchObject({ code: 'context_unreadable' });
    expect((context as Problem).facts.found).toContain(line);
    expect(contextSha256).toBe(sha256(text));
    expect(currentContextSha256({ paths })).toBe(sha256(text));
    expect(credentials).toEqual({ missing: [], why: 'no CONTEXT' });
  });

  test('that cannot be read is a Problem of the disk, and the older file is not taken instead', () => {
    mkdirSync(paths.contextFiles[0], { recursive: true });
    put(paths.contextFiles[1], "A='local'\n");
    expect(load().context).toMatchObject({ code: 'state_unwritable' });
    expect(load().contextSha256).toBeUndefined();
    expect(currentContextSha256({ paths })).toBeUndefined();
  });
});

describe('the credentials', () => {
  test('are those of one_env, also when the CONTEXT has a token', () => {
    const context = `${GIVEN}ONEGATE_TOKEN='other'\n`;
    expect(give(context, `export TOKENTXT="${TOKEN}"\n`)).toMatchObject({ token: TOKEN });
  });

  test.each([
    ['without one_env', undefined],
    ['with a one_env that has no token', 'export VMID="7"\n'],
  ])('are ONEGATE_TOKEN of the CONTEXT %s', (_, oneEnv) => {
    expect(give(`${GIVEN}ONEGATE_TOKEN=' ${TOKEN} '\n`, oneEnv)).toMatchObject({ token: TOKEN });
  });

  test.each([
    ['TOKEN=YES is not set', "VMID='7'\n", undefined, ['TOKEN']],
    ['no token in ', GIVEN, undefined, ['token']],
    [
      'no ONEGATE_ENDPOINT in the CONTEXT, no VMID in the CONTEXT',
      "TOKEN='yes'\n",
      TOKEN,
      ['ONEGATE_ENDPOINT', 'VMID'],
    ],
    ['no VMID in the CONTEXT', GIVEN.replace("'7'", "'7a'"), TOKEN, ['VMID']],
    ['TOKEN=YES is not set', "TOKEN='NO'\nVMID='7'\n", TOKEN, ['TOKEN']],
  ])('are missing: %s', (why, context, token, missing) => {
    const credentials = give(context, token === undefined ? undefined : `export TOKENTXT="${token}"\n`);
    expect(credentials).toEqual({ missing, why: expect.stringContaining(why) });
  });

  test('of a one_env that cannot be read are a Problem', () => {
    mkdirSync(paths.oneEnv, { recursive: true });
    expect(give(GIVEN)).toMatchObject({ code: 'state_unwritable' });
  });
});

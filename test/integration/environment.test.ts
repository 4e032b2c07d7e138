// Another Flower than the baked one, with stubs of the script that installs and of Python.

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Framework } from '../../src/config/frameworks.ts';
import { BAKED_FLOWER } from '../../src/config/locked.ts';
import { ensureEnvironment } from '../../src/flower/environment.ts';
import { pathsUnder } from '../../src/host/paths.ts';
import { run } from '../../src/host/process.ts';

let root = '';
let paths: ReturnType<typeof pathsUnder>;
const log = (): string => (existsSync(join(root, 'log')) ? readFileSync(join(root, 'log'), 'utf8') : '');

function program(path: string, script: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/** An environment as make-env.sh leaves it, or one whose building was cut off. */
function environment(name: string, state: 'whole' | 'cut off' = 'whole'): string {
  const folder = join(paths.environments, name);
  program(join(folder, 'bin/python'), ':');
  writeFileSync(join(folder, state === 'whole' ? '.complete' : '.incomplete'), '');
  return folder;
}

const GB = 1e9;
const freeSpace = (bytes: number) => ({ freeSpaceAt: () => ({ bytes, files: 100_000 }) });
const request = (wanted: string, framework: Framework = 'none') => ({
  ...freeSpace(50 * GB),
  wanted,
  baked: BAKED_FLOWER,
  framework,
  paths,
});

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flower-env-'));
  paths = pathsUnder(root);
  // Notes how it was called, and does what the real one does when all goes well.
  program(
    paths.makeEnvironment,
    `echo "$1 $2 $PYTHON" >> ${root}/log; rm -rf "$3"; mkdir -p "$3/bin"; cp "$PYTHON" "$3/bin/python"; : >"$3/.complete"`,
  );
  environment(`${BAKED_FLOWER}-none`);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('the environment of the wanted Flower', () => {
  it('is the baked one without an installation when that version is wanted', async () => {
    expect(await ensureEnvironment(request(BAKED_FLOWER))).toEqual({
      path: join(paths.environments, `${BAKED_FLOWER}-none`),
      version: BAKED_FLOWER,
    });
    expect(log()).toBe('');
  });

  it('is installed beside the baked one by its Python, found at the next boot, and the wait is reported', async () => {
    const waits: unknown[] = [];
    const first = await ensureEnvironment({ ...request('1.36.0'), onWait: (wait) => waits.push(wait?.for) });
    expect(first).toEqual({ path: join(paths.environments, '1.36.0-none'), version: '1.36.0' });
    expect(log()).toBe(`1.36.0 none ${join(paths.environments, `${BAKED_FLOWER}-none/bin/python`)}\n`);
    expect(waits).toEqual(['Flower 1.36.0 (none) to be installed', undefined]);
    expect(await ensureEnvironment(request('1.36.0'))).toEqual(first);
    expect(log().split('\n')).toHaveLength(2);
  });

  it('is built again after an interrupted attempt, also in the baked version', async () => {
    environment('1.36.0-none', 'cut off');
    expect(await ensureEnvironment(request('1.36.0'))).not.toHaveProperty('degraded');
    environment(`${BAKED_FLOWER}-sklearn`, 'cut off');
    expect(await ensureEnvironment(request(BAKED_FLOWER, 'sklearn'))).toMatchObject({
      version: BAKED_FLOWER,
    });
    expect(log()).toMatch(/^1\.36\.0 none .*\n1\.39\.0 sklearn .*\n$/);
  });

  it.each<[string, (folder: string) => void]>([
    ['has no mark of completion', (folder) => rmSync(join(folder, '.complete'))],
    ['is marked as incomplete', (folder) => writeFileSync(join(folder, '.incomplete'), '')],
    [
      'has a folder as mark of completion',
      (folder) => {
        rmSync(join(folder, '.complete'));
        mkdirSync(join(folder, '.complete'));
      },
    ],
    ['can be written by the group', (folder) => chmodSync(folder, 0o775)],
    ['has programs that everybody can write', (folder) => chmodSync(join(folder, 'bin'), 0o777)],
    ['has a mark that everybody can write', (folder) => chmodSync(join(folder, '.complete'), 0o666)],
    ...(process.getuid?.() === 0
      ? (['', 'bin', '.complete'].map((name) => [
          `has another owner of ${name || 'its folder'}`,
          (folder) => chownSync(join(folder, name), 65_534, 65_534),
        ]) satisfies [string, (folder: string) => void][])
      : []),
  ])('is installed again when the one that is there %s', async (_, spoil) => {
    spoil(environment('1.36.0-none'));
    expect(await ensureEnvironment(request('1.36.0'))).not.toHaveProperty('degraded');
    expect(log()).toMatch(/^1\.36\.0 none /);
  });

  it('is replaced by the baked one when it cannot be installed, with the message of the installer', async () => {
    program(
      paths.makeEnvironment,
      'echo "ERROR: No matching distribution found for flwr==1.36.0" >&2; echo bye >&2; exit 1',
    );
    const { degraded, ...found } = await ensureEnvironment(request('1.36.0'));
    expect(found).toEqual({ path: join(paths.environments, `${BAKED_FLOWER}-none`), version: BAKED_FLOWER });
    expect(degraded).toMatchObject({ code: 'flower_install_failed', facts: { variable: 'FLOWER_VERSION' } });
    expect(degraded!.message).toContain('No matching distribution found for flwr==1.36.0');
  });

  it('is replaced by the baked one when the installation takes too long', async () => {
    program(paths.makeEnvironment, 'sleep 60');
    const { degraded, version } = await ensureEnvironment({ ...request('1.36.0'), limitMs: 200 });
    expect(version).toBe(BAKED_FLOWER);
    expect(degraded!.message).toContain('not done within');
  });

  it('is replaced by the baked framework when the wanted one cannot be installed', async () => {
    rmSync(join(paths.environments, `${BAKED_FLOWER}-none`), { recursive: true });
    environment(`${BAKED_FLOWER}-sklearn`);
    program(paths.makeEnvironment, 'exit 1');
    const { degraded, path } = await ensureEnvironment(request(BAKED_FLOWER, 'pytorch'));
    expect(path).toBe(join(paths.environments, `${BAKED_FLOWER}-sklearn`));
    expect(degraded!.facts.variable).toBe('ML_FRAMEWORK');
  });

  it('is the one of the image when no framework is wanted', async () => {
    rmSync(join(paths.environments, `${BAKED_FLOWER}-none`), { recursive: true });
    const path = environment(`${BAKED_FLOWER}-sklearn`);
    expect(await ensureEnvironment(request(BAKED_FLOWER))).toEqual({ path, version: BAKED_FLOWER });
    expect(log()).toBe('');
  });

  it('is not installed and not downloaded without enough free space', async () => {
    const { degraded, path } = await ensureEnvironment({
      ...request(BAKED_FLOWER, 'pytorch'),
      ...freeSpace(1.2 * GB),
    });
    expect(path).toBe(join(paths.environments, `${BAKED_FLOWER}-none`));
    expect(degraded).toMatchObject({ code: 'flower_install_failed', facts: { variable: 'ML_FRAMEWORK' } });
    expect(degraded!.message).toMatch(
      /it needs 9\.6 GB free at \S+envs, which has 1\.2 GB; nothing was downloaded/,
    );
    expect(degraded!.facts.remedy).toContain('`flower-context install` tries again');
    expect(log()).toBe('');
  });

  it('is installed when a small framework fits', async () => {
    expect(await ensureEnvironment({ ...request(BAKED_FLOWER, 'sklearn'), ...freeSpace(1.2 * GB) })).toEqual({
      path: join(paths.environments, `${BAKED_FLOWER}-sklearn`),
      version: BAKED_FLOWER,
    });
  });

  describe('that could not be installed', () => {
    const fails = (): void =>
      program(paths.makeEnvironment, `echo "$1 $2" >> ${root}/log; echo "ERROR: no way" >&2; exit 1`);
    const attempts = (): number => log().split('\n').length - 1;

    it('is not tried again by the next boot, which reports the same with the time of the attempt', async () => {
      fails();
      const first = (await ensureEnvironment(request(BAKED_FLOWER, 'sklearn'))).degraded!;
      const second = (await ensureEnvironment(request(BAKED_FLOWER, 'sklearn'))).degraded!;
      expect(attempts()).toBe(1);
      expect(first.message).toContain('ERROR: no way');
      expect(second.message).toMatch(/ERROR: no way \(at 20\d\d-.*Z; a boot does not try it again\)/);
    });

    it('is not tried again after a lack of free space, even when there is enough now', async () => {
      await ensureEnvironment({ ...request(BAKED_FLOWER, 'pytorch'), ...freeSpace(1 * GB) });
      const { degraded } = await ensureEnvironment(request(BAKED_FLOWER, 'pytorch'));
      expect(degraded!.message).toContain('which has 1.0 GB');
      expect(log()).toBe('');
    });

    it('is tried again on request, and a success deletes the record of the failure', async () => {
      await ensureEnvironment({ ...request(BAKED_FLOWER, 'pytorch'), ...freeSpace(1 * GB) });
      expect(existsSync(paths.failedInstallations)).toBe(true);
      const path = join(paths.environments, `${BAKED_FLOWER}-pytorch`);
      expect(await ensureEnvironment({ ...request(BAKED_FLOWER, 'pytorch'), again: true })).toEqual({
        path,
        version: BAKED_FLOWER,
      });
      expect(existsSync(paths.failedInstallations)).toBe(false);
    });

    it('does not prevent a try for another framework, another version or another image', async () => {
      fails();
      await ensureEnvironment(request(BAKED_FLOWER, 'sklearn'));
      await ensureEnvironment(request(BAKED_FLOWER, 'tensorflow'));
      await ensureEnvironment(request('1.36.0', 'sklearn'));
      rmSync(join(paths.environments, `${BAKED_FLOWER}-none`), { recursive: true });
      environment(`${BAKED_FLOWER}-pytorch`);
      await ensureEnvironment(request(BAKED_FLOWER, 'sklearn'));
      expect(attempts()).toBe(4);
    });

    it('is tried again by the next boot when the installation was only interrupted', async () => {
      program(paths.makeEnvironment, `echo "$1 $2" >> ${root}/log; sleep 60`);
      const stop = new AbortController();
      const onWait = (): void => stop.abort();
      const installation = ensureEnvironment({
        ...request(BAKED_FLOWER, 'sklearn'),
        signal: stop.signal,
        onWait,
      });
      await expect(installation).rejects.toThrow('aborted');
      expect(existsSync(paths.failedInstallations)).toBe(false);
    });

    it('is tried once more when the record of the failure is damaged', async () => {
      fails();
      await ensureEnvironment(request(BAKED_FLOWER, 'sklearn'));
      writeFileSync(paths.failedInstallations, '{');
      await ensureEnvironment(request(BAKED_FLOWER, 'sklearn'));
      expect(attempts()).toBe(2);
    });
  });

  it('is an error of the image when the baked one does not exist', async () => {
    rmSync(paths.environments, { recursive: true });
    await expect(ensureEnvironment(request(BAKED_FLOWER))).rejects.toMatchObject({
      code: 'image_incomplete',
    });
  });
});

describe('the script that installs', () => {
  const script = join(import.meta.dirname, '../../appliance/flower/make-env.sh');
  const env = { PATH: process.env.PATH, PYTHON: 'false', BUILD_USER: userInfo().username };
  const make = (...args: string[]) => run(script, args, { env });

  it('does nothing when the environment is complete', async () => {
    mkdirSync(join(root, 'env'));
    writeFileSync(join(root, 'env/.complete'), '');
    expect(await make(BAKED_FLOWER, 'none', join(root, 'env'))).toMatchObject({ code: 0, stderr: '' });
  });

  it('never empties a folder that it did not make', async () => {
    mkdirSync(join(root, 'precious'));
    writeFileSync(join(root, 'precious/file'), 'x');
    const { code, stderr } = await make(BAKED_FLOWER, 'none', join(root, 'precious'));
    expect(code).toBe(1);
    expect(stderr).toContain('was not built by this script');
    expect(existsSync(join(root, 'precious/file'))).toBe(true);
  });

  it('removes all files of an attempt that failed', async () => {
    expect((await make(BAKED_FLOWER, 'none', join(root, 'new'))).code).not.toBe(0);
    expect(existsSync(join(root, 'new'))).toBe(false);
  });

  it.each([
    [`${BAKED_FLOWER}; id`, 'none', '/x/y'],
    [BAKED_FLOWER, 'jax', '/x/y'],
    ['1.38.7', 'none', '/x/y'],
    [`../${BAKED_FLOWER}`, 'none', '/x/y'],
    [BAKED_FLOWER, 'none', 'relative'],
    [BAKED_FLOWER, 'none', '/'],
  ])('refuses %s %s %s', async (...args) => {
    expect((await make(...args)).code).toBe(64);
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Checkpoint } from '../../../src/boot/checkpoint.ts';
import { demandNoOlderFlower, rememberDatabase, writeDatabaseVersion } from '../../../src/boot/database.ts';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { attempt, Problem } from '../../../src/core/problem.ts';
import { pathsUnder } from '../../../src/host/paths.ts';

const NOW = new Date('2026-11-30T12:00:00Z');
const CONFIG = { FL_DATABASE: 'state/state.db' };

function checkpoint(): { one: Checkpoint; again: () => Checkpoint } {
  const dir = mkdtempSync(join(tmpdir(), 'database-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const again = (): Checkpoint => new Checkpoint(join(dir, 'checkpoint.json'), NOW);
  return { one: again(), again };
}

const refused = (
  version: string,
  of: Checkpoint,
  config = CONFIG,
  instead?: Problem,
): Problem | undefined => {
  const found = attempt(() => demandNoOlderFlower(config, version, of, instead));
  return found instanceof Problem ? found : undefined;
};

describe('the version that has served with a database', () => {
  test('refuses an older one, and no other', () => {
    const { one } = checkpoint();
    expect(refused('1.31.0', one)).toBeUndefined();
    rememberDatabase(CONFIG, BAKED_FLOWER, one);
    expect(refused('1.31.0', one)).toMatchObject({ code: 'flower_database_newer', contextAtFault: true });
    expect(refused('1.38.9', one)).toBeDefined();
    expect(refused(BAKED_FLOWER, one)).toBeUndefined();
    expect(refused('1.40.0', one)).toBeUndefined();
  });

  test('is kept over boots, and when all steps are forgotten', () => {
    const { one, again } = checkpoint();
    rememberDatabase(CONFIG, BAKED_FLOWER, one);
    expect(refused('1.31.0', again())).toBeDefined();
    again().forget();
    expect(refused('1.31.0', again())).toBeDefined();
  });

  test('is that of this database: another one is free', () => {
    const { one } = checkpoint();
    rememberDatabase(CONFIG, BAKED_FLOWER, one);
    expect(refused('1.31.0', one, { FL_DATABASE: 'state/other.db' })).toBeUndefined();
  });

  test('is remembered for each database', () => {
    const { one, again } = checkpoint();
    const [copy, odd] = [{ FL_DATABASE: 'state/state.db.flower-1.31.0' }, { FL_DATABASE: 'constructor' }];
    rememberDatabase(CONFIG, BAKED_FLOWER, one);
    rememberDatabase(copy, '1.31.0', one);
    expect(refused('1.31.0', again(), copy)).toBeUndefined();
    expect(refused('1.31.0', again())).toBeDefined();
    expect(refused('1.31.0', again(), odd)).toBeUndefined();
    rememberDatabase(CONFIG, '1.40.0', one);
    expect(refused(BAKED_FLOWER, again())).toBeDefined();
    expect(refused('1.30.0', again(), copy)).toBeDefined();
  });

  test('is that of every database after a restore, which does not know its name', () => {
    const { one } = checkpoint();
    one.rememberDatabase({ flower: BAKED_FLOWER });
    expect(refused('1.31.0', one, { FL_DATABASE: 'state/other.db' })).toBeDefined();
  });

  test('also refuses the Flower of the image, with the reason why it would run', () => {
    const { one } = checkpoint();
    rememberDatabase(CONFIG, BAKED_FLOWER, one);
    const why = new Problem('flower_install_failed', { doing: 'installing', found: 'no network' });
    const problem = refused('1.31.0', one, CONFIG, why);
    expect(problem?.all.map(({ code }) => code)).toEqual(['flower_database_newer', 'flower_install_failed']);
    expect(problem).toMatchObject({
      contextAtFault: false,
      facts: { found: expect.stringContaining('the image has 1.31.0') },
    });
  });

  test('is written for the launcher, and removed for another database', () => {
    const { one } = checkpoint();
    const root = mkdtempSync(join(tmpdir(), 'database-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const paths = { ...pathsUnder(root), databaseVersion: join(root, 'database.json') };
    rememberDatabase(CONFIG, BAKED_FLOWER, one);
    writeDatabaseVersion(CONFIG, one, paths);
    expect(JSON.parse(readFileSync(paths.databaseVersion, 'utf8'))).toEqual({ flower: BAKED_FLOWER });
    writeDatabaseVersion({ FL_DATABASE: 'state/other.db' }, one, paths);
    expect(() => readFileSync(paths.databaseVersion)).toThrow('ENOENT');
  });
});

// The versions that FLOWER_VERSION accepts are those whose packages are locked.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lockedVersions } from '../../../scripts/locked.ts';
import { FRAMEWORKS } from '../../../src/config/frameworks.ts';
import { LOCKED_FLOWER } from '../../../src/config/locked.ts';
import { PROFILES } from '../../../src/flower/profiles.ts';
import { LINK, problems } from './support.ts';

const LOCKS = join(import.meta.dirname, '../../../appliance/flower/locks');
const linesOf = (name: string): string[] => readFileSync(join(LOCKS, name), 'utf8').trimEnd().split('\n');
const lists = readdirSync(LOCKS).filter((name) => name !== 'hashes.txt');
const hashed = new Set(linesOf('hashes.txt').map((line) => line.split('  ')[1]));

test('each accepted version has a list with every framework, and no other list exists', () => {
  expect(LOCKED_FLOWER).toEqual(lockedVersions());
  expect(lists.sort()).toEqual(
    LOCKED_FLOWER.flatMap((version) => FRAMEWORKS.map((framework) => `${version}-${framework}.txt`)).sort(),
  );
});

test('the locked versions are in the ranges of the profiles, and each range has one at both ends', () => {
  const minors = new Set(LOCKED_FLOWER.map((version) => version.split('.').slice(0, 2).join('.')));
  const ranges = PROFILES.flatMap(({ from, to }) =>
    Array.from({ length: to[1] - from[1] + 1 }, (_, more) => `${from[0]}.${from[1] + more}`),
  );
  expect([...minors].sort()).toEqual(ranges.sort());
});

describe.each(lists)('%s', (name) => {
  test('pins its Flower, numpy and other packages, each with hashes', () => {
    const pins = linesOf(name).map((line) => line.split(';')[0]!.trim());
    expect(pins).toContain(`flwr==${name.replace(/-\w+\.txt$/, '')}`);
    expect(pins.some((pin) => pin.startsWith('numpy=='))).toBe(true);
    for (const pin of pins) {
      expect(pin).toMatch(/^[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+$/);
      expect(hashed.has(pin), pin).toBe(true);
    }
  });
});

test('hashes.txt has nothing but SHA-256 of pinned packages', () => {
  const pinned = new Set(lists.flatMap(linesOf).map((line) => line.split(';')[0]!.trim()));
  for (const line of linesOf('hashes.txt')) expect(line).toMatch(/^[0-9a-f]{64} {2}\S+==\S+$/);
  expect([...hashed].filter((pin) => !pinned.has(pin!))).toEqual([]);
});

test.each(['1.38.7', '1.32.2', '1.39.1'])(
  'FLOWER_VERSION=%s is refused with the versions that are accepted',
  (version) => {
    const [found] = problems({ FLOWER_VERSION: version }, LINK);
    expect(found).toMatchObject({
      variable: 'FLOWER_VERSION',
      found: `'${version}': its packages are not locked, so this appliance does not install it`,
      expected: `one of ${LOCKED_FLOWER.join(', ')}`,
    });
  },
);

test.each([
  ['the image has', { ...LINK, flowerVersion: '1.36.1' }],
  ['the image has as an additional environment', { ...LINK, installed: ['1.31.0-none', '1.36.1-sklearn'] }],
])('a version without a lock is accepted if %s it', (_, image) => {
  expect(problems({ FLOWER_VERSION: '1.36.1' }, image)).toEqual([]);
  expect(problems({ FLOWER_VERSION: '1.36.2' }, image)).toHaveLength(1);
});

test.each(LOCKED_FLOWER)('FLOWER_VERSION=%s is accepted', (version) => {
  expect(problems({ FLOWER_VERSION: version }, LINK)).toEqual([]);
});

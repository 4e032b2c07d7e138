import { expect, test } from 'vitest';
import { BAKED_FLOWER } from '../../../src/config/locked.ts';
import { Problem } from '../../../src/core/problem.ts';
import { parseImage } from '../../../src/vm/image.ts';

const GOOD = {
  role: 'supernode',
  flower: { version: BAKED_FLOWER, framework: 'pytorch' },
  user: 'flower',
};

const problemOf = (text: string): Problem => {
  try {
    parseImage(text);
  } catch (error) {
    return error as Problem;
  }
  throw new Error('nothing was thrown');
};

test('appliance.json is read as the install script writes it', () =>
  expect(parseImage(JSON.stringify(GOOD))).toEqual(GOOD));

test('the time of the build is read, and one that cannot be read is not known', () => {
  const built = '2026-11-21T06:00:00Z';
  expect(parseImage(JSON.stringify({ ...GOOD, built }))).toEqual({ ...GOOD, built: new Date(built) });
  for (const wrong of ['', 'yesterday', 7, null])
    expect(parseImage(JSON.stringify({ ...GOOD, built: wrong }))).toEqual(GOOD);
});

test('the user has a default', () => {
  const { user: _user, ...least } = GOOD;
  expect(parseImage(JSON.stringify(least))).toEqual(GOOD);
});

test('members that are not known are left out', () => {
  expect(parseImage(JSON.stringify({ ...GOOD, built: '2026-11-21', loopback: '127.9.9.9' }))).toEqual(GOOD);
});

test.each([
  ['role', { ...GOOD, role: 'client' }],
  ['flower', { ...GOOD, flower: undefined }],
  ['flower.version', { ...GOOD, flower: { version: '1.39', framework: 'none' } }],
  ['flower.version', { ...GOOD, flower: { version: `../${BAKED_FLOWER}`, framework: 'none' } }],
  ['flower.framework', { ...GOOD, flower: { version: BAKED_FLOWER, framework: 'jax' } }],
  ['user', { ...GOOD, user: 'root; id' }],
])('a wrong %s is a problem that names it', (member, value) => {
  const problem = problemOf(JSON.stringify(value));
  expect(problem).toBeInstanceOf(Problem);
  expect(problem.code).toBe('image_incomplete');
  expect(problem.facts.found).toBe(`missing or wrong: ${member}`);
});

test('all errors are reported at once', () => {
  expect(problemOf('{}').facts.found).toBe('missing or wrong: role, flower');
});

test.each(['', '{', 'null', '[]', '"superlink"'])('%j is an incomplete image, not a crash', (text) => {
  expect(problemOf(text)).toMatchObject({ code: 'image_incomplete' });
});

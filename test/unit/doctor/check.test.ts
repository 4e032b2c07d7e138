// How checks run: at the same time, within a time limit, and only with what they need.
import { expect, test } from 'vitest';
import { Problem } from '../../../src/core/problem.ts';
import { type Check, examine, none, ok, warning } from '../../../src/doctor/check.ts';
import type { VmSnapshot } from '../../../src/doctor/snapshot.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const check = (id: string, run: Check['run'], needs?: NonNullable<Check['needs']>): Check => ({
  id,
  title: id,
  run,
  ...(needs === undefined ? {} : { needs }),
});

/** A VM of which only these parts are known. */
const snapshot = (parts: object, clock = new FakeClock()): VmSnapshot =>
  ({ machine: { clock }, ...parts }) as unknown as VmSnapshot;

test('a check that hangs or throws does not affect the others', async () => {
  const clock = new FakeClock();
  const results = await clock.run(
    examine(
      [
        check('works', () => [ok('well')]),
        check('hangs', () => new Promise(() => {})),
        check('refuses', () => {
          throw new Problem('state_unwritable', { doing: 'writing x', found: 'the disk is full' });
        }),
        check('breaks', async () => {
          throw new TypeError('x is no function');
        }),
      ],
      snapshot({}, clock),
    ),
  );
  expect(
    results.map(({ id, verdict, findings }) => [id, verdict, findings[0]?.found, findings[0]?.code]),
  ).toEqual([
    ['works', 'ok', 'well', undefined],
    ['hangs', 'warning', 'no answer within 5 s', undefined],
    ['refuses', 'problem', 'writing x: the disk is full', 'state_unwritable'],
    ['breaks', 'problem', 'the check failed: x is no function', 'internal_error'],
  ]);
  expect(clock.monotonicMs()).toBe(5_000);
  expect(clock.pending).toBe(0);
});

test('warnings and problems hide what is well, several that are well are one finding', async () => {
  const results = await examine(
    [
      check('mixed', () => [ok('a'), warning('b', 'do c'), none('d')]),
      check('well', () => [ok('a'), none('d'), ok('b')]),
    ],
    snapshot({}),
  );
  expect(results.map(({ verdict, findings }) => [verdict, findings])).toEqual([
    ['warning', [{ severity: 'warning', found: 'b', remedy: 'do c' }]],
    ['ok', [{ severity: 'ok', found: 'a; b' }]],
  ]);
});

test('a check is skipped for the first thing that is missing of all that it needs', async () => {
  const missing = new Problem('image_incomplete', { doing: 'reading x', found: 'no x' });
  const checks = (['image', 'context', 'boot', 'plan', 'onegate'] as const).map((need) =>
    check(need, () => [ok('ran')], need),
  );
  const skipped = async (parts: object) =>
    (await examine(checks, snapshot(parts))).map((one) => one.skipped ?? one.findings[0]?.found);
  const complete = { image: {}, context: {}, status: {}, endpoints: {}, oneGate: {} };
  expect(await skipped(complete)).toEqual(['ran', 'ran', 'ran', 'ran', 'ran']);
  expect(await skipped({ ...complete, image: missing })).toEqual(Array(5).fill('no image'));
  expect(await skipped({ ...complete, context: missing })).toEqual(['ran', ...Array(4).fill('no CONTEXT')]);
  expect(await skipped({ ...complete, status: undefined })).toEqual([
    'ran',
    'ran',
    'no boot yet',
    'no boot yet',
    'ran',
  ]);
  expect(await skipped({ ...complete, endpoints: undefined, oneGate: undefined })).toEqual([
    'ran',
    'ran',
    'ran',
    'no launch plan yet',
    'no access to OneGate',
  ]);
});
